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

# read_live: what live is on, as alias_of says it, in now and split, and what its description says: note, a person's own;
# on, how and before, as in "[7, was 5]" or "[5, back from 7]"; baseline, where rollout has a release under way. The form is
# rollout/awslambda/description.go's. A past without on, as "was 5", says nothing of the version that live is on now.
read_live() {
  read -r now split <<<"$(alias_of live)"
  on='' how='' before='' baseline=''
  said=$(aws lambda get-alias --function-name "$FUNCTION" --name live --query Description --output text)
  [[ $said != None ]] || said=''
  note=$said
  if [[ $note =~ ^(.*)\[rollout\ [^\ ]+\ from\ ([0-9]+)\]$ ]]; then
    note=${BASH_REMATCH[1]% } baseline=${BASH_REMATCH[2]}
  fi
  if [[ $note =~ ^(.*)\[([0-9]+),\ (was|back\ from)\ ([0-9]+)\]$ ]]; then
    note=${BASH_REMATCH[1]% } on=${BASH_REMATCH[2]} how=${BASH_REMATCH[3]} before=${BASH_REMATCH[4]}
  fi
  [[ ! $note =~ ^was\ [0-9]+$ ]] || note=''
  [[ $split && $baseline == "${split%%=*}" ]] || baseline=$now # what had all users before weights took some of them
}

# move_live VERSION HOW: gives all users VERSION, after read_live. HOW is was, or back from: what loses them is then no place
# to return to.
move_live() {
  local past='' description
  if [[ $1 != "$baseline" ]]; then
    past="[$1, $2 $baseline]"
  elif [[ $on == "$1" ]]; then
    past="[$on, $how $before]"
  fi
  description=$note${note:+${past:+ }}$past
  ((${#description} <= 256)) || description=$note
  aws lambda update-alias --function-name "$FUNCTION" --name live --function-version "$1" \
    --routing-config 'AdditionalVersionWeights={}' --description "$description" >/dev/null
}

fail() {
  echo "${GITHUB_ACTIONS:+::error::}$1" >&2
  exit "${2:-1}"
}
