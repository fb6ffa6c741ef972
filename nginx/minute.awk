# awk -f minute.awk BEFORE NOW: by how much each count of two /tmp/metrics has grown, as `green 12`; nothing if none has.
!match($0, /color="[a-z]+"/) { next }
{ color = substr($0, RSTART + 7, RLENGTH - 8) }
FILENAME == ARGV[1] { before[color] = $2; next }
$2 > before[color] { text = text (text ? ", " : "") color " " $2 - before[color] }
END { if (text) print text }
