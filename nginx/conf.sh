# shellcheck shell=sh
# The container nginx-conf: hands Nginx a copy of the project's nginx.conf whenever it asks, and says who gets port 8080.
# It sees the project's folder, read-only, since a file that an editor replaces is another file under the old name; it
# has no network. $TRAFFIC is blue, green or balancer.
set -u
project=/project
shared=/var/tmp

copy() {
  if [ ! -x $project ]; then
    echo "the project's folder cannot be entered by user $(id -u): chmod a+x on it"
  elif [ ! -f $project/nginx.conf ]; then
    echo "there is no file nginx.conf in the project's folder"
  elif ! cp $project/nginx.conf $shared/copy.new 2>/dev/null; then
    echo "nginx.conf cannot be read by user $(id -u): chmod a+r nginx.conf"
  else
    chmod 644 $shared/copy.new && mv $shared/copy.new $shared/copy.conf && echo ok
  fi
}

rm -f $shared/*.new
[ -p $shared/ask ] || mkfifo -m 666 $shared/ask || exit 1
trouble=$(copy)
[ "$trouble" = ok ] || echo "$trouble" >&2
# With this container's own name: the same choice made anew is a choice, too.
printf '%s %s\n' "$TRAFFIC" "$(cat /etc/hostname)" >$shared/traffic.new && mv $shared/traffic.new $shared/traffic
exec 3<>$shared/ask
while read -r id <&3; do
  printf '%s %s\n' "$id" "$(copy)" >$shared/answer.new && mv $shared/answer.new $shared/answer
done
