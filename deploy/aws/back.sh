#!/usr/bin/env bash
# The way back on Lambda: gives all users one version, by the alias, in seconds. BACK is the number of a published version,
# or previous: the version that had all users before the one that has them now, where the alias's description says it of
# the version that live is on. Where it does not, nobody is moved: the next lower number may be the one that was taken back.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/stack.sh"
: "${BACK:=previous}"

FUNCTION=${FUNCTION:-$(output FunctionName)}
read_live
name_it() {
  local published
  published=$(aws lambda list-versions-by-function --function-name "$FUNCTION" --query 'Versions[].Version' --output text |
    tr '\t' '\n' | grep -E '^[1-9][0-9]*$' | sort -n | tail -10 | paste -sd ' ')
  fail "lambda-back: $1. Name the version: make lambda-back BACK=<number>; published: $published" 2
}
if [[ $BACK == previous ]]; then
  if [[ $split ]]; then
    BACK=$baseline
  elif [[ $on != "$now" ]]; then
    name_it "live is on $now, and its description${said:+, \"$said\",} does not say which version $now replaced"
  elif [[ $how == was ]]; then
    BACK=$before
  else
    name_it "live is on $now, which users went back to from $before, and nothing says what was before $now"
  fi
fi
[[ $BACK =~ ^[1-9][0-9]*$ ]] || fail "lambda-back: want the number of a published version, or previous, got $BACK" 2
aws lambda get-function-configuration --function-name "$FUNCTION" --qualifier "$BACK" --query State --output text >/dev/null ||
  fail "lambda-back: there is no version $BACK of $FUNCTION" 2

was=$now${split:+ $split}
move_live "$BACK" "back from"
got=$(alias_of live)
[[ $got == "$BACK" ]] || fail "lambda-back: live is on $got after update-alias, want $BACK"
echo "lambda-back: live was on $was and is on $got"
