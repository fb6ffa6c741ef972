#!/usr/bin/env bash
# Gives IMAGE, named by its digest, the tags MODEL_VERSION and latest. Nothing is built or copied: the digest stays.
set -euo pipefail
: "${IMAGE:?want an image by digest, as ghcr.io/owner/repo@sha256:…}" "${MODEL_VERSION:=v1.0.0}"
[[ $IMAGE == *@sha256:* ]] || {
  echo "image-tag: want an image by digest, as ghcr.io/owner/repo@sha256:…, got $IMAGE"
  exit 2
}

docker buildx imagetools create --progress quiet --tag "${IMAGE%@*}:$MODEL_VERSION" --tag "${IMAGE%@*}:latest" "$IMAGE"
echo "image-tag: ${IMAGE%@*}:$MODEL_VERSION and :latest are ${IMAGE#*@}"
