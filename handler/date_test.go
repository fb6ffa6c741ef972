package handler

import (
	"net/http"
	"testing"
	"testing/synctest"
	"time"
)

// TestDates wants the second that it is, by a clock that goes in steps.
func TestDates(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var d dates
		start := time.Now()
		for range 200 {
			time.Sleep(77 * time.Millisecond)
			if got, want := d.at(time.Since(start)), time.Now().UTC().Format(http.TimeFormat); len(got) != 1 || got[0] != want {
				t.Fatalf("got %q, want %s", got, want)
			}
		}
	})
}

func TestRequestIDsDiffer(t *testing.T) {
	seen := map[string]bool{}
	for range 10_000 {
		id := requestID(new(http.Request))[0]
		if len(id) != 32 || seen[id] {
			t.Fatalf("got %q, want 32 digits that none had before", id)
		}
		seen[id] = true
	}
}
