package handler

import (
	"net/http"
	"testing"
)

func TestTraceparent(t *testing.T) {
	const trace, span = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
	const valid = "00-" + trace + "-" + span + "-01"
	for _, c := range []struct {
		name   string
		values []string
		taken  bool
	}{
		{"none", nil, false},
		{"valid", []string{valid}, true},
		{"not sampled", []string{valid[:53] + "00"}, true},
		{"a later version", []string{"cc" + valid[2:]}, true},
		{"a later version with more members", []string{"cc" + valid[2:] + "-what"}, true},
		{"a later version with a longer flag", []string{"cc" + valid[2:] + "f"}, false},
		{"version ff", []string{"ff" + valid[2:]}, false},
		{"version 00 with more", []string{valid + "-what"}, false},
		{"upper case", []string{"00-4BF92F3577B34DA6A3CE929D0E0E4736-" + span + "-01"}, false},
		{"zero trace", []string{"00-00000000000000000000000000000000-" + span + "-01"}, false},
		{"zero span", []string{"00-" + trace + "-0000000000000000-01"}, false},
		{"short", []string{valid[:54]}, false},
		{"not hexadecimal", []string{"00-" + trace[:31] + "g-" + span + "-01"}, false},
		{"wrong separator", []string{"00_" + valid[3:]}, false},
		{"twice", []string{valid, valid}, false},
		{"empty", []string{""}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			attrs := appendTrace(nil, &http.Request{Header: http.Header{"Traceparent": c.values}})
			if !c.taken {
				if len(attrs) != 0 {
					t.Errorf("got %v, want nothing", attrs)
				}
				return
			}
			if len(attrs) != 2 || attrs[0].String() != "trace_id="+trace || attrs[1].String() != "span_id="+span {
				t.Errorf("got %v, want trace_id=%s span_id=%s", attrs, trace, span)
			}
		})
	}
}
