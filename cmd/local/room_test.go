package main

import (
	"bufio"
	"errors"
	"io"
	"net"
	"net/http"
	"sync/atomic"
	"testing"
	"time"
)

// TestRoomForNewCallers has all connections taken by callers who wait, of whom some never asked: a new one gets in, and one who asks
// all the time keeps its own.
func TestRoomForNewCallers(t *testing.T) {
	const most = 16
	cfg := config{idleTimeout: time.Hour, readHeaderTimeout: time.Hour}
	address := serving(t, most, cfg, same)
	health := func(conn net.Conn, answers *bufio.Reader) error {
		if _, err := io.WriteString(conn, "GET /health HTTP/1.1\r\nHost: x\r\n\r\n"); err != nil {
			return err
		}
		res, err := http.ReadResponse(answers, nil)
		if err != nil {
			return err
		}
		_, err = io.Copy(io.Discard, res.Body)
		return errors.Join(err, res.Body.Close())
	}
	busy := dialed(t, address)
	done := make(chan error, 1)
	var stop atomic.Bool
	go func() {
		for answers := bufio.NewReader(busy); !stop.Load(); time.Sleep(unusedFor / 20) {
			if err := health(busy, answers); err != nil {
				done <- err
				return
			}
		}
		done <- nil
	}()
	for k := range most - 1 {
		conn := dialed(t, address)
		if k%3 == 0 {
			continue // says nothing
		}
		if err := health(conn, bufio.NewReader(conn)); err != nil {
			t.Fatal(err)
		}
	}
	for range 4 { // two rounds: a share of 2 is closed at once
		conn := dialed(t, address)
		if err := health(conn, bufio.NewReader(conn)); err != nil {
			t.Errorf("a new caller: %v", err)
		}
	}
	stop.Store(true)
	if err := <-done; err != nil {
		t.Errorf("the one who asks all the time: %v", err)
	}
}
