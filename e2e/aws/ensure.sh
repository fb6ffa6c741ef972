#!/usr/bin/env bash
# Makes this machine ready for `sam build`, `sam local`, `sam deploy` and `aws`, with no AWS in reach:
#   1. sam (with its linter cfn-lint), aws and an AWS emulator (MiniStack, by emulator.py beside this file), each in a
#      venv of its own, for their pins of botocore differ: ${XDG_CACHE_HOME:-~/.cache}/ml-service-aws
#   2. a local image under the name that sam has for the provided.al2023 base image, made from nginx:1.30-alpine, which
#      the containers of this repository need as well, for `sam local --skip-pull-image`. Without a Docker engine or
#      that image this part is left out.
# What is already there is left alone, so a second call takes a second.
#
#   ensure.sh            make ready           ensure.sh --check    only report
#   ensure.sh start      and start the emulator on 127.0.0.1:${GATEWAY_PORT:-4566}, empty; returns when it answers
#   ensure.sh stop       stop it              ensure.sh env        print exports: eval "$(ensure.sh env)"
set -euo pipefail
cd "$(dirname "$0")"
sam=1.170.0 aws=1.46.3 ministack=1.5.33 translator=1.115.0 cbor2=6.3.0
cache=${XDG_CACHE_HOME:-$HOME/.cache}/ml-service-aws
port=${GATEWAY_PORT:-4566} url=http://127.0.0.1:${GATEWAY_PORT:-4566}
pid=$cache/emulator-$port.pid log=$cache/emulator-$port.log
image=$(cat "$cache/sam/.image" 2>/dev/null || echo base-image)   # the name under which sam looks for it

say() { printf 'aws: %s\n' "$*" >&2; }
has_image() { docker image inspect "$1" >/dev/null 2>&1; }
has() { [[ -x $cache/$1/bin/python && $(cat "$cache/$1/.have" 2>/dev/null) == "${*:2}" ]]; }
answers() { curl -sf -m 2 -o /dev/null "$url/_ministack/health"; }
running() { [[ -f $pid ]] && kill -0 "$(cat "$pid")" 2>/dev/null; }

venv() { # venv NAME PACKAGE...: a venv with just those packages
  has "$@" && return
  say "installing ${*:2}"
  rm -rf "${cache:?}/$1"
  python3 -m venv "$cache/$1"
  "$cache/$1/bin/pip" install -q --disable-pip-version-check "${@:2}" >"$cache/$1.log" 2>&1 || { tail -20 "$cache/$1.log" >&2; return 1; }
  echo "${*:2}" >"$cache/$1/.have"
}

case ${1:-} in
--check)
  has sam "aws-sam-cli==$sam" && say "sam $sam: here" || say "sam $sam: missing"
  has aws "awscli==$aws" && say "aws $aws: here" || say "aws $aws: missing"
  has emulator "ministack==$ministack" "aws-sam-translator==$translator" "cbor2==$cbor2" && say "emulator $ministack: here" || say "emulator $ministack: missing"
  has_image $image && say "$image: here" || say "$image: missing"
  running && answers && say "$url: answers" || say "$url: not started"
  exit 0 ;;
stop)
  if running; then kill "$(cat "$pid")"; for _ in $(seq 50); do running || break; sleep 0.1; done; fi
  rm -f "$pid"; say "stopped"
  exit 0 ;;
env)
  cat <<X
export PATH="$cache/bin:\$PATH" SAM_CLI_TELEMETRY=0 AWS_EC2_METADATA_DISABLED=true AWS_PAGER=
export AWS_ACCESS_KEY_ID=test AWS_SECRET_ACCESS_KEY=test AWS_DEFAULT_REGION=us-east-1 AWS_ENDPOINT_URL=$url
X
  exit 0 ;;
start | '') ;;
*) say "unknown command $1"; exit 2 ;;
esac

mkdir -p "$cache/bin"
exec 9>"$cache/.lock"
flock 9 # another call may be installing
venv sam "aws-sam-cli==$sam"
[[ -s $cache/sam/.image ]] || "$cache/sam/bin/python" >"$cache/sam/.image" -c '
from samcli.local.docker.lambda_image import LambdaImage, Runtime
print(LambdaImage._INVOKE_REPO_PREFIX + "/" + Runtime.get_image_name_tag("provided.al2023", "x86_64"))'
image=$(cat "$cache/sam/.image")
venv aws "awscli==$aws"
venv emulator "ministack==$ministack" "aws-sam-translator==$translator" "cbor2==$cbor2" # which the AWS SDK for Go speaks to CloudWatch
flock -u 9
exec 9>&-
for tool in sam/bin/sam sam/bin/cfn-lint aws/bin/aws; do ln -sfn "../$tool" "$cache/bin/${tool##*/}"; done

if docker info >/dev/null 2>&1 && has_image nginx:1.30-alpine && ! has_image $image; then
  say "making $image"
  docker build -q -t $image - >/dev/null <<'X'
FROM nginx:1.30-alpine
RUN mkdir -p /var/task /var/runtime /var/rapid /opt
ENV LAMBDA_TASK_ROOT=/var/task LAMBDA_RUNTIME_DIR=/var/runtime
WORKDIR /var/task
CMD ["sh"]
X
fi

if [[ ${1:-} == start ]]; then
  answers && ! running && { say "port $port is taken by something else"; exit 1; }
  if ! running; then
    BIND_HOST=127.0.0.1 GATEWAY_PORT=$port LAMBDA_EXECUTOR=local PERSIST_STATE=0 AWS_ENDPOINT_URL=$url \
      setsid "$cache/emulator/bin/python" "$PWD/emulator.py" >"$log" 2>&1 </dev/null &
    echo $! >"$pid"
  fi
  for _ in $(seq 120); do answers && break; running || break; sleep 0.25; done
  answers || { tail -20 "$log" >&2; exit 1; }
  say "$url answers"
fi
say "ready: sam $sam, aws $aws, emulator $ministack$(has_image $image && echo ", image $image" || echo "; no image for sam local (docker pull nginx:1.30-alpine first)")"
