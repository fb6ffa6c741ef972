# Reading the stack STACK (ml-service if unset), for the scripts beside this one; not to be run by itself.
# shellcheck shell=bash
STACK=${STACK:-ml-service}

# described QUERY: a part of the stack's description.
described() { aws cloudformation describe-stacks --stack-name "$STACK" --query "Stacks[0].$1" --output text; }
output() { described "Outputs[?OutputKey=='$1'].OutputValue"; }
parameter() { described "Parameters[?ParameterKey=='$1'].ParameterValue"; }

# alias NAME: the version it is on, and then each further version as VERSION=WEIGHT.
alias_of() {
  aws lambda get-alias --function-name "$FUNCTION" --name "$1" --output json |
    python3 -c 'import json, sys
a = json.load(sys.stdin)
weights = (a.get("RoutingConfig") or {}).get("AdditionalVersionWeights") or {}
print(a["FunctionVersion"], *(f"{v}={w:g}" for v, w in weights.items()))'
}

fail() {
  echo "${GITHUB_ACTIONS:+::error::}$1" >&2
  exit "${2:-1}"
}
