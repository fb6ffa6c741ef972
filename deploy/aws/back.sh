#!/usr/bin/env bash
# The way back on Lambda: gives all users one version, by the alias, in seconds. BACK is the number of a published version,
# or previous: the version that the alias says it was on before, else the next lower one.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/stack.sh"
: "${BACK:=previous}"

FUNCTION=${FUNCTION:-$(output FunctionName)}
read -r now split <<<"$(alias_of live)"
if [[ $BACK == previous ]]; then
  if [[ $split ]]; then
    BACK=$now # what most users have, and all had before the weights
  else
    was=$(aws lambda get-alias --function-name "$FUNCTION" --name live --query Description --output text)
    if [[ $was =~ ^was\ ([1-9][0-9]*)$ ]]; then
      BACK=${BASH_REMATCH[1]}
    else
      BACK=$(aws lambda list-versions-by-function --function-name "$FUNCTION" --query 'Versions[].Version' --output text |
        tr '\t' '\n' | grep -E '^[1-9][0-9]*$' | sort -n | awk -v now="$now" '$1 < now' | tail -1)
    fi
  fi
  [[ $BACK ]] || fail "lambda-back: no version is older than $now, which live is on" 2
fi
[[ $BACK =~ ^[1-9][0-9]*$ ]] || fail "lambda-back: want the number of a published version, or previous, got $BACK" 2
aws lambda get-function-configuration --function-name "$FUNCTION" --qualifier "$BACK" --query State --output text >/dev/null ||
  fail "lambda-back: there is no version $BACK of $FUNCTION" 2

aws lambda update-alias --function-name "$FUNCTION" --name live --function-version "$BACK" \
  --routing-config 'AdditionalVersionWeights={}' --description "was $now" >/dev/null
got=$(alias_of live)
[[ $got == "$BACK" ]] || fail "lambda-back: live is on $got after update-alias, want $BACK"
echo "lambda-back: live was on $now${split:+ $split} and is on $got"
