# shellcheck shell=sh
# Read by bin/nginx and start.sh: from the project's nginx.conf to what Nginx runs.
#
# The volume at $shared belongs to two containers. nginx-conf sees the project and has no network; it answers a line
# written to `ask` with a copy of nginx.conf, and says in `traffic` who gets port 8080. Nginx has the network and sees
# neither the project nor .env.
shared=/var/tmp
work=/tmp/nginx
conf=$work/nginx.conf
log=/proc/1/fd/2

# say LEVEL EVENT TEXT: one JSON line in the container's log.
say() {
  printf '{"time":"%s","level":"%s","event":"%s","error":"%s"}\n' "$(date -u +%Y-%m-%dT%H:%M:%SZ)" "$1" "$2" \
    "$(printf %s "$3" | tr '\n\t' '  ' | sed 's/[\\"]/\\&/g')" >>"$log"
}

# fetch FILE: nginx.conf as the project has it now. What is wrong is printed.
fetch() {
  id=$$.$(date +%s) tries=0
  until [ -p "$shared/ask" ] || [ $tries -ge 100 ]; do sleep 0.1; tries=$((tries + 1)); done
  [ -p "$shared/ask" ] || { echo "the container nginx-conf, which reads nginx.conf, has not started"; return 1; }
  # Both ends are opened, so that this waits for no reader.
  { printf '%s\n' "$id" >&3
    while [ $tries -lt 200 ]; do
      answer=
      read -r answer 2>/dev/null <"$shared/answer" || :
      [ "${answer%% *}" != "$id" ] || break
      sleep 0.05; tries=$((tries + 1))
    done
  } 3<>"$shared/ask"
  case $answer in
    "$id ok") cp "$shared/copy.conf" "$1" ;;
    "$id "*) echo "${answer#* }"; return 1 ;;
    *) echo "the container nginx-conf, which reads nginx.conf, does not answer: is it running?"; return 1 ;;
  esac
}

# traffic prints blue, green or balancer.
traffic() {
  read -r who _ 2>/dev/null <"$shared/traffic" && echo "$who"
}

# check FILE TRAFFIC: makes $conf.next of an nginx.conf. What is wrong is printed.
check() {
  awk -v "traffic=$2" -f /nginx/effective.awk "$1" "$1" >"$conf.next"
  if ! found=$($nginx -t -e stderr -c "$conf.next" 2>&1); then
    printf '%s\n' "$found" | sed "s|$conf.next|nginx.conf|g" | grep -v '^nginx: configuration file'
    return 1
  fi
  awk -v names=1 -v "traffic=$2" -f /nginx/effective.awk "$1" "$1" | sort -u >"$work/names"
  while read -r name; do
    getent hosts "$name" >/dev/null && continue
    case $name in
      # Gone for the moment, perhaps; Nginx finds it when it comes.
      ml-service-blue | ml-service-green) say warn "a colour in upstream ml_backend is not there" "$name" ;;
      *) echo "upstream ml_backend: no container answers to the name $name"; return 1 ;;
    esac
  done <"$work/names"
}

# force FILE: what check has made is what runs next, and its nginx.conf the last good one.
force() {
  mv "$conf.next" "$conf"
  rm -f "$work/refused"
  cp "$1" "$shared/good.new" && mv "$shared/good.new" "$shared/good.conf"
}

# refuse WHY: said now, and by watch.sh once a minute until a reload succeeds.
refused="nginx.conf is refused, the last good one runs"
refuse() {
  printf '%s' "$1" >"$work/refused"
  say error "$refused" "$1"
}

# The program itself, not what stands before it on PATH.
nginx=$(PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin command -v nginx)
