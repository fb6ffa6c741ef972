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

// until polls.
func until(t *testing.T, what string, done func() bool) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); !done(); runtime.Gosched() {
		if time.Now().After(deadline) {
			t.Fatalf("never: %s", what)
		}
	}
}

func (g *gate) waiting() int64 { return g.state.Load() / oneWaits }

// empty wants nothing left behind.
func empty(t *testing.T, g *gate) {
	t.Helper()
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.state.Load() != 0 || g.manyWait.Load() != 0 || len(g.lines[small])+len(g.lines[large]) != 0 || g.bodies != 0 || g.work != 0 {
		t.Errorf("left behind: state %#x, lines %d and %d, bodies %d, work %d", g.state.Load(), len(g.lines[small]), len(g.lines[large]), g.bodies, g.work)
	}
}

func TestGateRefusesPastItsQueue(t *testing.T) {
	g := newGate(Options{Concurrency: 2, Queue: 3})
	for range 2 {
		if err := g.enter(t.Context(), 0); err != nil {
			t.Fatalf("a free slot: %v", err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	gone := make(chan error, 3)
	for k := range 3 {
		go func() { gone <- g.enter(ctx, 0) }()
		until(t, "one more waits", func() bool { return g.waiting() == int64(k+1) })
	}
	if err := g.enter(t.Context(), 0); !errors.Is(err, errOverloaded) {
		t.Errorf("with a full queue: got %v, want %v", err, errOverloaded)
	}
	if err := g.full(0); !errors.Is(err, errOverloaded) {
		t.Errorf("full: got %v, want %v", err, errOverloaded)
	}
	g.leave()
	if err := <-gone; err != nil {
		t.Errorf("the first in the queue, once a slot is free: %v", err)
	}
	cancel()
	for range 2 { // although no slot is free
		if err := <-gone; !errors.Is(err, errGone) {
			t.Errorf("a caller that left: got %v, want %v", err, errGone)
		}
	}
	if n := g.waiting(); n != 0 {
		t.Errorf("%d wait after all left, want none", n)
	}
	next := make(chan error, 1)
	go func() { next <- g.enter(t.Context(), 0) }()
	until(t, "a new caller waits in the place of those that left", func() bool { return g.waiting() == 1 })
	g.leave()
	if err := <-next; err != nil {
		t.Error(err)
	}
	g.leave()
	g.leave()
	empty(t, g)
}

// TestGateHalfClosed lets a caller wait on who only stopped sending.
func TestGateHalfClosed(t *testing.T) {
	for _, gone := range []bool{false, true} {
		asked := make(chan struct{})
		g := newGate(Options{Concurrency: 1, Left: func(context.Context, <-chan struct{}) bool { close(asked); return gone }})
		if err := g.enter(t.Context(), 0); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		done := make(chan error, 1)
		go func() { done <- g.enter(ctx, 0) }()
		<-asked
		if gone {
			if err := <-done; !errors.Is(err, errGone) {
				t.Errorf("gone: got %v, want %v", err, errGone)
			}
		}
		g.leave()
		if !gone {
			if err := <-done; err != nil {
				t.Errorf("half-closed: got %v, want a slot", err)
			}
			g.leave()
		}
		empty(t, g)
	}
}

func TestGateDefaults(t *testing.T) {
	g := newGate(Options{})
	if n := runtime.GOMAXPROCS(0); g.limit != int64(n) || g.queue != int64(n*queuePerSlot) {
		t.Errorf("got %d slots and %d places, want %d and %d", g.limit, g.queue, n, n*queuePerSlot)
	}
	g = newGate(Options{Concurrency: 1, Queue: -1})
	if g.full(0) != nil || g.enter(t.Context(), 0) != nil || !errors.Is(g.full(0), errOverloaded) || !errors.Is(g.enter(t.Context(), 0), errOverloaded) {
		t.Error("one slot and no queue: want the first in and the second refused")
	}
}

// TestGateCountsBytes lets large requests in as far as there is memory, and small ones past them.
func TestGateCountsBytes(t *testing.T) {
	g := newGate(Options{Concurrency: 2, Queue: 4, Memory: 100})
	if err := g.enter(t.Context(), 50); err != nil {
		t.Fatal(err)
	}
	g.leave() // it is still written
	if err := g.hold(40); err != nil {
		t.Fatal(err)
	}
	if err := g.hold(11); !errors.Is(err, errMemory) {
		t.Errorf("bodies past what is left: got %v, want %v", err, errMemory)
	}
	first, second := make(chan error, 1), make(chan error, 1)
	go func() { first <- g.enter(t.Context(), 20) }()
	until(t, "the first waits for memory", func() bool { return g.waiting() == 1 })
	go func() { second <- g.enter(t.Context(), 5) }()
	until(t, "the second waits behind it", func() bool { return g.waiting() == 2 })
	if err := g.enter(t.Context(), 5); !errors.Is(err, errOverloaded) {
		t.Errorf("half of the queue is full of large requests: got %v, want %v", err, errOverloaded)
	}
	if err := g.full(5); !errors.Is(err, errOverloaded) {
		t.Errorf("full for a large one: got %v, want %v", err, errOverloaded)
	}
	if err := errors.Join(g.full(0), g.enter(t.Context(), 0)); err != nil {
		t.Errorf("a small request beside them: %v", err)
	}
	g.leave()
	g.free(50)
	if err := errors.Join(<-first, <-second); err != nil {
		t.Error(err)
	}
	if g.fitsNow(36) || !g.fitsNow(10) || g.fitsNow(11) {
		t.Errorf("bodies hold 40 and work 25 of 100, of which bodies may hold 50: fits %v, %v, %v", g.fitsNow(36), g.fitsNow(10), g.fitsNow(11))
	}
	g.leave()
	g.leave()
	g.free(25)
	g.drop(40)
	empty(t, g)
}

// TestGateTakesTurns lets small and large requests in one after the other.
func TestGateTakesTurns(t *testing.T) {
	g := newGate(Options{Concurrency: 1, Queue: 8})
	if err := g.enter(t.Context(), 0); err != nil {
		t.Fatal(err)
	}
	order := make(chan int64, 8)
	for k, need := range []int64{1, 1, 1, 0, 0, 0} {
		go func() {
			if err := g.enter(t.Context(), need); err != nil {
				t.Error(err)
			}
			order <- need
		}()
		until(t, "one more waits", func() bool { return g.waiting() == int64(k+1) })
	}
	was := int64(-1)
	for range 6 {
		g.leave()
		now := <-order
		if now == was {
			t.Fatalf("two of one line in a row, need %d", now)
		}
		was = now
		g.free(now)
	}
	g.leave()
	empty(t, g)
}

// However callers come and go, no more run at once than may, no more bytes are held, and nothing is left behind.
func TestGateHoldsItsLimit(t *testing.T) {
	for _, o := range []Options{{Concurrency: 1, Queue: -1, Memory: 10}, {Concurrency: 1, Queue: 1, Memory: 10}, {Concurrency: 2, Queue: 3, Memory: 4}} {
		g := newGate(o)
		var running, most, bytes, mostBytes atomic.Int64
		raise := func(most *atomic.Int64, n int64) {
			for old := most.Load(); n > old && !most.CompareAndSwap(old, n); old = most.Load() {
			}
		}
		var all sync.WaitGroup
		for caller := range 16 {
			all.Go(func() {
				ctx, cancel := context.WithCancel(context.Background())
				if caller%4 == 0 {
					cancel()
				}
				defer cancel()
				need := int64(caller % 3)
				for range 2000 {
					if g.enter(ctx, need) != nil {
						continue
					}
					raise(&most, running.Add(1))
					raise(&mostBytes, bytes.Add(need))
					runtime.Gosched()
					running.Add(-1)
					g.leave()
					runtime.Gosched()
					bytes.Add(-need)
					g.free(need)
				}
			})
		}
		all.Wait()
		if most.Load() > int64(o.Concurrency) || mostBytes.Load() > o.Memory {
			t.Errorf("%+v: %d at once, %d bytes", o, most.Load(), mostBytes.Load())
		}
		empty(t, g)
	}
}

// Ready requests are counted although one core runs them one after the other: each gives way once it has a slot.
func TestGateCountsReadyRequestsOnOneCore(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	g := newGate(Options{Concurrency: 1, Queue: 4})
	g.average.Store(int64(time.Second))
	const callers = 32
	var refused, served int
	var mu sync.Mutex
	var all sync.WaitGroup
	for range callers {
		all.Go(func() {
			err := g.enter(context.Background(), 0)
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
	g := newGate(Options{Concurrency: 1, Queue: 1})
	b.ReportAllocs()
	for b.Loop() {
		if err := g.enter(b.Context(), 0); err != nil {
			b.Fatal(err)
		}
		g.leave()
	}
}
