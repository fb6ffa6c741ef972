#!/usr/bin/env bash
# Installs a headless Chromium into the cache folder and prints its path, for a machine whose packages have none but a snap
# (Ubuntu): the build that @sparticuz/chromium carries inside its npm package, for x86_64. Needs npm, and at run time libnss3.
set -euo pipefail

version=153.0.0
folder=${XDG_CACHE_HOME:-$HOME/.cache}/ml-service/chromium-$version
if [[ ! -x $folder/chromium ]]; then
  [[ $(uname -m) == x86_64 ]] || { echo "chromium.sh: there is a build for x86_64 alone" >&2; exit 1; }
  mkdir -p "$folder"
  new=$(mktemp -d "$folder/new.XXXX")
  trap 'rm -rf "$new"' EXIT
  (cd "$new" && npm pack --silent "@sparticuz/chromium@$version" >/dev/null && tar -xzf ./*.tgz)
  node -e '
    const fs = require("fs"), zlib = require("zlib");
    for (const [from, to] of [["chromium.br", "chromium"], ["swiftshader.tar.br", "swiftshader.tar"]])
      fs.writeFileSync(process.argv[2] + "/" + to, zlib.brotliDecompressSync(fs.readFileSync(process.argv[1] + "/" + from)));
  ' "$new/package/bin" "$new"
  tar -xf "$new/swiftshader.tar" -C "$folder"
  chmod 755 "$new/chromium"
  mv "$new/chromium" "$folder/chromium" # last, so that it is there only when all is
fi
echo "$folder/chromium"
