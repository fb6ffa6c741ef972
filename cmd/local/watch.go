package main

import (
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

// limits are how long a connection may take. They are kept to within a sweep.
type limits struct {
	header time.Duration // until the first request's header has come
	body   time.Duration // from there until its body has come; then a read fails, which the handler answers
	answer time.Duration // from there until it is answered; then the connection is closed
	idle   time.Duration // between requests, the next header included
	sweep  time.Duration // how often connections are looked at
}

// A body at the limit must come in time, also over a slow line.
var served = limits{header: 5 * time.Second, body: 30 * time.Second, answer: time.Minute, idle: 2 * time.Minute, sweep: 500 * time.Millisecond}

// watch holds the connections of a listener to limits. It stands for the time-outs of http.Server, which move a timer
// four times a request: here a request stores a number twice, and one goroutine looks at all connections now and then.
type watch struct {
	net.Listener
	limits limits
	began  time.Time
	now    atomic.Int64 // milliseconds since it began, as of the last sweep
	mu     sync.Mutex
	open   map[*watched]struct{}
	count  atomic.Int64 // of open
	done   chan struct{}
}

// states is how many http.ConnState there may be.
const states = 8

// newWatch begins to watch what l accepts, until stop.
func newWatch(l net.Listener, most limits) *watch {
	w := &watch{Listener: l, limits: most, began: time.Now(), open: make(map[*watched]struct{}), done: make(chan struct{})}
	go w.run()
	return w
}

// Accept is the listener's.
func (w *watch) Accept() (net.Conn, error) {
	conn, err := w.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return &watched{Conn: conn, watch: w}, nil
}

// state is the server's hook for ConnState.
func (w *watch) state(conn net.Conn, state http.ConnState) {
	c, ok := conn.(*watched)
	if !ok {
		return
	}
	c.doing.Store(w.now.Load()*states + int64(state))
	switch state {
	case http.StateNew, http.StateClosed, http.StateHijacked:
		w.mu.Lock()
		if state == http.StateNew {
			w.open[c] = struct{}{}
		} else {
			delete(w.open, c)
		}
		w.count.Store(int64(len(w.open)))
		w.mu.Unlock()
	case http.StateIdle:
		c.giveWay()
	case http.StateActive:
	}
}

func (w *watch) run() {
	tick := time.NewTicker(w.limits.sweep)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			w.now.Store(time.Since(w.began).Milliseconds())
			w.look()
		case <-w.done:
			return
		}
	}
}

// look ends what has taken too long.
func (w *watch) look() {
	now := w.now.Load()
	w.mu.Lock()
	defer w.mu.Unlock()
	for c := range w.open {
		doing := c.doing.Load()
		took, most := time.Duration(now-doing/states)*time.Millisecond, w.limits.idle
		switch http.ConnState(doing % states) {
		case http.StateNew:
			most = w.limits.header
		case http.StateActive:
			most = w.limits.answer
			if took > w.limits.body {
				_ = c.SetReadDeadline(w.began) // a connection that is gone needs none
			}
		case http.StateIdle, http.StateClosed, http.StateHijacked:
		}
		if took > most {
			_ = c.Close() // its own goroutine sees the error
		}
	}
}

// stop ends the watch, once the server is done.
func (w *watch) stop() { close(w.done) }
