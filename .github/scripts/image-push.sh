#!/usr/bin/env bash
# Builds IMAGE:TAG for each of PLATFORMS, pushes each and joins them under one tag: for a machine whose builder takes
# one platform at a time. deploy.yml does the same in one step, with provenance and a list of contents (SBOM).
set -euo pipefail
: "${IMAGE:?want the name of the image without a tag, as ghcr.io/owner/repo}"
: "${MODEL_VERSION:=v1.0.0}" "${PLATFORMS:=linux/amd64 linux/arm64}" "${REVISION:=$(git rev-parse HEAD 2>/dev/null || echo unknown)}"
: "${TAG:=$REVISION}" "${MODELS:=${MODEL_DIR:-models}}"

images=()
for platform in $PLATFORMS; do
  tag=$IMAGE:$TAG-${platform##*/}
  docker buildx build --quiet --platform "$platform" --build-arg "MODEL_VERSION=$MODEL_VERSION" --build-arg "REVISION=$REVISION" --build-arg "MODELS=$MODELS" \
    --tag "$tag" --load . >/dev/null
  docker push --quiet "$tag" >/dev/null
  echo "image-push: pushed $tag for $platform"
  images+=("$tag")
done
docker buildx imagetools create --progress quiet --tag "$IMAGE:$TAG" "${images[@]}"
echo "image-push: joined as $IMAGE@$(docker buildx imagetools inspect "$IMAGE:$TAG" --format '{{with .Manifest}}{{.Digest}}{{end}}')"
