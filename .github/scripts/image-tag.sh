#!/usr/bin/env bash
# Gives IMAGE, named by its digest, the tags MODEL_VERSION and latest, and what was latest until now the tag previous.
# Nothing is built or copied: the digests stay.
set -euo pipefail
: "${IMAGE:?want an image by digest, as ghcr.io/owner/repo@sha256:…}" "${MODEL_VERSION:=v1.0.0}"
[[ $IMAGE == *@sha256:* ]] || {
  echo "image-tag: want an image by digest, as ghcr.io/owner/repo@sha256:…, got $IMAGE"
  exit 2
}
name=${IMAGE%@*} digest=${IMAGE#*@}

was=$(docker buildx imagetools inspect "$name:latest" --format '{{with .Manifest}}{{.Digest}}{{end}}' 2>/dev/null || true)
if [[ $was && $was != "$digest" ]]; then
  docker buildx imagetools create --progress quiet --tag "$name:previous" "$name@$was"
  echo "image-tag: $name:previous is $was"
fi
docker buildx imagetools create --progress quiet --tag "$name:$MODEL_VERSION" --tag "$name:latest" "$IMAGE"
echo "image-tag: $name:$MODEL_VERSION and :latest are $digest"
