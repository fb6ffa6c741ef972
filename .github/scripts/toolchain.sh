#!/usr/bin/env bash
# Checks that go.mod names the newest patch of its Go, which is what CI builds and tests with. TOOLCHAIN_FIX=1 writes it.
set -euo pipefail

have=$(sed -nE 's/^toolchain go([0-9.]+)$/\1/p' go.mod)
[[ $have ]] || { echo "toolchain: go.mod has no toolchain line"; exit 1; }
newest=$(go list -m -versions go | tr ' ' '\n' | grep -E "^${have%.*}\.[0-9]+$" | sort -V | tail -1)
[[ $newest ]] || { echo "toolchain: no release of Go ${have%.*} is listed by $(go env GOPROXY)"; exit 1; }
if [[ $have == "$newest" ]]; then
  echo "toolchain: go$have is the newest patch"
  exit
fi
if [[ ${TOOLCHAIN_FIX:-} ]]; then
  for file in $(git ls-files go.mod '*/go.mod'); do go mod edit -toolchain="go$newest" "$file"; done
  echo "toolchain: go$have becomes go$newest"
  exit
fi
echo "${GITHUB_ACTIONS:+::error::}toolchain: go.mod names go$have, the newest patch is go$newest: make toolchain TOOLCHAIN_FIX=1"
exit 1
