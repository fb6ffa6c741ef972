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

// deadline is that of one direction of a connection.
type deadline struct {
	busy   atomic.Bool // a read or write waits, or is about to look at wanted
	mu     sync.Mutex
	wanted time.Time // what was asked for; zero: none
	armed  time.Time // what the connection has; zero: none
	set    func(time.Time) error
}

// soon is how far away a deadline is armed at first, whatever is wanted: the ones that follow in the same request lie behind
// it then, and cost nothing.
const soon = time.Second

// processStart tells a deadline that is to end what waits, which net/http sets to 1970, from one that is to pass later.
var processStart = time.Now()

func lazily(conn net.Conn) *lazyConn {
	return &lazyConn{Conn: conn, read: deadline{set: conn.SetReadDeadline}, write: deadline{set: conn.SetWriteDeadline}}
}

// want asks for a deadline. One that lies before the armed one is armed at once, for what waits already.
// net/http ends by one in 1970 the read that waits for the caller to leave, which mostly has not begun by then: it is told when it does.
func (d *deadline) want(t time.Time) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.wanted = t
	switch {
	case t.IsZero(), d.armed.After(processStart) && !d.armed.After(t), !t.After(processStart) && !d.busy.Load():
		return nil
	case t.After(processStart):
		if first := time.Now().Add(soon); first.Before(t) {
			t = first
		}
	}
	d.armed = t
	return d.set(t)
}

// begin announces a read or write. Its error is that there is no time for it.
func (d *deadline) begin() error {
	d.busy.Store(true)
	d.mu.Lock()
	defer d.mu.Unlock()
	if !d.wanted.IsZero() && !d.wanted.After(processStart) {
		return os.ErrDeadlineExceeded
	}
	return nil
}

// passed says whether a time-out is the wanted one. One that was armed earlier is armed anew, and what waited goes on.
func (d *deadline) passed(err error) bool {
	if !errors.Is(err, os.ErrDeadlineExceeded) {
		return true
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if !d.wanted.IsZero() && !d.wanted.After(time.Now()) {
		return true
	}
	d.armed = d.wanted
	return d.set(d.armed) != nil
}

// Read is net.Conn's.
func (c *lazyConn) Read(b []byte) (int, error) {
	defer c.read.busy.Store(false)
	if err := c.read.begin(); err != nil {
		return 0, err
	}
	for {
		n, err := c.Conn.Read(b)
		if err == nil || n > 0 || c.read.passed(err) {
			return n, err
		}
	}
}

// Write is net.Conn's.
func (c *lazyConn) Write(b []byte) (written int, err error) {
	defer c.write.busy.Store(false)
	if err := c.write.begin(); err != nil {
		return 0, err
	}
	for {
		n, err := c.Conn.Write(b[written:])
		written += n
		if err == nil || c.write.passed(err) {
			return written, err
		}
	}
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
