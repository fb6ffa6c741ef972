#!/usr/bin/env bash
# Looks for IMAGE by its tag and gives its digest to the steps after it, or nothing where there is no such tag. A commit's
# tag is written once: what an earlier attempt pushed is what this one goes on with.
set -euo pipefail
: "${IMAGE:?want an image by tag, as ghcr.io/owner/repo:<commit>-<version>}"

errors=$(mktemp)
trap 'rm -f "$errors"' EXIT
digest=""
if digest=$(docker buildx imagetools inspect "$IMAGE" --format '{{with .Manifest}}{{.Digest}}{{end}}' 2>"$errors"); then
  echo "image-find: $IMAGE is there, $digest"
elif grep -qiE 'not found|manifest unknown|name unknown' "$errors"; then
  digest=""
  echo "image-find: $IMAGE is not there yet"
else
  echo "image-find: $IMAGE: $(cat "$errors")"
  exit 1
fi
echo "digest=$digest" >>"${GITHUB_OUTPUT:-/dev/null}"
