//go:build !race

// Under the race detector a sync.Pool drops at random what it is given, so that allocations mean nothing there.

package handler_test

import "testing"

// TestAllocations holds what a prediction allocates beyond net/http.
func TestAllocations(t *testing.T) {
	const most = 10
	r, text := newRound(t, "v1.0.0"), []byte(example)
	if status := r.send(text); status != 200 {
		t.Fatalf("got %d, want 200", status)
	}
	got := testing.AllocsPerRun(200, func() { r.send(text) })
	t.Logf("%v allocations a request beyond net/http", got)
	if got > most {
		t.Errorf("got %v allocations a request, want at most %d", got, most)
	}
}
