#!/usr/bin/env bash
# Starts IMAGE as production does (read-only, no capabilities) and asks it for its health; the version that answers
# must be MODEL_VERSION. PLATFORM (as linux/arm64) starts the image of another architecture where the machine can.
set -euo pipefail
: "${IMAGE:?want an image, as ghcr.io/owner/repo@sha256:…}" "${MODEL_VERSION:=v1.0.0}"

# The platform is asked for by name, because an engine keeps one image of a tag.
docker pull --quiet ${PLATFORM:+--platform "$PLATFORM"} "$IMAGE" >/dev/null
id=$(docker run --detach --publish 127.0.0.1::8080 --read-only --cap-drop ALL --security-opt no-new-privileges \
  ${PLATFORM:+--platform "$PLATFORM"} "$IMAGE")
trap 'docker rm --force --volumes "$id" >/dev/null' EXIT

want="{\"status\":\"ok\",\"version\":\"$MODEL_VERSION\"}"
got=""
deadline=$((SECONDS + 60))
while [[ $(docker inspect --format '{{.State.Running}}' "$id") == true ]]; do
  address=$(docker port "$id" 8080/tcp)
  got=$(curl --silent --fail --max-time 5 "http://$address/health") && break
  if ((SECONDS >= deadline)); then break; fi
  sleep 0.2
done
if [[ $got != "$want" ]]; then
  echo "image-check: $IMAGE${PLATFORM:+ for $PLATFORM}: want $want from /health, got ${got:-no answer}; its log:"
  docker logs "$id" 2>&1 | tail -20
  exit 1
fi
echo "image-check: $IMAGE${PLATFORM:+ for $PLATFORM} answers $got"
