# awk -f unanswered.awk METRICS ADDRESSES LINES: the counts in METRICS with those of more lines of /tmp/unanswered.
# A line is upstream_addr|upstream_status|the version that answered; the lists have an entry a try.
BEGIN { total["blue"] = total["green"] = total["unknown"] = 0 }
FILENAME == ARGV[1] {
    if (match($0, /color="[a-z]+"/)) total[substr($0, RSTART + 7, RLENGTH - 8)] = $2
    next
}
FILENAME == ARGV[2] { colour[$1] = $2; next }
{
    split($0, field, "|")
    n = split(field[1], address, /, | : /)
    split(field[2], status, /, | : /)
    for (i = 1; i <= n; i++) {
        if (status[i] != 502 && status[i] != 504 || i == n && field[3] != "" || address[i] ~ /^127\.|^ml_backend$/) continue
        sub(/:[0-9]+$/, "", address[i])
        total[address[i] in colour ? colour[address[i]] : "unknown"]++
    }
}
END {
    print "# HELP nginx_unanswered_tries_total Tries that a colour did not answer; the request went on to another try."
    print "# TYPE nginx_unanswered_tries_total counter"
    for (c in total) if (c != "unknown" || total[c] > 0) printf "nginx_unanswered_tries_total{color=\"%s\"} %d\n", c, total[c] | "sort"
}
