#!/usr/bin/env bash
# Checks what deploy.yml is configured with, before anything is built or pushed: all faults at once, one line each. No
# configuration is no fault, and the job's summary says how to turn the deployment on.
# Reads MODEL_VERSION, MODEL_DIR, MODEL_S3_URI, CLOUD_API_URL, CLOUD_TOKEN_IS_SET (true or false, so that the token stays
# away), DEPLOY_ENVIRONMENT, DEPLOY_TIMEOUT, IF_BUSY, AWS_ROLE_ARN, AWS_CLOUDFORMATION_ROLE_ARN, AWS_REGION, LAMBDA_STRATEGY, LAMBDA_STACK, LAMBDA_ARCHITECTURE, LAMBDA_MEMORY_SIZE, GITHUB_REF.
set -euo pipefail

faults=0
fault() {
  echo "${GITHUB_ACTIONS:+::error::}$1"
  faults=$((faults + 1))
}
# address URL: https, a name or an IPv4 address, a port that there is.
address() {
  local label='[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?'
  [[ $1 =~ ^https://$label(\.$label)*\.?(:([0-9]{1,5}))?(/[^?#@[:space:]]*)?$ ]] || return
  local port=$((10#${BASH_REMATCH[5]:-443}))
  ((port >= 1 && port <= 65535))
}
role() { [[ $1 =~ ^arn:aws[a-z-]*:iam::[0-9]{12}:role/[A-Za-z0-9+=,.@_/-]+$ ]]; }
note() { echo "$1" | tee -a "${GITHUB_STEP_SUMMARY:-/dev/null}"; }

version=${MODEL_VERSION:-v1.0.0} dir=${MODEL_DIR:-} s3=${MODEL_S3_URI:-}
url=${CLOUD_API_URL:-} token=${CLOUD_TOKEN_IS_SET:-false} timeout=${DEPLOY_TIMEOUT:-2h} busy=${IF_BUSY:-wait}
role=${AWS_ROLE_ARN:-} region=${AWS_REGION:-} ref=${GITHUB_REF:-refs/heads/main}

[[ $ref == refs/heads/main ]] || fault "deploy runs on main alone: want refs/heads/main, got $ref"

# A commit's tag is the commit, a dash and the version; a tag has at most 128 signs.
if [[ ! $version =~ ^[A-Za-z0-9_][A-Za-z0-9._-]{0,79}$ ]]; then
  fault "MODEL_VERSION becomes a part of an image tag: want letters, digits, dots, dashes and underscores, at most 80"
elif [[ $dir && ! $dir =~ ^[A-Za-z0-9_][A-Za-z0-9._/-]*$ || $dir == *..* ]]; then
  fault "variable MODEL_DIR: want a folder of this repository, as my-models: letters, digits, dots, dashes, underscores and slashes"
elif [[ $s3 && ! $s3 =~ ^s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]/[A-Za-z0-9/._-]*[A-Za-z0-9._-]$ ]]; then
  fault "variable MODEL_S3_URI: want s3://<bucket>/<prefix>, below which lies <version>/ with the model"
elif [[ $s3 && $dir ]]; then
  fault "variables MODEL_DIR and MODEL_S3_URI exclude each other: a model lies in this repository or in S3"
elif [[ $s3 && $url ]]; then
  fault "variables MODEL_S3_URI and CLOUD_API_URL exclude each other: the API deploys an image, which has no model from S3"
elif [[ ! $s3 ]] && ! compgen -G "${dir:-models}/$version/model.*" >/dev/null; then
  there=$(cd "${dir:-models}" 2>/dev/null && compgen -G '*/model.*' | cut -d/ -f1 | sort -u | tr '\n' ' ' || true)
  fault "MODEL_VERSION: there is no ${dir:-models}/$version/ with a model in this commit; there is ${there:-nothing}"
fi

# An environment may have a token of its own, which is not to be seen from here.
[[ -z $url || $token == true || ${DEPLOY_ENVIRONMENT:-} ]] ||
  fault "variable CLOUD_API_URL is set but secret CLOUD_TOKEN is not: set both to deploy to the API, or neither"
[[ -n $url || $token != true ]] ||
  fault "secret CLOUD_TOKEN is set but variable CLOUD_API_URL is not: set both to deploy to the API, or neither"
[[ -z $url ]] || address "$url" ||
  fault "variable CLOUD_API_URL: want an address such as https://deploy.example.com, without a user, a password, ? or #"
minutes=0 rest=$timeout
while [[ $rest =~ ^([0-9]{1,5})([hms])(.*)$ ]]; do
  case ${BASH_REMATCH[2]} in
    h) minutes=$((minutes + 60 * 10#${BASH_REMATCH[1]})) ;;
    m) minutes=$((minutes + 10#${BASH_REMATCH[1]})) ;;
  esac
  rest=${BASH_REMATCH[3]}
done
[[ -z $rest && $minutes -ge 1 && $minutes -le 345 ]] ||
  fault "variable DEPLOY_TIMEOUT: want a time of 1m to 5h45m, as 90m or 2h, because GitHub ends a job after six hours; got $timeout"
[[ $busy == wait || $busy == fail ]] || fault "variable IF_BUSY: want wait or fail, got $busy"

[[ -z $role || -n $region ]] ||
  fault "variable AWS_ROLE_ARN is set but variable AWS_REGION is not: set both to deploy to AWS Lambda, or neither"
[[ -z $role ]] || role "$role" ||
  fault "variable AWS_ROLE_ARN: want the ARN of a role, as arn:aws:iam::123456789012:role/ml-service-github"
[[ -z ${AWS_CLOUDFORMATION_ROLE_ARN:-} ]] || role "$AWS_CLOUDFORMATION_ROLE_ARN" ||
  fault "variable AWS_CLOUDFORMATION_ROLE_ARN: want the ARN of a role, as arn:aws:iam::123456789012:role/ml-service-cloudformation"
[[ -z ${LAMBDA_STRATEGY:-} || ${LAMBDA_STRATEGY} == canary ]] ||
  fault "variable LAMBDA_STRATEGY: want canary, or none: then a push publishes and moves nobody; got $LAMBDA_STRATEGY"
[[ -z ${LAMBDA_STACK:-} || ${LAMBDA_STACK} =~ ^[A-Za-z][A-Za-z0-9-]{0,127}$ ]] ||
  fault "variable LAMBDA_STACK: want the name of a stack, as ml-service: a letter, then letters, digits and dashes; got $LAMBDA_STACK"
[[ -z ${LAMBDA_ARCHITECTURE:-} || ${LAMBDA_ARCHITECTURE} == arm64 || ${LAMBDA_ARCHITECTURE} == x86_64 ]] ||
  fault "variable LAMBDA_ARCHITECTURE: want arm64 or x86_64, got $LAMBDA_ARCHITECTURE"
memory=${LAMBDA_MEMORY_SIZE:-256}
[[ $memory =~ ^[1-9][0-9]{2,4}$ && $memory -ge 128 && $memory -le 10240 ]] ||
  fault "variable LAMBDA_MEMORY_SIZE: want MB from 128 to 10240, got $memory"
[[ -z $region || $region =~ ^[a-z]{2}(-[a-z]+)+-[0-9]+$ ]] ||
  fault "variable AWS_REGION: want the name of a region, as eu-central-1"

((faults == 0)) || exit 2

if [[ -n $url ]]; then
  note "- Deployment API: on"
else
  note "- Deployment API: skipped. To turn it on, set the repository variable \`CLOUD_API_URL\` (https://…) and the secret \`CLOUD_TOKEN\`."
fi
if [[ -n $role ]]; then
  note "- AWS Lambda: on"
else
  note "- AWS Lambda: skipped. To turn it on, set the repository variables \`AWS_ROLE_ARN\` (a role that trusts this repository by OIDC, deploy/aws/github-role.yaml) and \`AWS_REGION\`."
fi
