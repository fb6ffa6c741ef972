package api

import (
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"
)

const sse = "Content-Type: text/event-stream; charset=utf-8"

func TestEvents(t *testing.T) {
	first := "id: 1\nevent: running\ndata: {\"number\":1,\"state\":\"running\",\"step\":\"pull\"}\n\n: still there\n\n"
	second := "id: 2\nevent: running\ndata: {\"number\":2,\"state\":\"running\",\"step\":\"judge\",\"reason\":\"" + token + "\\u001b[31m\"}\n\n"
	last := "id: 3\nevent: succeeded\ndata: {\"number\":3,\"state\":\"succeeded\"}\n\n"
	silent := func(w http.ResponseWriter, r *http.Request) {
		says(200, first, sse)(w, r)
		w.(http.Flusher).Flush()
		<-r.Context().Done()
	}
	both := "accepted: d-1\nrunning: pull\nrunning: judge: *** [31m\nsucceeded: done\n"
	tests := []struct {
		name   string
		events []turn
		states []string
		kind   error
		says   string
		heard  []string
		waits  int
	}{
		{"to the end", []turn{says(200, first+second+last, sse)}, []string{succeeded}, nil, both, []string{""}, 0},
		{"cut, and gone on with", []turn{says(200, first+"id: 2\nda", sse), says(200, second+last, sse)}, []string{running, succeeded}, nil, both, []string{"", "1"}, 1},
		{"silent", []turn{silent, says(200, second+last, sse)}, []string{running, succeeded}, nil, both, []string{"", "1"}, 1},
		{"the end is read by GET", []turn{says(200, first+last, sse)}, []string{rolledBack}, ErrRolledBack, "running: pull\nrolled_back: judge", []string{""}, 0},
		{"not JSON", []turn{says(200, "id: 1\ndata: {\n\ndata: []\n\ndata: {}\n\n"+first, sse)}, []string{succeeded}, nil, "accepted: d-1\nrunning: pull\nsucceeded", []string{""}, 0},
		{"a line too long", []turn{says(200, "data: "+strings.Repeat("x", maxAnswer+1)+"\n\n"+first, sse)}, []string{succeeded}, nil, "accepted: d-1\nsucceeded", []string{""}, 0},
		{"other content", []turn{says(200, first, "Content-Type: text/plain")}, []string{running, succeeded}, nil, "accepted: d-1\nrunning: pull\nsucceeded", []string{""}, 1},
		{"a redirect", []turn{says(302, "", "Location: https://elsewhere.example/")}, []string{succeeded}, nil, "accepted: d-1\nsucceeded", []string{""}, 0},
		{"an error, and then events", []turn{says(502, ""), drops, says(200, second+last, sse)}, []string{running, running, succeeded}, nil, "running: pull\nrunning: judge", []string{"", "", ""}, 2},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f := newFake(t, nil, nil, tt.states...)
			f.events = tt.events
			got := deploy(t, to(t, f.URL, func(c *Client) { c.Silence = 300 * time.Millisecond }))
			if text := got.said + got.text; !errors.Is(got.err, tt.kind) || !strings.Contains(text, tt.says) || len(got.waits) != tt.waits {
				t.Errorf("got %v, waits %v and\n%s\nwant %v, %d waits and in it\n%s", got.err, got.waits, text, tt.kind, tt.waits, tt.says)
			}
			f.mu.Lock()
			defer f.mu.Unlock()
			if !slices.Equal(f.heard, tt.heard) || len(f.faults) > 0 || len(f.events) > 0 {
				t.Errorf("Last-Event-ID: got %q, want %q; faults %q; %d streams left", f.heard, tt.heard, f.faults, len(f.events))
			}
		})
	}
}

// A stream that goes on for longer than one request may take is not cut, and ends with the time-out over all.
func TestEventsForLong(t *testing.T) {
	f := newFake(t, nil, nil, running)
	f.events = []turn{func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		for tick := time.NewTicker(20 * time.Millisecond); ; {
			select {
			case <-r.Context().Done():
				tick.Stop()
				return
			case <-tick.C:
				io.WriteString(w, ": still there\n\n")
				w.(http.Flusher).Flush()
			}
		}
	}}
	got := deploy(t, to(t, f.URL, func(c *Client) {
		c.Request, c.Silence, c.Limit = 100*time.Millisecond, 200*time.Millisecond, 600*time.Millisecond
	}))
	f.mu.Lock()
	defer f.mu.Unlock()
	if !errors.Is(got.err, ErrFailed) || !strings.Contains(got.text, "no end seen within 600ms") || len(f.heard) != 1 {
		t.Errorf("got %v after %d streams", got.err, len(f.heard))
	}
}

func TestDetached(t *testing.T) {
	f := newFake(t, nil, nil, running)
	if got := deploy(t, to(t, f.URL, func(c *Client) { c.Detached = true })); got.err != nil || !strings.HasSuffix(got.said, "accepted: d-1\n") || f.served != 1 {
		t.Errorf("got %v, %d requests and\n%s", got.err, f.served, got.said)
	}
}
