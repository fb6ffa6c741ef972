#!/bin/sh
# Installs ml-service (and rollout) from a release of a GitHub repository, after checking its checksum.
#
#   curl -fsSL https://raw.githubusercontent.com/<owner>/<repo>/main/install.sh | REPOSITORY=<owner>/<repo> sh
#
# REPOSITORY  owner/repo of the releases                  VERSION  a release, as v1.2.3; the newest if unset
# BIN_DIR     where to; ~/.local/bin if unset             TOOLS    "ml-service rollout" if unset
# RELEASES    address of the releases, for a mirror of them
set -eu

die() { echo "install.sh: $*" >&2; exit 1; }

main() {
  bin=${BIN_DIR:-$HOME/.local/bin}
  tools=${TOOLS:-ml-service rollout}
  if [ -z "${RELEASES:-}" ]; then
    [ -n "${REPOSITORY:-}" ] || die "REPOSITORY is not set: want owner/repo"
    RELEASES=https://github.com/$REPOSITORY/releases
  fi
  case $(uname -s) in
    Linux) os=linux ;;
    Darwin) os=darwin ;;
    *) die "there is no binary for $(uname -s): want Linux or macOS; docker runs the image everywhere" ;;
  esac
  case $(uname -m) in
    x86_64 | amd64) arch=amd64 ;;
    aarch64 | arm64) arch=arm64 ;;
    *) die "there is no binary for $(uname -m): want x86_64 or arm64" ;;
  esac
  # The address of one release's files, whichever was asked for.
  if [ -n "${VERSION:-}" ]; then from=$RELEASES/download/$VERSION; else from=$RELEASES/latest/download; fi

  if command -v sha256sum >/dev/null; then sum="sha256sum"; elif command -v shasum >/dev/null; then sum="shasum -a 256"; else
    die "neither sha256sum nor shasum is here: the checksum cannot be checked"
  fi
  command -v curl >/dev/null || die "curl is missing"

  folder=$(mktemp -d)
  trap 'rm -rf "$folder"' EXIT
  get() { curl --fail --silent --show-error --location --retry 3 --output "$folder/$1" "$from/$1" || die "cannot get $from/$1"; }
  get checksums.txt
  for tool in $tools; do
    file=${tool}_${os}_${arch}
    get "$file"
    want=$(awk -v file="$file" '$2 == file || $2 == "*" file { print $1 }' "$folder/checksums.txt")
    [ -n "$want" ] || die "checksums.txt has no line for $file"
    got=$($sum "$folder/$file" | cut -d ' ' -f 1)
    [ "$got" = "$want" ] || die "$file: its SHA-256 is $got, checksums.txt says $want: nothing was installed"
  done
  # All are checked before one is put in its place.
  mkdir -p "$bin"
  for tool in $tools; do
    chmod 755 "$folder/${tool}_${os}_${arch}"
    mv -f "$folder/${tool}_${os}_${arch}" "$bin/$tool"
    echo "installed $bin/$tool"
  done
  case :$PATH: in
    *:"$bin":*) ;;
    *) echo "$bin is not in PATH: export PATH=\"$bin:\$PATH\"" ;;
  esac
}

main # as a function, so that half a download of this script runs nothing
