#!/usr/bin/env bash
# Publishes this commit as a version of the function, asks it for its golden rows, and moves users as far as STRATEGY says:
# by default nobody; canary moves them step by step and back where rollout canary finds the version worse; switch moves all.
# Reads MODEL_VERSION, MODEL_DIR or MODEL_S3_URI (below which lies <version>/ with the model; one of more than ZIP_LIMIT bytes
# is read from there at every start), STACK, ARCHITECTURE and MEMORY_SIZE (arm64 or x86_64; MB; what the stack has where they
# are not given), AWS_CLOUDFORMATION_ROLE_ARN. LAMBDA_STRATEGY=canary makes publish a canary; LAMBDA_MEASURE, LAMBDA_EVERY and
# LAMBDA_MAX_WAIT are its times.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/stack.sh"
: "${MODEL_VERSION:=v1.0.0}" "${STRATEGY:=publish}"

case $STRATEGY in
  publish | canary | switch) ;;
  "as on a push") STRATEGY=publish ;;
  *) fail "deploy-lambda: STRATEGY: want publish, canary or switch, got $STRATEGY" 2 ;;
esac
[[ $STRATEGY != publish || ${LAMBDA_STRATEGY:-} != canary ]] || STRATEGY=canary

[[ ${MEMORY_SIZE:-128} =~ ^[1-9][0-9]{2,4}$ ]] || fail "deploy-lambda: MEMORY_SIZE: want MB, 128 to 10240, got $MEMORY_SIZE" 2

# The bootstrap must be built for the machine that the stack has, and the model fit into its memory. What is given counts, and
# an empty value is none: that is what a workflow makes of a variable that nobody has set.
overrides=()
if said=$(parameter Architecture 2>&1); then
  memory=$(parameter MemorySize) storage=$(parameter EphemeralStorage) namespace=$(parameter MetricsNamespace)
  architecture=${ARCHITECTURE:-$said} MEMORY_SIZE=${MEMORY_SIZE:-$memory}
  [[ $architecture == "$said" ]] || overrides+=("Architecture=$architecture")
  [[ $MEMORY_SIZE == "$memory" ]] || overrides+=("MemorySize=$MEMORY_SIZE")
  [[ $STRATEGY != canary || ($namespace && $namespace != none) ]] ||
    fail "deploy-lambda: a canary is judged by the function's own metrics, and the stack $STACK has none: its MetricsNamespace is\
 ${namespace:-empty}. Give it one and users a version with it, or say STRATEGY=switch" 2
elif [[ $said == *"does not exist"* ]]; then
  architecture=${ARCHITECTURE:-arm64} MEMORY_SIZE=${MEMORY_SIZE:-256} storage='' namespace=''
  overrides=("Architecture=$architecture" "MemorySize=$MEMORY_SIZE")
else
  fail "deploy-lambda: $said"
fi
case $architecture in
  arm64) goarch=arm64 ;;
  x86_64) goarch=amd64 ;;
  *) fail "deploy-lambda: ARCHITECTURE: want arm64 or x86_64, got $architecture" 2 ;;
esac

: "${REVISION:=$(git rev-parse HEAD 2>/dev/null || echo unknown)}"
golden=${MODEL_DIR:-models}/$MODEL_VERSION/golden.json
if [[ ${MODEL_S3_URI:-} ]]; then
  [[ -z ${MODEL_DIR:-} ]] || fail "deploy-lambda: MODEL_DIR and MODEL_S3_URI exclude each other" 2
  MODEL_DIR=$(mktemp -d) temporary=$MODEL_DIR
  trap 'rm -rf "$temporary"' EXIT
  export MODEL_DIR
  from=${MODEL_S3_URI%/}/$MODEL_VERSION folder=$MODEL_DIR/$MODEL_VERSION golden=$MODEL_DIR/$MODEL_VERSION/golden.json
  aws s3 cp --only-show-errors --recursive "$from/" "$folder/"
  files=("$folder"/model.*)
  [[ -f ${files[0]} && ${#files[@]} == 1 ]] || fail "deploy-lambda: want one model file below $from/, as model.onnx" 2
  bytes=$(wc -c <"${files[0]}")
  # Lambda takes 250 MB unzipped, the bootstrap and what is beside it included.
  if ((bytes > ${ZIP_LIMIT:-200000000})); then
    file=${files[0]##*/}
    printf '{"uri":"%s","file":"%s","sha256":"%s","bytes":%d}\n' "$from/$file" "$file" "$(sha256sum "${files[0]}" | cut -d ' ' -f 1)" "$bytes" >"$folder/remote.json"
    rm "${files[0]}"
    bucket=${MODEL_S3_URI#s3://}
    overrides+=("ModelBucket=${bucket%%/*}")
    # It lies in /tmp of every instance. What the stack has beyond that stays.
    need=$(((bytes + 1048575) / 1048576 + 64))
    ((need <= 10240)) || fail "deploy-lambda: $from/$file has $bytes bytes, and /tmp 10240 MB at most" 2
    ((need <= ${storage:-512})) || overrides+=("EphemeralStorage=$need")
  fi
fi

export MODEL_VERSION REVISION MEMORY_SIZE GOARCH=$goarch
sam build --parameter-overrides "Architecture=$architecture"
# Without LiveVersion, and without any parameter that stands on alias live: CloudFormation leaves it alone then. With one it
# would set live to what was read before the deployment began, and take back a way back that was made meanwhile.
sam deploy --stack-name "$STACK" ${overrides[0]:+--parameter-overrides "${overrides[@]}"} ${AWS_CLOUDFORMATION_ROLE_ARN:+--role-arn "$AWS_CLOUDFORMATION_ROLE_ARN"}

FUNCTION=$(output FunctionName)
newest=$(output NewestVersion)
# A deployment that failed after publishing keeps its version, and the next one of the same code finds it unchanged.
next=$(alias_of next)
[[ $next == "$newest" ]] || fail "deploy-lambda: next is on $next, want the version published last, $newest"
"$(dirname "${BASH_SOURCE[0]}")/check.py" "$FUNCTION" next "$MODEL_VERSION" "$golden"

read_live
live=$now
say() {
  printf '%s\n' "$@" | tee -a "${GITHUB_STEP_SUMMARY:-/dev/null}"
}
if [[ $newest == "$live" && -z $split ]]; then
  say "- Lambda: live is on version $live, which is the newest: nobody is moved."
  exit
fi
case $STRATEGY in
  canary)
    [[ $newest != "$live" ]] || fail "deploy-lambda: $newest is what live is on, with $split beside it: make lambda-back first" 2
    say "- Lambda: version $newest is published and checked; rollout canary moves users from $live step by step." \
      "  If it ends as held, no traffic came and nobody was moved: run this again when there is some, or make deploy-lambda STRATEGY=switch." \
      "  If it ends as rolled back, all users have $live; the log says why."
    go build -trimpath -o bin/rollout ./cmd/rollout # a binary, since go run has exit codes of its own
    [[ -z ${temporary:-} ]] || rm -rf "$temporary" # exec runs no trap
    exec bin/rollout --target lambda --stack "$STACK" --metrics-namespace "$namespace" canary --to "$newest" \
      --measure "${LAMBDA_MEASURE:-5m}" --every "${LAMBDA_EVERY:-30s}" \
      --max-wait "${LAMBDA_MAX_WAIT:-45m}" --on-hold rollback # the role's credentials are for an hour
    ;;
  publish)
    say "- Lambda: version $newest is published, checked and behind next; users stay on $live${split:+ $split}." \
      "  To go on: make deploy-lambda STRATEGY=canary, or STRATEGY=switch; by hand: docs/lambda.md."
    ;;
  switch)
    move_live "$newest" was
    got=$(alias_of live)
    [[ $got == "$newest" ]] || fail "deploy-lambda: live is on $got, want $newest"
    say "- Lambda: all users have version $newest; back: make lambda-back BACK=$live."
    ;;
esac
