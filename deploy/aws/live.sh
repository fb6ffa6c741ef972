#!/usr/bin/env bash
# What users reach on Lambda, beside what the stack's parameters say. Exit 5 where the two differ: `sam deploy` would then
# do nothing, or move users to what the parameters say.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/stack.sh"

FUNCTION=${FUNCTION:-$(output FunctionName)}
live=$(alias_of live)
next=$(alias_of next)
version=$(parameter LiveVersion) other=$(parameter NextVersion) weight=$(parameter NextWeight)
read -r now split <<<"$live"
with="LiveVersion=$now NextVersion=${split%%=*} NextWeight=${split#*=}"
[[ $split ]] || with="LiveVersion=$now NextVersion=none NextWeight=0"
said=$version
if [[ ! $weight =~ ^0*(\.0*)?$ ]]; then
  said+=" $other=$(printf '%g' "$weight")"
fi

printf '%-22s %s\n' "function" "$FUNCTION" "alias live" "$live" "alias next" "$next" "parameters say" "$said" "deploy with" "$with"
if [[ $live != "$said" ]]; then
  echo "drift: live is on $live, the parameters LiveVersion, NextVersion and NextWeight say $said. Users get what the alias says."
  echo "Move users by the alias (make lambda-back, aws lambda update-alias), not by these parameters; a plain sam deploy leaves live alone."
  echo "One that changes ProvisionedConcurrency, or one of the three, moves live to what the parameters say: give it the line \"deploy with\" too."
  exit 5
fi
