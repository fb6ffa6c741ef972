#!/usr/bin/env bash
# Checks what deploy.yml is configured with, before anything is built or pushed. Half a configuration fails with one
# line; none is no failure, and the job's summary says how to turn the deployment on.
# Reads MODEL_VERSION, CLOUD_API_URL, CLOUD_TOKEN_IS_SET (true or false, so that the token stays away), AWS_ROLE_ARN,
# AWS_REGION, GITHUB_REF.
set -euo pipefail

fail() {
  echo "${GITHUB_ACTIONS:+::error::}$1"
  exit 2
}
note() { echo "$1" | tee -a "${GITHUB_STEP_SUMMARY:-/dev/null}"; }

url=${CLOUD_API_URL:-} token=${CLOUD_TOKEN_IS_SET:-false} role=${AWS_ROLE_ARN:-} region=${AWS_REGION:-}
version=${MODEL_VERSION:-v1.0.0} ref=${GITHUB_REF:-refs/heads/main}

[[ $ref == refs/heads/main ]] || fail "deploy runs on main alone: want refs/heads/main, got $ref"
[[ $version =~ ^[A-Za-z0-9_][A-Za-z0-9._-]{0,127}$ ]] ||
  fail "MODEL_VERSION becomes an image tag: want letters, digits, dots, dashes and underscores, at most 128"
[[ -z $url || $token == true ]] ||
  fail "variable CLOUD_API_URL is set but secret CLOUD_TOKEN is not: set both to deploy to the API, or neither"
[[ -n $url || $token != true ]] ||
  fail "secret CLOUD_TOKEN is set but variable CLOUD_API_URL is not: set both to deploy to the API, or neither"
[[ -z $role || -n $region ]] ||
  fail "variable AWS_ROLE_ARN is set but variable AWS_REGION is not: set both to deploy to AWS Lambda, or neither"

if [[ -n $url ]]; then
  note "- Deployment API: on"
else
  note "- Deployment API: skipped. To turn it on, set the repository variable \`CLOUD_API_URL\` (https://…) and the secret \`CLOUD_TOKEN\`."
fi
if [[ -n $role ]]; then
  note "- AWS Lambda: on"
else
  note "- AWS Lambda: skipped. To turn it on, set the repository variables \`AWS_ROLE_ARN\` (a role that trusts this repository by OIDC) and \`AWS_REGION\`."
fi
