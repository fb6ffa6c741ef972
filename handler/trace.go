package handler

import (
	"log/slog"
	"net/http"
	"strings"
)

// appendTrace appends the caller's trace, where its traceparent header is valid by W3C Trace Context: version, a
// trace id of 32 and a span id of 16 lower-case hexadecimal digits, neither all zeros, and flags.
func appendTrace(attrs []slog.Attr, r *http.Request) []slog.Attr {
	values := r.Header["Traceparent"]
	if len(values) != 1 {
		return attrs
	}
	v := values[0]
	const length = 55 // 00-<32>-<16>-<2>
	if len(v) < length || v[2] != '-' || v[35] != '-' || v[52] != '-' {
		return attrs
	}
	version, trace, span, flags := v[:2], v[3:35], v[36:52], v[53:55]
	switch {
	case !lowerHex(version) || !lowerHex(trace) || !lowerHex(span) || !lowerHex(flags),
		version == "ff",
		version == "00" && len(v) != length,
		len(v) > length && v[length] != '-', // a later version may add members
		strings.Trim(trace, "0") == "", strings.Trim(span, "0") == "":
		return attrs
	}
	return append(attrs, slog.String("trace_id", trace), slog.String("span_id", span))
}

func lowerHex(s string) bool { return strings.Trim(s, "0123456789abcdef") == "" }
