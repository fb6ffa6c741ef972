#!/usr/bin/env bash
# Builds dist/ for the release TAG: ml-service and rollout for linux and darwin, amd64 and arm64, what each is made of
# (<binary>.cdx.json, CycloneDX) and checksums.txt. The same source, TAG and Go give the same bytes.
set -euo pipefail
: "${TAG:?want the release, as v1.2.3}" "${REVISION:=$(git rev-parse HEAD 2>/dev/null || echo unknown)}"
[[ $TAG =~ ^v[0-9]+\.[0-9]+\.[0-9]+(-[0-9A-Za-z.-]+)?$ ]] || {
  echo "${GITHUB_ACTIONS:+::error::}release: TAG: want v1.2.3 or v1.2.3-rc.1, got $TAG"
  exit 2
}

rm -rf dist
mkdir dist
bom=$(mktemp -d)
trap 'rm -rf "$bom"' EXIT
GOBIN=$bom go install github.com/CycloneDX/cyclonedx-gomod/cmd/cyclonedx-gomod@v1.9.0
declare -A main=([ml-service]=./cmd/local [rollout]=./cmd/rollout)
for os in linux darwin; do
  for arch in amd64 arm64; do
    for name in ml-service rollout; do
      file=${name}_${os}_${arch}
      CGO_ENABLED=0 GOOS=$os GOARCH=$arch go build -trimpath -buildvcs=false -tags nomsgpack \
        -ldflags "-s -w -X ml-service/handler.revision=$REVISION" -o "dist/$file" "${main[$name]}"
      "$bom/cyclonedx-gomod" bin -json -noserial -version "$TAG" -output "dist/$file.cdx.json" "dist/$file" 2>"$bom/log" || {
        cat "$bom/log"
        exit 1
      }
    done
  done
done
(cd dist && sha256sum ./* | sed 's|\./||' >"$bom/checksums.txt" && mv "$bom/checksums.txt" .)
cat dist/checksums.txt
