#!/usr/bin/env bash
# Looks for IMAGE by its tag and gives its digest to the steps after it, or nothing where there is no such tag. A commit's
# tag is written once: what an earlier attempt pushed is what this one goes on with, unless it has the models of another folder
# than MODELS, which is no part of the tag.
set -euo pipefail
: "${IMAGE:?want an image by tag, as ghcr.io/owner/repo:<commit>-<version>}" "${MODELS:=models}"

errors=$(mktemp)
trap 'rm -f "$errors"' EXIT
digest=""
if digest=$(docker buildx imagetools inspect "$IMAGE" --format '{{with .Manifest}}{{.Digest}}{{end}}' 2>"$errors"); then
  models=$(docker buildx imagetools inspect "${IMAGE%:*}@$digest" --format '{{range .Image}}{{index .Config.Labels "ml-service.models"}}
{{end}}' | grep -m1 . || true)
  if [[ $models == "$MODELS" ]]; then
    echo "image-find: $IMAGE is there, $digest"
  else
    echo "image-find: $IMAGE is there with the models of ${models:-a folder it does not name}, not of $MODELS: it is built anew"
    digest=""
  fi
elif grep -qiE 'not found|manifest unknown|name unknown' "$errors"; then
  digest=""
  echo "image-find: $IMAGE is not there yet"
else
  echo "image-find: $IMAGE: $(cat "$errors")"
  exit 1
fi
echo "digest=$digest" >>"${GITHUB_OUTPUT:-/dev/null}"
