package main

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"syscall"
	"testing"

	"ml-service/handler"
)

const example = `{"x":[0.4,-0.2,0.1]}`

// half opens a connection and sends a request but for the last half of its body; finish sends that and reads the answer.
func half(t *testing.T, s *service) (finish func() (int, string)) {
	t.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(s.url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	// 100-continue: the server asks for the body once the handler reads it, so the request is surely in flight.
	fmt.Fprintf(conn, "POST /predict HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: %d\r\n\r\n", len(example))
	reader := bufio.NewReader(conn)
	line, err := reader.ReadString('\n')
	if err != nil || !strings.HasPrefix(line, "HTTP/1.1 100") {
		t.Fatalf("got %q, %v, want 100 Continue", line, err)
	}
	if _, err := reader.ReadString('\n'); err != nil {
		t.Fatal(err)
	}
	fmt.Fprint(conn, example[:8])
	return func() (int, string) {
		fmt.Fprint(conn, example[8:])
		res, err := http.ReadResponse(reader, nil)
		if err != nil {
			return 0, err.Error()
		}
		body, err := io.ReadAll(res.Body)
		if err != nil {
			return 0, err.Error()
		}
		return res.StatusCode, string(body)
	}
}

// TestDrain is a SIGTERM under traffic: /health turns, /predict goes on, the listener closes, and what is in
// flight finishes.
func TestDrain(t *testing.T) {
	s := start(t, []string{built}, "DRAIN_DELAY=1s", "COLOR=green")
	finish := half(t, s)
	s.signal(syscall.SIGTERM)

	s.until("drains", func() bool {
		status, got, _ := s.ask("GET", "/health", "")
		return status == 503 && got == `{"status":"draining","version":"v1.0.0"}`
	})
	status, got, closes := s.ask("POST", "/predict", example)
	if want := `{"prediction":1.0,"confidence":0.603,"version":"v1.0.0"}`; status != 200 || got != want || !closes {
		t.Errorf("while draining: got %d %s, closes %v, want 200 %s, true", status, got, closes, want)
	}
	s.until("closes its listener", func() bool {
		conn, err := net.Dial("tcp", strings.TrimPrefix(s.url, "http://"))
		if err == nil {
			_ = conn.Close()
		}
		return err != nil
	})
	if status, got := finish(); status != 200 {
		t.Errorf("in flight: got %d %s, want 200", status, got)
	}
	if code := s.wait(); code != handler.ExitDone {
		t.Errorf("got exit code %d, want 0:\n%s", code, s.stderr)
	}
}

// TestStops covers the other ways to end. A delay of an hour stands for "does not wait".
func TestStops(t *testing.T) {
	for _, c := range []struct {
		name    string
		env     []string
		signals []os.Signal
		pending bool // a request stays in flight
		code    int
		want    string // on stderr
	}{
		{"Ctrl-C does not wait", []string{"DRAIN_DELAY=1h"}, []os.Signal{os.Interrupt}, false, handler.ExitDone, `"msg":"stopped"`},
		{"SIGHUP, as SIGTERM", []string{"DRAIN_DELAY=1ms"}, []os.Signal{syscall.SIGHUP}, false, handler.ExitDone, `"msg":"draining"`},
		{"a second SIGTERM while draining", []string{"DRAIN_DELAY=1h"}, []os.Signal{syscall.SIGTERM, syscall.SIGTERM}, true, handler.ExitError, "ml-service: stopped at once by a second signal"},
		{"Ctrl-C twice with a request in flight", []string{"SHUTDOWN_TIMEOUT=1h"}, []os.Signal{os.Interrupt, os.Interrupt}, true, handler.ExitError, "ml-service: stopped at once by a second signal"},
		{"a request that does not finish", []string{"DRAIN_DELAY=0s", "SHUTDOWN_TIMEOUT=50ms"}, []os.Signal{syscall.SIGTERM}, true, handler.ExitError, "ml-service: requests in flight did not finish within 50ms"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := start(t, []string{built}, c.env...)
			if c.pending {
				half(t, s)
			}
			for i, sig := range c.signals {
				s.signal(sig)
				if i+1 < len(c.signals) {
					s.until("takes the first signal", func() bool {
						return strings.Contains(s.stderr.String(), `"msg":"draining"`) || strings.Contains(s.stderr.String(), `"msg":"stopping"`)
					})
				}
			}
			code := s.wait()
			// Not by all means in the last line: the request that was cut off may be logged after it.
			if all := s.stderr.String(); code != c.code || !strings.Contains(all, c.want) {
				t.Errorf("got %d and %s\nwant %d and %s", code, all, c.code, c.want)
			}
		})
	}
}
