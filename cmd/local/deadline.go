package main

import (
	"errors"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

// lazyConn is a net.Conn that arms a deadline in the runtime only where it has to. net/http sets nine deadlines for a request
// and almost none of them passes. What was armed earlier is left as it is, as long as it does not lie behind what is wanted:
// once it passes, the wanted deadline is armed and the read or write goes on. Without a lazyConn everything is the same but for
// its speed; Accept of acceptor is the one place that makes it.
type lazyConn struct {
	net.Conn
	read, write deadline
}

// deadline is that of one direction of a connection. Times are since processStart, in nanoseconds; 0: none; before 0: it is to end
// what waits, for which net/http sets 1970.
type deadline struct {
	wanted atomic.Int64 // what was asked for
	armed  atomic.Int64 // what the connection has; written under mu
	busy   atomic.Bool  // a read or write waits, or is about to look at wanted
	mu     sync.Mutex
	set    func(time.Time) error
}

// soon is how far away a deadline is armed at first, whatever is wanted: the ones that follow in the same request lie behind
// it then, and cost nothing.
const soon = time.Second

var processStart = time.Now()

// over is any time in the past.
var over = time.Unix(1, 0)

func lazily(conn net.Conn) *lazyConn {
	return &lazyConn{Conn: conn, read: deadline{set: conn.SetReadDeadline}, write: deadline{set: conn.SetWriteDeadline}}
}

// want asks for a deadline. One that lies before the armed one is armed at once, for what waits already.
// net/http ends by one in 1970 the read that waits for the caller to leave, which mostly has not begun by then: it is told when it does.
func (d *deadline) want(t time.Time) error {
	w := int64(0)
	if !t.IsZero() {
		if w = int64(t.Sub(processStart)); w == 0 {
			w = -1
		}
	}
	d.wanted.Store(w)
	switch armed := d.armed.Load(); {
	case w == 0, armed > 0 && armed <= w, w < 0 && !d.busy.Load():
		return nil
	case w > 0:
		w = min(w, int64(time.Since(processStart)+soon))
	}
	return d.arm(w)
}

// arm gives the connection a deadline, and then whatever was asked for meanwhile: want does not wait for mu, and may have seen the
// armed one that this one replaces.
func (d *deadline) arm(at int64) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	for {
		d.armed.Store(at)
		var t time.Time
		switch {
		case at < 0:
			t = over
		case at > 0:
			t = processStart.Add(time.Duration(at))
		}
		err := d.set(t)
		w := d.wanted.Load()
		if err != nil || w == 0 || at > 0 && at <= w || at < 0 && w < 0 {
			return err
		}
		at = w
	}
}

// begin announces a read or write. Its error is that there is no time for it.
func (d *deadline) begin() error {
	d.busy.Store(true)
	if d.wanted.Load() < 0 {
		d.busy.Store(false)
		return os.ErrDeadlineExceeded
	}
	return nil
}

// passed says whether a time-out is the wanted one. One that was armed earlier is armed anew, and what waited goes on.
func (d *deadline) passed(err error) bool {
	if !errors.Is(err, os.ErrDeadlineExceeded) {
		return true
	}
	w := d.wanted.Load()
	if w < 0 || w > 0 && w <= int64(time.Since(processStart)) {
		return true
	}
	return d.arm(w) != nil
}

// Read is net.Conn's.
func (c *lazyConn) Read(b []byte) (int, error) {
	if err := c.read.begin(); err != nil {
		return 0, err
	}
	n, err := c.Conn.Read(b)
	for err != nil && n == 0 && !c.read.passed(err) {
		n, err = c.Conn.Read(b)
	}
	c.read.busy.Store(false)
	return n, err
}

// Write is net.Conn's.
func (c *lazyConn) Write(b []byte) (written int, err error) {
	if err := c.write.begin(); err != nil {
		return 0, err
	}
	written, err = c.Conn.Write(b)
	for err != nil && !c.write.passed(err) {
		var n int
		n, err = c.Conn.Write(b[written:])
		written += n
	}
	c.write.busy.Store(false)
	return written, err
}

// SetReadDeadline is net.Conn's.
func (c *lazyConn) SetReadDeadline(t time.Time) error { return c.read.want(t) }

// SetWriteDeadline is net.Conn's.
func (c *lazyConn) SetWriteDeadline(t time.Time) error { return c.write.want(t) }

// SetDeadline is net.Conn's.
func (c *lazyConn) SetDeadline(t time.Time) error {
	return errors.Join(c.read.want(t), c.write.want(t))
}

// CloseWrite is net.TCPConn's.
func (c *lazyConn) CloseWrite() error {
	if half, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return nil
}
