package handler

import (
	"context"
	"errors"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

func TestGateRefusesPastItsQueue(t *testing.T) {
	g := newGate(2, 3)
	for range 2 {
		if err := g.enter(t.Context()); err != nil {
			t.Fatalf("a free slot: %v", err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	var waiting sync.WaitGroup
	gone := make(chan error, 3)
	for range 3 {
		waiting.Go(func() { gone <- g.enter(ctx) })
	}
	for deadline := time.Now().Add(10 * time.Second); g.inside.Load() < 5; {
		if time.Now().After(deadline) {
			t.Fatalf("%d inside, want 5", g.inside.Load())
		}
		runtime.Gosched()
	}
	if err := g.enter(t.Context()); !errors.Is(err, errOverloaded) {
		t.Errorf("with a full queue: got %v, want %v", err, errOverloaded)
	}
	g.leave()
	if err := <-gone; err != nil {
		t.Errorf("the first in the queue, once a slot is free: %v", err)
	}
	cancel()
	g.leave() // the two that wait are passed over, one after the other
	for range 2 {
		if err := <-gone; !errors.Is(err, errGone) {
			t.Errorf("a caller that left: got %v, want %v", err, errGone)
		}
	}
	waiting.Wait()
	g.leave()
	if inside, freed := g.inside.Load(), len(g.freed); inside != 0 || freed != 0 {
		t.Errorf("after all left: %d inside, %d slots free for nobody, want none", inside, freed)
	}
}

func TestGateDefaults(t *testing.T) {
	g := newGate(0, 0)
	if n := runtime.GOMAXPROCS(0); g.limit != int64(n) || g.most != int64(n+n*queuePerSlot) {
		t.Errorf("got %d slots and %d inside, want %d and %d", g.limit, g.most, n, n+n*queuePerSlot)
	}
	if g := newGate(1, -1); g.enter(t.Context()) != nil || !errors.Is(g.enter(t.Context()), errOverloaded) {
		t.Error("one slot and no queue: want the first in and the second refused")
	}
}

// However callers come and go, no more run at once than may, and nothing is left behind.
func TestGateHoldsItsLimit(t *testing.T) {
	for _, c := range []struct{ concurrency, queue int }{{1, -1}, {1, 1}, {2, 3}} {
		g := newGate(c.concurrency, c.queue)
		var running, most atomic.Int64
		var all sync.WaitGroup
		for caller := range 16 {
			all.Go(func() {
				ctx, cancel := context.WithCancel(context.Background())
				if caller%4 == 0 {
					cancel()
				}
				defer cancel()
				for range 2000 {
					if g.enter(ctx) != nil {
						continue
					}
					n := running.Add(1)
					for old := most.Load(); n > old && !most.CompareAndSwap(old, n); old = most.Load() {
					}
					runtime.Gosched()
					running.Add(-1)
					g.leave()
				}
			})
		}
		all.Wait()
		if most.Load() > int64(c.concurrency) || g.inside.Load() != 0 || len(g.freed) != 0 {
			t.Errorf("%+v: %d at once; afterwards %d inside and %d slots free for nobody", c, most.Load(), g.inside.Load(), len(g.freed))
		}
	}
}

// Ready requests are counted although one core runs them one after the other: each gives way once it has a slot.
func TestGateCountsReadyRequestsOnOneCore(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	g := newGate(1, 4)
	g.average.Store(int64(time.Second))
	const callers = 32
	var refused, served int
	var mu sync.Mutex
	var all sync.WaitGroup
	for range callers {
		all.Go(func() {
			err := g.enter(context.Background())
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				refused++
				return
			}
			served++
			g.leave()
		})
	}
	all.Wait()
	if served < 5 || refused == 0 || served+refused != callers {
		t.Errorf("got %d served and %d refused of %d, want at least 5 served and the others refused", served, refused, callers)
	}
}

func BenchmarkGate(b *testing.B) {
	g := newGate(1, 1)
	b.ReportAllocs()
	for b.Loop() {
		if err := g.enter(b.Context()); err != nil {
			b.Fatal(err)
		}
		g.leave()
	}
}
