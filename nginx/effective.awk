# From nginx.conf, what Nginx runs. The file is read twice: awk -v traffic=blue|green|balancer -f effective.awk FILE FILE
#
# In `upstream ml_backend` alone, line by line, so that Nginx's errors name the lines of the file itself:
#   - with traffic=blue or green both colours' names become that colour's;
#   - a block without `zone` gets one, and a name without `resolve` too, so that Nginx follows a colour to its new
#     address; a name without `fail_timeout` gets 2 s: while both are left out, requests wait for one.
# Everything else stays as it is. With names=1 it prints the names that the block's servers have, and nothing else.

function code_of(line,    at) { at = index(line, "#"); return at ? substr(line, 1, at - 1) : line }

# step says in `inside`, `begins` and `ends` where a line stands. A block may begin and end on one.
function step(code) {
    if (!inside && code ~ /(^|[ \t;{}])upstream[ \t]+ml_backend[ \t]*\{/) { inside = 1; begins = 1 }
    ends = inside && code ~ /\}/
}

function server(statement,    name, rest, before) {
    match(statement, /server[ \t]+/)
    before = substr(statement, 1, RSTART + RLENGTH - 1)
    rest = substr(statement, RSTART + RLENGTH)
    match(rest, /^[^ \t;]+/)
    name = substr(rest, 1, RLENGTH)
    rest = substr(rest, RLENGTH + 1)
    if (traffic != "balancer" && name ~ /^ml-service-(blue|green)(:|$)/) sub(/^ml-service-(blue|green)/, "ml-service-" traffic, name)
    if (name !~ /^(unix:|[0-9.]+(:|$)|\[)/) {
        bare = name
        sub(/:[0-9]+$/, "", bare)
        if (names) print bare
        if (resolver && rest !~ /(^|[ \t])resolve([ \t]|$)/) name = name " resolve"
        if (rest !~ /(^|[ \t])fail_timeout=/) name = name " fail_timeout=2s"
    }
    return before name rest
}

function rewrite(code,    parts, n, i, out) {
    n = split(code, parts, ";")
    out = ""
    for (i = 1; i <= n; i++) {
        if (parts[i] ~ /(^|[ \t{])server[ \t]+[^ \t{]/) parts[i] = server(parts[i])
        out = out parts[i] (i < n ? ";" : "")
    }
    if (begins && !zone) sub(/\{/, "{ zone ml_backend 64k;", out)
    return out
}

{ code = code_of($0); begins = 0; step(code) }

NR == FNR {
    if (inside && code ~ /(^|[ \t;{])zone[ \t]/) zone = 1
    if (!inside && code ~ /(^|[ \t;{])resolver[ \t]/) resolver = 1
    if (ends) inside = 0
    next
}

{
    if (inside) line = rewrite(code) substr($0, length(code) + 1)
    else line = $0
    if (!names) print line
    if (ends) inside = 0
}
