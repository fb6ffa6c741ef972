#!/usr/bin/env bash
# Checks, before anything is looked for, that a way back was asked for and that it is there: jobs that are left out would be
# green. Reads IMAGE_BACK and LAMBDA_BACK, the fields of rollback.yml, and CLOUD_API_URL, AWS_ROLE_ARN, AWS_REGION.
set -euo pipefail

image=${IMAGE_BACK:-} lambda=${LAMBDA_BACK:-}
fail() {
  echo "${GITHUB_ACTIONS:+::error::}rollback: $1; nothing was changed"
  exit 2
}

[[ $image || $lambda ]] || fail "nothing was asked for: want an image, or a function_version for Lambda"
[[ -z $lambda || ${AWS_ROLE_ARN:-} && ${AWS_REGION:-} ]] ||
  fail "function_version was asked for, and the repository variables AWS_ROLE_ARN and AWS_REGION are not both set"
# The field has previous in it already, so beside a function_version it may be meant or left.
[[ -z $image || ${CLOUD_API_URL:-} || $image == previous && $lambda ]] ||
  fail "an image was asked for, and the repository variable CLOUD_API_URL is not set: for Lambda give a function_version, and leave the image at previous or empty"

said=""
[[ -z $image || -z ${CLOUD_API_URL:-} ]] || said="the API to $image"
[[ -z $lambda ]] || said+="${said:+, }Lambda to $lambda"
echo "rollback: $said"
