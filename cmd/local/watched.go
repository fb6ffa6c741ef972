package main

import (
	"errors"
	"net"
	"os"
	"runtime"
	"sync/atomic"
	"time"
)

// watched is a connection and what it has been doing since when.
//
// It keeps its read deadlines itself. net/http sets five a request, all to none or to long ago, the latter to end the read that
// waits for the caller to leave while the handler runs. Mostly that read has not begun by then, and the poller need
// not be told.
type watched struct {
	net.Conn
	watch   *watch
	doing   atomic.Int64 // milliseconds since the watch began, times states, plus an http.ConnState
	expired atomic.Bool  // the read deadline is past
	reading atomic.Bool  // a read is under way, or about to look at expired
	told    atomic.Bool  // the poller has a read deadline
	gave    bool         // way after the last answer
}

// Read is net.Conn's.
func (c *watched) Read(p []byte) (int, error) {
	c.reading.Store(true)
	defer c.reading.Store(false)
	if c.expired.Load() {
		return 0, os.ErrDeadlineExceeded
	}
	return c.Conn.Read(p)
}

// SetReadDeadline is net.Conn's.
func (c *watched) SetReadDeadline(t time.Time) error {
	past := !t.IsZero() && !t.After(c.watch.began)
	c.expired.Store(past)
	if past && !c.reading.Load() { // a read that begins now will see it
		return nil
	}
	if t.IsZero() && !c.told.Load() {
		return nil
	}
	c.told.Store(!t.IsZero())
	return c.Conn.SetReadDeadline(t)
}

// SetDeadline is net.Conn's.
func (c *watched) SetDeadline(t time.Time) error {
	return errors.Join(c.SetReadDeadline(t), c.SetWriteDeadline(t))
}

// few is up to how many connections giveWay pays. With more of them the next request is not there yet by the next turn, and
// the last ones wait longer.
const few = 32

// giveWay lets other connections go first after every other answer. When its turn comes the next request is mostly there,
// and is read at once instead of waited for. It is not done every time: the poller is asked only once nothing else can run, and
// those that wait there must not wait for long.
func (c *watched) giveWay() {
	if c.gave = !c.gave && c.watch.count.Load() <= few; c.gave {
		runtime.Gosched()
	}
}
