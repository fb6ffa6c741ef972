#!/usr/bin/env bash
# Finds the image to go back to, and the model version it serves. BACK is previous, sha256:… or a tag of IMAGE.
set -euo pipefail
: "${IMAGE:?want the name of the image without a tag, as ghcr.io/owner/repo}" "${BACK:=previous}"

fail() {
  echo "${GITHUB_ACTIONS:+::error::}image-back: $1"
  exit 2
}
if [[ $BACK =~ ^sha256:[0-9a-f]{64}$ ]]; then
  reference=$IMAGE@$BACK
elif [[ $BACK =~ ^[A-Za-z0-9_][A-Za-z0-9._-]{0,127}$ ]]; then
  reference=$IMAGE:$BACK
else
  fail "want previous, sha256:<64 hex digits> or a tag, got what is none of them"
fi
found=$(docker buildx imagetools inspect "$reference" --format '{{with .Manifest}}{{.Digest}}{{end}}' 2>&1) || fail "$reference: $found"
version=$(docker buildx imagetools inspect "$reference" --format '{{range .Image}}{{index .Config.Labels "org.opencontainers.image.version"}}
{{end}}' | grep -m1 .) || fail "$reference does not say which model version it serves: it has no label org.opencontainers.image.version"
# GitHub drops an output that has a secret in it; the version is read from the secret then, which must be the same one.
[[ -z ${MASKED:-} || $version != *"$MASKED"* || $version == "$MASKED" ]] ||
  fail "$reference serves another version than the secret MODEL_VERSION, and has the secret's text in it: make MODEL_VERSION a variable"
echo "image-back: $reference is $found and serves $version"
printf 'digest=%s\nversion=%s\n' "$found" "$version" >>"${GITHUB_OUTPUT:-/dev/null}"
