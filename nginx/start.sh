# shellcheck shell=sh
# Nginx in its container: with the project's nginx.conf, or with the last good one where that is broken.
set -u
. /nginx/apply.sh
mkdir -p "$work"
: >/tmp/metrics
rm -f "$shared/applied"

# until there is something to run: a broken first nginx.conf is mended while this waits.
told=
while :; do
  seen=$(cat "$shared/traffic" 2>/dev/null)
  if wrong=$(fetch "$work/host.conf" 2>&1 && check "$work/host.conf" "$(traffic)" 2>&1); then
    force "$work/host.conf"
    break
  elif [ -f "$shared/good.conf" ] && check "$shared/good.conf" "$(traffic || echo balancer)" >/dev/null 2>&1; then
    mv "$conf.next" "$conf"
    refuse "$wrong"
    break
  fi
  [ "$wrong" = "$told" ] || say error "nginx.conf is refused, there is no earlier one, port 8080 is closed" "$wrong"
  told=$wrong
  sleep 1
done
printf '%s\n' "$seen" >"$work/applied"

sh /nginx/watch.sh &
exec "$nginx" -e /dev/stderr -c "$conf"
