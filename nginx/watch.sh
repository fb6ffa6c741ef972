# shellcheck shell=sh
# Beside Nginx in its container, once a second: follows the compose file's choice for port 8080, repeats what is wrong
# once a minute, counts the tries that each colour left unanswered, and ends uploads that hold the places of others.
set -u
. /nginx/apply.sh
log=/dev/stderr
: >"$work/addresses"
: >"$work/reported"
second=0 counted=0 renewed=-300

reload() {
  wrong=$("$nginx" -e stderr -c "$conf" -s reload 2>&1) || say error "nginx does not reload" "$wrong"
}

# follow takes the compose file's choice for port 8080 over, with the last good nginx.conf where the present one is broken.
follow() {
  exec 9>"$work/lock"
  flock 9
  if wrong=$(fetch "$work/host.conf" 2>&1 && check "$work/host.conf" "$(traffic)" 2>&1); then
    force "$work/host.conf"
  elif check "$shared/good.conf" "$(traffic)" >/dev/null 2>&1; then
    mv "$conf.next" "$conf"
    refuse "$wrong"
  else
    exec 9>&-
    return
  fi
  reload
  printf '%s\n' "$1" >"$work/applied"
  exec 9>&-
}

# addresses notes who has which address; a colour that is gone keeps its last ones for the count.
addresses() {
  for colour in blue green; do
    address=$(getent hosts "ml-service-$colour") || continue
    entry="${address%% *} $colour"
    grep -qxF "$entry" "$work/addresses" || {
      # An address that changed hands is the new colour's.
      grep -v "^${address%% *} " "$work/addresses" >"$work/addresses.new"
      echo "$entry" >>"$work/addresses.new"
      mv "$work/addresses.new" "$work/addresses"
    }
  done
}

# count adds what has come to /tmp/unanswered since to the counts in /tmp/metrics.
count() {
  size=$(wc -c </tmp/unanswered 2>/dev/null) || return
  [ "$size" -gt "$counted" ] || [ ! -s /tmp/metrics ] || return
  tail -c "+$((counted + 1))" /tmp/unanswered | awk -f /nginx/unanswered.awk /tmp/metrics "$work/addresses" - >/tmp/metrics.new &&
    mv /tmp/metrics.new /tmp/metrics
  counted=$size
  [ "$size" -lt 4000000 ] || { : >/tmp/unanswered; counted=0; }
}

# places says how many bodies got no place in the last minute. Nginx asks uploads for no least rate, but those that began
# before a reload end with the old workers, after worker_shutdown_timeout.
places() {
  [ -s /tmp/no_place ] || return
  say warn "bodies were refused in the last minute, since others hold all places" "$(wc -l </tmp/no_place)"
  : >/tmp/no_place
  [ $((second - renewed)) -ge 300 ] || return
  renewed=$second
  exec 9>"$work/lock"
  flock 9
  reload
  exec 9>&-
}

while :; do
  now=$(cat "$shared/traffic" 2>/dev/null)
  [ -z "$now" ] || [ "$now" = "$(cat "$work/applied")" ] || follow "$now"
  # What nginx-conf's health check reads.
  printf '%s %s\n' "$(date +%s)" "$(cat "$work/applied")" >"$shared/alive.new" && mv "$shared/alive.new" "$shared/alive"
  addresses
  count
  if [ $((second % 60)) = 59 ]; then
    [ ! -f "$work/refused" ] || say error "$refused" "$(cat "$work/refused")"
    unanswered=$(awk -f /nginx/minute.awk "$work/reported" /tmp/metrics)
    [ -z "$unanswered" ] || say warn "tries that a colour did not answer in the last minute" "$unanswered"
    cp /tmp/metrics "$work/reported"
    places
  fi
  second=$((second + 1))
  sleep 1
done
