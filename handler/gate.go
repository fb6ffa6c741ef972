package handler

import (
	"context"
	"net/http"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// queuePerSlot is how many requests may wait for each that runs, where nothing else is said. A request that waits
// at the end of the queue waits for that many inferences.
const queuePerSlot = 64

// costly is the inference time from which requests give way once they have a slot. With fewer cores than ready requests
// the queue is otherwise the scheduler's own, where nobody counts it.
const costly = 100 * time.Microsecond

// retryAfter is what a refused request is told, in seconds: the smallest that the header can say.
const retryAfter = 1

// errOverloaded is the answer to a request that found the queue full.
var errOverloaded = &refusal{
	status:     http.StatusServiceUnavailable,
	message:    "overloaded: too many requests wait for the model; try again later",
	retryAfter: retryAfter,
}

// statusGone is what a request is counted and logged as whose caller did not wait for its answer. It is Nginx's number.
const statusGone = 499

var (
	errGone   = &refusal{status: statusGone, message: "the caller left while the request waited"}
	errUnread = &refusal{status: statusGone, message: "the caller left, or did not read its answer in time"}
)

// gate bounds how many requests decode, run and encode at once, how much memory the large ones among them take, and how many
// may wait for both. Who comes on top is refused at once, so that what is accepted is answered in a bounded time and
// memory stays flat.
//
// Large requests, of a long body or of many bytes beside it, have a line of their own, of at most half the queue, and the two lines take turns: a few batches of
// many rows do not keep everybody else out.
type gate struct {
	limit    int64                                                        // the most that run
	queue    int64                                                        // the most that wait
	left     func(ctx context.Context, ready <-chan struct{}) (gone bool) // nil: whose context ended is gone
	state    atomic.Int64                                                 // running, plus waiting times oneWaits
	manyWait atomic.Int64                                                 // of those that wait, the large ones
	short    atomic.Bool                                                  // the first of the large ones waits for memory
	waited   atomic.Int64                                                 // by all who got in, in nanoseconds
	average  atomic.Int64                                                 // of the model's time for a batch, in nanoseconds; moves by an eighth at a time

	mu    sync.Mutex
	lines [2][]*waiter // small requests and large ones, first come first
	turn  int          // the line that goes first
	budget
}

const oneWaits = 1 << 32

// waiter is a request in a line.
type waiter struct {
	line  int
	need  int64         // bytes
	ready chan struct{} // closed once it has its slot and its bytes
}

// The lines.
const (
	small = iota // requests that are not counted
	large
)

func newGate(o Options) *gate {
	concurrency, queue := o.Concurrency, o.Queue
	if concurrency <= 0 {
		concurrency = runtime.GOMAXPROCS(0)
	}
	if queue == 0 {
		queue = queuePerSlot * concurrency
	}
	return &gate{limit: int64(concurrency), queue: int64(max(queue, 0)), left: o.Left, budget: budget{total: max(o.Memory, 0)}}
}

// full refuses who would be refused by enter now, by the bytes that it will need.
func (g *gate) full(need int64) error {
	s := g.state.Load()
	if s%oneWaits < g.limit && need == 0 {
		return nil
	}
	if s/oneWaits >= g.queue && s%oneWaits >= g.limit || need > 0 && g.queue > 0 && g.manyWait.Load() >= g.halfQueue() {
		return errOverloaded
	}
	return nil
}

func (g *gate) halfQueue() int64 { return (g.queue + 1) / 2 }

// enter waits for a slot, which leave gives back, and for need bytes of memory, which free gives back; 0: the slot alone.
// The error is a refusal, after which neither must be called.
func (g *gate) enter(ctx context.Context, need int64) error {
	if need > 0 || !g.Take() {
		start := clock()
		if err := g.wait(ctx, need); err != nil {
			return err
		}
		g.waited.Add(int64(clock() - start))
	}
	if g.average.Load() > int64(costly) {
		runtime.Gosched()
	}
	return nil
}

func (g *gate) wait(ctx context.Context, need int64) error {
	w := &waiter{need: need, ready: make(chan struct{})}
	if need > 0 {
		w.line = large
	}
	if !g.join(w) {
		return errOverloaded
	}
	select {
	case <-w.ready:
		return nil
	case <-ctx.Done():
	}
	if g.left != nil && !g.left(ctx, w.ready) {
		<-w.ready
		return nil
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if k := slices.Index(g.lines[w.line], w); k >= 0 {
		g.remove(w.line, k)
		g.state.Add(-oneWaits)
	} else { // it was just given its slot
		g.work -= need
		g.state.Add(-1)
	}
	g.call()
	return errGone
}

// join puts w into its line, unless that is full, and lets in whose turn it is, perhaps w.
func (g *gate) join(w *waiter) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.lines[w.line] = append(g.lines[w.line], w)
	g.manyWait.Store(int64(len(g.lines[large])))
	g.state.Add(oneWaits)
	g.call()
	select {
	case <-w.ready:
		return true
	default:
	}
	if n := int64(len(g.lines[large])); int64(len(g.lines[small]))+n <= g.queue && (w.line == small || n <= g.halfQueue()) {
		return true
	}
	g.remove(w.line, len(g.lines[w.line])-1)
	g.state.Add(-oneWaits)
	return false
}

func (g *gate) remove(line, k int) {
	g.lines[line] = slices.Delete(g.lines[line], k, k+1)
	g.manyWait.Store(int64(len(g.lines[large])))
}

// call lets in who may, one line after the other.
func (g *gate) call() {
	defer func() { g.short.Store(len(g.lines[large]) > 0 && !g.fits(g.lines[large][0].need)) }()
	for {
		line := g.turn
		if !g.mayCall(line) {
			if line = 1 - line; !g.mayCall(line) {
				return
			}
		}
		s := g.state.Load()
		for ; s%oneWaits < g.limit; s = g.state.Load() {
			if g.state.CompareAndSwap(s, s+1-oneWaits) {
				break
			}
		}
		if s%oneWaits >= g.limit {
			return
		}
		w := g.lines[line][0]
		g.remove(line, 0)
		g.work += w.need
		g.turn = 1 - line
		close(w.ready)
	}
}

// mayCall says whether somebody waits in a line for whom there is memory.
func (g *gate) mayCall(line int) bool {
	return len(g.lines[line]) > 0 && g.fits(g.lines[line][0].need)
}

// leave gives a slot back, to the first that waits.
func (g *gate) leave() {
	for s := g.state.Load(); s < oneWaits; s = g.state.Load() {
		if g.state.CompareAndSwap(s, s-1) {
			return
		}
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.state.Add(-1)
	g.call()
}

// Free, Take and Give are model.Cores: a batch of many blocks may use the slots that nobody uses or waits for.

// Free is how many slots are not used.
func (g *gate) Free() int { return int(max(g.limit-g.state.Load(), 0)) }

// Take takes a slot where one is free and nobody waits.
func (g *gate) Take() bool {
	for s := g.state.Load(); s < g.limit; s = g.state.Load() {
		if g.state.CompareAndSwap(s, s+1) {
			return true
		}
	}
	return false
}

// Give gives it back, to the first that waits.
func (g *gate) Give() { g.leave() }

// ran takes note of how long the model took. Of two at once one is lost, which an average survives.
func (g *gate) ran(took time.Duration) {
	average := g.average.Load()
	g.average.Store(average + (int64(took)-average)/8)
}

// Load is how much is going on.
type Load struct {
	Requests    int // being answered, of all routes
	Running     int // in the model, with decoding and encoding
	Waiting     int // for that
	Concurrency int // the most that run
	Queue       int // the most that wait

	Unobserved int // times the observer panicked, in all

	Bodies, Work int64 // bytes that bodies being read and large requests hold
	Budget       int64 // the most of both; 0: no limit
}

// Load is a moment's reading, for metrics.
func (s *Service) Load() Load {
	g := s.gate
	state := g.state.Load()
	g.mu.Lock()
	defer g.mu.Unlock()
	return Load{
		Requests:    int(s.inflight.Load()),
		Unobserved:  int(s.unobserved.Load()),
		Running:     int(state % oneWaits),
		Waiting:     int(state / oneWaits),
		Concurrency: int(g.limit),
		Queue:       int(g.queue),
		Bodies:      g.bodies,
		Work:        g.work,
		Budget:      g.total,
	}
}
