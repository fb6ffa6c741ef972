package page

import (
	"context"
	"reflect"
	"sync"
	"time"
)

// between is the time between two looks at what is quick to read while somebody looks on.
const between = 500 * time.Millisecond

// mostWindows look on at a time.
const mostWindows = 64

// hub looks once for all windows, and only while there are any.
type hub struct {
	looker *Looker

	mu      sync.Mutex
	windows map[chan struct{}]bool
	closed  bool
	stop    context.CancelFunc // of the looking, where it goes on
	work    sync.WaitGroup
	seen    Snapshot
	has     bool
}

func newHub(l *Looker) *hub { return &hub{looker: l, windows: map[chan struct{}]bool{}} }

// join adds a window, whose channel has something whenever there is something to see; it is closed at the end.
func (h *hub) join() (changed <-chan struct{}, leave func(), ok bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed || len(h.windows) >= mostWindows {
		return nil, nil, false
	}
	c := make(chan struct{}, 1)
	h.windows[c] = true
	if h.stop == nil {
		ctx, stop := context.WithCancel(context.Background())
		h.stop, h.has = stop, false
		h.work.Go(func() { h.read(ctx) })
		h.work.Go(func() { h.look(ctx) })
	} else if h.has {
		c <- struct{}{}
	}
	return c, func() { h.leave(c) }, true
}

func (h *hub) leave(c chan struct{}) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.windows, c)
	if len(h.windows) == 0 && h.stop != nil {
		h.stop()
		h.stop, h.has = nil, false
	}
}

func (h *hub) close() {
	h.mu.Lock()
	h.closed = true
	for c := range h.windows {
		close(c)
	}
	clear(h.windows)
	if h.stop != nil {
		h.stop()
		h.stop = nil
	}
	h.mu.Unlock()
	h.work.Wait()
}

// last is what was seen last while somebody looks on.
func (h *hub) last() (Snapshot, bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.seen, h.has
}

// read reads the sides again and again.
func (h *hub) read(ctx context.Context) {
	for {
		h.looker.Read(ctx)
		if !sleep(ctx, h.looker.Every) {
			return
		}
	}
}

// look reads the rest again and again, and tells the windows where something has changed.
func (h *hub) look(ctx context.Context) {
	for {
		s := h.looker.Look(ctx)
		if ctx.Err() != nil {
			return
		}
		h.mu.Lock()
		before := h.seen
		before.At = s.At
		if !h.has || !reflect.DeepEqual(before, s) {
			for c := range h.windows {
				select {
				case c <- struct{}{}:
				default: // it has not seen the last one yet
				}
			}
		}
		h.seen, h.has = s, true
		h.mu.Unlock()
		if !sleep(ctx, between) {
			return
		}
	}
}

func sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}

// now reads everything for one answer, unless that was just done for a stream.
func (h *hub) now(ctx context.Context) Snapshot {
	if s, ok := h.last(); ok && time.Since(s.At) < between {
		return s
	}
	h.looker.Read(ctx)
	return h.looker.Look(ctx)
}
