package main

import (
	"errors"
	"io"
	"net"
	"os"
	"testing"
	"time"
)

// longAgo is what net/http sets to end a read.
var longAgo = time.Unix(1, 0)

// connected gives both ends of a connection, the first of them watched.
func connected(t *testing.T) (c *watched, caller net.Conn) {
	t.Helper()
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	w := newWatch(listener, limits{sweep: hour})
	t.Cleanup(w.stop)
	caller, err = new(net.Dialer).DialContext(t.Context(), "tcp", listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	conn, err := w.Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _, _, _ = conn.Close(), caller.Close(), listener.Close() })
	return conn.(*watched), caller
}

// set sets the read deadline.
func set(t *testing.T, c *watched, when time.Time) {
	t.Helper()
	if err := c.SetReadDeadline(when); err != nil {
		t.Fatal(err)
	}
}

// readsOne wants the byte that the caller now sends.
func readsOne(t *testing.T, c *watched, caller net.Conn) {
	t.Helper()
	if _, err := io.WriteString(caller, "x"); err != nil {
		t.Fatal(err)
	}
	var buf [8]byte
	if n, err := c.Read(buf[:]); n != 1 || buf[0] != 'x' || err != nil {
		t.Fatalf("got %d bytes, %q, %v, want the byte sent", n, buf, err)
	}
}

// readsNothing wants the deadline's error, as net/http knows it.
func readsNothing(t *testing.T, c *watched) {
	t.Helper()
	var timeout net.Error
	if n, err := c.Read(make([]byte, 1)); n != 0 || !errors.Is(err, os.ErrDeadlineExceeded) || !errors.As(err, &timeout) || !timeout.Timeout() {
		t.Fatalf("got %d bytes, %v, want the deadline exceeded", n, err)
	}
}

func TestReadDeadlines(t *testing.T) {
	c, caller := connected(t)
	set(t, c, time.Time{})
	readsOne(t, c, caller)

	set(t, c, longAgo) // before a read
	if c.told.Load() {
		t.Error("the poller was told of a deadline that no read waits for")
	}
	readsNothing(t, c)
	readsNothing(t, c)
	set(t, c, time.Time{})
	readsOne(t, c, caller)

	for _, when := range []time.Time{longAgo, c.watch.began, time.Now().Add(time.Millisecond)} { // during a read
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			readsNothing(t, c)
		}()
		for !c.reading.Load() {
			time.Sleep(time.Millisecond)
		}
		set(t, c, when)
		<-ended
		set(t, c, time.Time{})
		readsOne(t, c, caller)
	}

	set(t, c, time.Now().Add(10*time.Millisecond)) // to come
	readsNothing(t, c)
	set(t, c, time.Now().Add(hour))
	readsOne(t, c, caller)
	if err := c.SetDeadline(longAgo); err != nil {
		t.Fatal(err)
	}
	readsNothing(t, c)
	if _, err := c.Write([]byte("x")); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("got %v of a write, want the deadline exceeded", err)
	}
	if err := c.SetDeadline(time.Time{}); err != nil {
		t.Fatal(err)
	}
	readsOne(t, c, caller)
}

// TestReadDeadlineMeetsRead begins a read and ends it at the same moment, over and over: it must always end.
func TestReadDeadlineMeetsRead(t *testing.T) {
	c, caller := connected(t)
	const rounds = 20000
	for range rounds {
		ended := make(chan error, 1)
		go func() {
			_, err := c.Read(make([]byte, 1))
			ended <- err
		}()
		set(t, c, longAgo)
		if err := <-ended; !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Fatalf("got %v, want the deadline exceeded", err)
		}
		set(t, c, time.Time{})
	}
	readsOne(t, c, caller)
}
