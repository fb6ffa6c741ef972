# shellcheck shell=sh
# The health check of nginx-conf: nginx.conf can be read, and Nginx, where it runs, has taken this container's choice over.
# `up -d` waits for it.
[ -r /project/nginx.conf ] || { echo "nginx.conf cannot be read: chmod a+r nginx.conf; chmod a+x on the folder"; exit 1; }
read -r choice </var/tmp/traffic || exit 1
read -r beat applied 2>/dev/null </var/tmp/alive || exit 0
[ "$applied" = "$choice" ] || [ $(($(date +%s) - beat)) -gt 5 ]
