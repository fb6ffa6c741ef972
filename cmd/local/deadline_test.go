package main

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"testing"
	"time"
)

// A lazyConn does what a connection of package net does, row by row.
func TestLazyDeadlines(t *testing.T) {
	const (
		short = 60 * time.Millisecond
		long  = soon + 300*time.Millisecond // behind what is armed at first
	)
	in := func(d time.Duration) time.Time { return time.Now().Add(d) }
	past := time.Unix(1, 0)
	later := func(d time.Duration, f func()) { time.AfterFunc(d, f) }
	// Each acts on one end of a connection and says what came of it.
	tests := []struct {
		name string
		act  func(c net.Conn, other net.Conn) string
		want string
	}{
		{"data, no deadline", func(c, other net.Conn) string {
			later(short, func() { _, _ = other.Write([]byte("a")) })
			return read(c)
		}, "a"},
		{"a deadline passes", func(c, _ net.Conn) string { _ = c.SetReadDeadline(in(short)); return read(c) }, "time-out"},
		{"one passes that is far away", func(c, _ net.Conn) string {
			began := time.Now()
			_ = c.SetReadDeadline(began.Add(long))
			return fmt.Sprintf("%v %v", read(c), time.Since(began) >= long)
		}, "time-out true"},
		{"data before one that is far away", func(c, other net.Conn) string {
			_ = c.SetReadDeadline(in(2 * long))
			later(long, func() { _, _ = other.Write([]byte("a")) })
			return read(c)
		}, "a"},
		{"one that has passed", func(c, other net.Conn) string {
			_, _ = other.Write([]byte("a"))
			time.Sleep(short)
			_ = c.SetReadDeadline(in(-time.Millisecond))
			first := read(c)
			_ = c.SetReadDeadline(time.Time{})
			return first + " " + read(c)
		}, "time-out a"},
		{"1970 before the read", func(c, other net.Conn) string {
			_, _ = other.Write([]byte("a"))
			_ = c.SetReadDeadline(past)
			first := read(c)
			_ = c.SetReadDeadline(in(short))
			return first + " " + read(c) + " " + read(c)
		}, "time-out a time-out"},
		{"1970 while it reads", func(c, other net.Conn) string {
			later(short, func() { _ = c.SetReadDeadline(past) })
			first := read(c)
			_ = c.SetReadDeadline(time.Time{})
			_, _ = other.Write([]byte("a"))
			return first + " " + read(c)
		}, "time-out a"},
		{"1970 while it reads by a deadline", func(c, _ net.Conn) string {
			began := time.Now()
			_ = c.SetReadDeadline(began.Add(long))
			later(short, func() { _ = c.SetReadDeadline(past) })
			return fmt.Sprintf("%v %v", read(c), time.Since(began) < long)
		}, "time-out true"},
		{"nearer while it reads", func(c, _ net.Conn) string {
			began := time.Now()
			_ = c.SetReadDeadline(began.Add(2 * long))
			later(short, func() { _ = c.SetReadDeadline(in(short)) })
			return fmt.Sprintf("%v %v", read(c), time.Since(began) < long)
		}, "time-out true"},
		{"further while it reads", func(c, other net.Conn) string {
			_ = c.SetReadDeadline(in(2 * short))
			later(short, func() { _ = c.SetReadDeadline(in(long)) })
			later(4*short, func() { _, _ = other.Write([]byte("a")) })
			return read(c)
		}, "a"},
		{"none any more while it reads", func(c, other net.Conn) string {
			_ = c.SetReadDeadline(in(2 * short))
			later(short, func() { _ = c.SetReadDeadline(time.Time{}) })
			later(4*short, func() { _, _ = other.Write([]byte("a")) })
			return read(c)
		}, "a"},
		{"closed by the other side", func(c, other net.Conn) string {
			_ = c.SetReadDeadline(in(long))
			later(short, func() { _ = other.Close() })
			return read(c)
		}, "EOF"},
		{"closed while it reads", func(c, _ net.Conn) string {
			later(short, func() { _ = c.Close() })
			return read(c)
		}, "closed"},
		{"closed", func(c, _ net.Conn) string {
			_ = c.Close()
			return fmt.Sprintf("%v %v", errors.Is(c.SetReadDeadline(in(short)), net.ErrClosed), read(c))
		}, "true closed"},
		{"nobody takes what is written", func(c, _ net.Conn) string {
			_ = c.SetWriteDeadline(in(short))
			_, err := c.Write(make([]byte, 64<<20))
			return outcome(err)
		}, "time-out"},
		{"it is taken after what was armed first", func(c, other net.Conn) string {
			_ = c.SetWriteDeadline(in(10 * long))
			later(long, func() { _, _ = io.Copy(io.Discard, other) })
			n, err := c.Write(make([]byte, 64<<20))
			return fmt.Sprintf("%v %v", n == 64<<20, err)
		}, "true <nil>"},
		{"both", func(c, _ net.Conn) string {
			_ = c.SetDeadline(in(short))
			_, err := c.Write(make([]byte, 64<<20))
			return read(c) + " " + outcome(err)
		}, "time-out time-out"},
		{"written after one that has passed", func(c, other net.Conn) string {
			_ = c.SetWriteDeadline(in(short))
			time.Sleep(2 * short)
			_, err := c.Write([]byte("a"))
			_ = c.SetWriteDeadline(time.Time{})
			_, again := c.Write([]byte("b"))
			return outcome(err) + " " + outcome(again) + " " + read(other)
		}, "time-out <nil> b"},
	}
	for _, test := range tests {
		for _, kind := range []string{"net", "lazy"} {
			t.Run(test.name+"/"+kind, func(t *testing.T) {
				t.Parallel()
				c, other := pipe(t)
				if kind == "lazy" {
					c = lazily(c)
				}
				if got := test.act(c, other); got != test.want {
					t.Errorf("got %q, want %q", got, test.want)
				}
			})
		}
	}
}

// pipe gives both ends of a TCP connection.
func pipe(t *testing.T) (net.Conn, net.Conn) {
	t.Helper()
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	there := dialed(t, l.Addr().String())
	_ = there.SetDeadline(time.Time{})
	here, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = here.Close() })
	return here, there
}

func read(c net.Conn) string {
	b := make([]byte, 1)
	if _, err := c.Read(b); err != nil {
		return outcome(err)
	}
	return string(b)
}

func outcome(err error) string {
	var timeout net.Error
	switch {
	case errors.As(err, &timeout) && timeout.Timeout() && errors.Is(err, os.ErrDeadlineExceeded):
		return "time-out"
	case errors.Is(err, net.ErrClosed):
		return "closed"
	}
	return fmt.Sprint(err)
}

// Almost no deadline of a request reaches the runtime while requests follow one another.
func TestLazyDeadlinesAreRare(t *testing.T) {
	armed := 0
	d := deadline{set: func(time.Time) error { armed++; return nil }}
	for range 100 { // what net/http and the handler set for one request
		for _, want := range []time.Time{time.Now().Add(time.Minute), {}, time.Now().Add(5 * time.Second), time.Now().Add(10 * time.Second), {}, time.Unix(1, 0), {}} {
			if err := d.want(want); err != nil {
				t.Fatal(err)
			}
		}
	}
	if armed != 1 {
		t.Errorf("armed %d times for 100 requests in less than %s, want 1", armed, soon)
	}
}
