package main

import (
	"bufio"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"
)

const hour = time.Hour

// watchedServer serves behind a watch with the limits given; its handler reads the body and says how that ended.
// The path /slow is never answered before the caller is gone.
func watchedServer(t *testing.T, most limits) (w *watch, address string) {
	t.Helper()
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	most.sweep = time.Millisecond
	w = newWatch(listener, most)
	server := &http.Server{ //nolint:gosec // the watch stands for the time-outs
		ConnState: w.state,
		Handler: http.HandlerFunc(func(res http.ResponseWriter, req *http.Request) {
			_, err := io.ReadAll(req.Body)
			if errors.Is(err, os.ErrDeadlineExceeded) {
				res.WriteHeader(http.StatusRequestTimeout)
			}
			if req.URL.Path == "/slow" {
				<-req.Context().Done()
			}
		}),
	}
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(w) }()
	t.Cleanup(func() {
		_ = server.Close()
		<-ended
		w.stop()
		watching := func() int {
			w.mu.Lock()
			defer w.mu.Unlock()
			return len(w.open)
		}
		for deadline := time.Now().Add(10 * time.Second); watching() != 0; time.Sleep(time.Millisecond) {
			if time.Now().After(deadline) {
				t.Errorf("%d connections are watched after the server closed, want none", watching())
				return
			}
		}
	})
	return w, listener.Addr().String()
}

func TestWatchEndsWhatTakesTooLong(t *testing.T) {
	const short = 20 * time.Millisecond
	for _, c := range []struct {
		name  string
		most  limits
		sent  string
		wants string // the status line, empty: closed without an answer
	}{
		{"nothing comes", limits{header: short, body: hour, answer: hour, idle: hour}, "", ""},
		{"a header that does not end", limits{header: short, body: hour, answer: hour, idle: hour}, "GET / HTTP/1.1\r\nHost: x\r\n", ""},
		{"a body that does not end", limits{header: hour, body: short, answer: hour, idle: hour}, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nabc", "HTTP/1.1 408 Request Timeout"},
		{"no answer", limits{header: hour, body: hour, answer: short, idle: hour}, "GET /slow HTTP/1.1\r\nHost: x\r\n\r\n", ""},
		{"idle", limits{header: hour, body: hour, answer: hour, idle: short}, "GET / HTTP/1.1\r\nHost: x\r\n\r\n", "HTTP/1.1 200 OK"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, address := watchedServer(t, c.most)
			conn, err := net.DialTimeout("tcp", address, 10*time.Second)
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = conn.Close() }()
			_ = conn.SetDeadline(time.Now().Add(30 * time.Second))
			if _, err := io.WriteString(conn, c.sent); err != nil {
				t.Fatal(err)
			}
			all, err := io.ReadAll(conn) // until the server closes
			if errors.Is(err, os.ErrDeadlineExceeded) {
				t.Fatal("the connection is still open after 30 s")
			}
			if line, _, _ := strings.Cut(string(all), "\r\n"); line != c.wants {
				t.Errorf("got %q, want %q", line, c.wants)
			}
		})
	}
}

func TestWatchLeavesTheOthersAlone(t *testing.T) {
	w, address := watchedServer(t, limits{header: hour, body: hour, answer: hour, idle: hour})
	conn, err := net.DialTimeout("tcp", address, 10*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	_ = conn.SetDeadline(time.Now().Add(30 * time.Second))
	answers := bufio.NewReader(conn)
	for began := w.now.Load(); w.now.Load() < began+50; { // over many sweeps
		if _, err := io.WriteString(conn, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc"); err != nil {
			t.Fatal(err)
		}
		res, err := http.ReadResponse(answers, nil)
		if err != nil || res.StatusCode != http.StatusOK {
			t.Fatalf("got %v, %v", res, err)
		}
		_ = res.Body.Close()
	}
}
