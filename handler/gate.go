package handler

import (
	"context"
	"net/http"
	"runtime"
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

// gate bounds how many requests decode, run and encode at once, and how many may wait for that. Who comes on top is
// refused at once, so that what is accepted is answered in a bounded time and memory stays flat.
type gate struct {
	limit   int64        // the most that run
	most    int64        // the most that run and wait
	inside  atomic.Int64 // running and waiting
	freed   chan struct{}
	average atomic.Int64 // of the model's time for a batch, in nanoseconds; moves by an eighth at a time
}

// newGate makes a gate for so many at once with so many waiting. concurrency 0: one a core; queue 0: queuePerSlot for each, below 0: none.
func newGate(concurrency, queue int) *gate {
	if concurrency <= 0 {
		concurrency = runtime.GOMAXPROCS(0)
	}
	if queue == 0 {
		queue = queuePerSlot * concurrency
	}
	queue = max(queue, 0)
	return &gate{limit: int64(concurrency), most: int64(concurrency + queue), freed: make(chan struct{}, queue)}
}

// full refuses who would be refused by enter now.
func (g *gate) full() error {
	if g.inside.Load() >= g.most {
		return errOverloaded
	}
	return nil
}

// enter waits for a slot, which leave gives back. The error is a refusal, after which leave must not be called.
func (g *gate) enter(ctx context.Context) error {
	// Who is refused is never counted, not even for a moment: leave would take it for one that waits.
	var n int64
	for counted := false; !counted; counted = g.inside.CompareAndSwap(n, n+1) {
		if n = g.inside.Load(); n >= g.most {
			return errOverloaded
		}
	}
	if n >= g.limit {
		<-g.freed // soon: the queue is short, and a caller that left is passed over
		if ctx.Err() != nil {
			g.leave()
			return errGone
		}
	}
	if g.average.Load() > int64(costly) {
		runtime.Gosched()
	}
	return nil
}

// leave gives a slot back, to the first that waits.
func (g *gate) leave() {
	if g.inside.Add(-1) >= g.limit {
		g.freed <- struct{}{} // never waits: there is room for everyone in the queue
	}
}

// Free, Take and Give are model.Cores: a batch of many blocks may use the slots that nobody uses or waits for.

// Free is how many slots are not used.
func (g *gate) Free() int { return int(max(g.limit-g.inside.Load(), 0)) }

// Take takes a slot where one is free, without waiting.
func (g *gate) Take() bool {
	for n := g.inside.Load(); n < g.limit; n = g.inside.Load() {
		if g.inside.CompareAndSwap(n, n+1) {
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

// Bodies of refused requests are read and forgotten, so that their connections can be used again. net/http does that for what
// is shorter than readAway, 8 KB at a time; with a few larger buffers it costs half. Who finds none leaves it to net/http.
const (
	sinks    = 4
	sinkSize = 64 << 10
	readAway = 256 << 10
)

// admit refuses a request that the gate would refuse now, before any memory is spent on its body.
func (s *Service) admit(r *http.Request) error {
	err := s.gate.full()
	if n := r.ContentLength; err == nil || n < firstRead || n >= readAway || r.Header["Expect"] != nil {
		return err
	}
	select {
	case sink := <-s.sinks:
		if sink == nil {
			sink = make([]byte, sinkSize)
		}
		for {
			if _, end := r.Body.Read(sink); end != nil { // a body that breaks off: net/http meets that too
				break
			}
		}
		s.sinks <- sink
	default:
	}
	return err
}

// Load is how much is going on.
type Load struct {
	Requests    int // being answered, of all routes
	Running     int // in the model, with decoding and encoding
	Waiting     int // for that
	Concurrency int // the most that run
	Queue       int // the most that wait
}

// Load is a moment's reading, for metrics.
func (s *Service) Load() Load {
	g := s.gate
	inside := g.inside.Load()
	return Load{
		Requests:    int(s.inflight.Load()),
		Running:     int(min(inside, g.limit)),
		Waiting:     int(max(inside-g.limit, 0)),
		Concurrency: int(g.limit),
		Queue:       int(g.most - g.limit),
	}
}
