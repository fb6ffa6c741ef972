package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"ml-service/handler"
	"ml-service/model"
	"ml-service/models"
)

// serving is the service as serve puts it together, on a free port, with a handler around the router.
func serving(t *testing.T, most int, cfg config, around func(http.Handler) http.Handler) string {
	t.Helper()
	m, err := model.Load(models.FS, "v1.0.0")
	if err != nil {
		t.Fatal(err)
	}
	service := handler.New(handler.Options{Model: m, Color: "blue", Pace: cfg.pace})
	cfg.host, cfg.port = "127.0.0.1", "0"
	l, err := listen(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	server := newServer(cfg, around(service.Engine()), slog.New(slog.DiscardHandler))
	ended := make(chan error, 1)
	acceptor := newAcceptor(l, most, slog.New(slog.DiscardHandler), refusing(service))
	server.ConnState = acceptor.state
	go func() { ended <- server.Serve(acceptor) }()
	t.Cleanup(func() {
		_ = server.Close()
		<-ended
	})
	return l.Addr().String()
}

func same(h http.Handler) http.Handler { return h }

// dialed is a connection that must be done within the patience of these tests.
func dialed(t *testing.T, address string) *net.TCPConn {
	t.Helper()
	conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	_ = conn.SetDeadline(time.Now().Add(patience))
	return conn.(*net.TCPConn)
}

func send(t *testing.T, conn net.Conn, text string) {
	t.Helper()
	if _, err := io.WriteString(conn, text); err != nil {
		t.Fatal(err)
	}
}

const predictThree = "POST /predict HTTP/1.1\r\nHost: x\r\nContent-Length: 20\r\n\r\n" + `{"x":[0.4,-0.2,0.1]}`

// TestInvalidRequests wants what net/http refuses by itself in the form of all errors, and the connection closed.
func TestInvalidRequests(t *testing.T) {
	address := serving(t, 8, config{pace: handler.Pace{Read: time.Second}}, same)
	for _, c := range []struct {
		name, sent string
		status     int
		message    string
	}{
		{"no HTTP", "hello\r\n\r\n", 400, "the request is not valid HTTP"},
		{"no host", "GET /health HTTP/1.1\r\n\r\n", 400, "the request is not valid HTTP: missing required Host header"},
		{"a header that is too large", "GET /health HTTP/1.1\r\nHost: x\r\nA: " + strings.Repeat("a", 30000) + "\r\n\r\n", 431, "the request header is too large"},
		{"another coding", "POST /predict HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip\r\n\r\n", 501, "the transfer encoding is not supported: want chunked"},
		{"another version", "GET /health HTTP/3.0\r\nHost: x\r\n\r\n", 505, "the HTTP version is not supported: unsupported protocol version"},
		{"another expectation", "POST /predict HTTP/1.1\r\nHost: x\r\nExpect: tea\r\nContent-Length: 3\r\n\r\n", 417, "the expectation is not supported: want 100-continue"},
		{"a length and chunks", "POST /predict HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nx:1\r\n0\r\n\r\n", 400,
			"the body is not JSON: at byte 0: want a value, got 'x'"},
	} {
		t.Run(c.name, func(t *testing.T) {
			conn := dialed(t, address)
			send(t, conn, c.sent)
			in := bufio.NewReader(conn)
			res, err := http.ReadResponse(in, nil)
			if err != nil {
				t.Fatal(err)
			}
			body, err := io.ReadAll(res.Body)
			want := fmt.Sprintf("{\"error\":%q}", c.message)
			if h := res.Header; err != nil || res.StatusCode != c.status || string(body) != want || h.Get("Content-Type") != "application/json" ||
				h.Get("X-Model-Version") != "v1.0.0" || h.Get("X-Color") != "blue" || h.Get("X-Request-Id") == "" {
				t.Errorf("got %d %v %s, %v, want %d %s", res.StatusCode, res.Header, body, err, c.status, want)
			}
			if rest, err := io.ReadAll(in); len(rest) > 0 || err != nil && !strings.Contains(err.Error(), "reset") || !res.Close {
				t.Errorf("the connection goes on: %q, %v", rest, err)
			}
		})
	}
}

// TestLeft tells a caller who is gone from one that half-closed its connection, which still gets its answer, whole.
func TestLeft(t *testing.T) {
	for _, c := range []struct {
		name  string
		leave func(*net.TCPConn) error
		gone  bool
	}{
		{"gone", (*net.TCPConn).Close, true},
		{"reset", func(c *net.TCPConn) error { _ = c.SetLinger(0); return c.Close() }, true},
		{"half-closed", (*net.TCPConn).CloseWrite, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			arrived, said := make(chan struct{}), make(chan bool, 1)
			address := serving(t, 8, config{}, func(h http.Handler) http.Handler {
				return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					body, _ := io.ReadAll(r.Body)
					close(arrived)
					<-r.Context().Done()
					said <- left(r.Context(), make(chan struct{}))
					r.Body = io.NopCloser(strings.NewReader(string(body)))
					h.ServeHTTP(w, r.WithContext(context.WithoutCancel(r.Context())))
				})
			})
			conn := dialed(t, address)
			send(t, conn, predictThree)
			<-arrived
			if err := c.leave(conn); err != nil {
				t.Fatal(err)
			}
			if got := <-said; got != c.gone {
				t.Fatalf("left: got %v, want %v", got, c.gone)
			}
			if c.gone {
				return
			}
			all, err := io.ReadAll(conn)
			if text := string(all); err != nil || !strings.HasPrefix(text, "HTTP/1.1 200 OK\r\n") || !strings.HasSuffix(text, "\r\n\r\n"+`{"prediction":1.0,"confidence":0.603,"version":"v1.0.0"}`) {
				t.Errorf("got %q, %v", text, err)
			}
		})
	}
}

// TestTimeouts wants every way to be slow ended.
func TestTimeouts(t *testing.T) {
	const short, hour = 50 * time.Millisecond, time.Hour
	patient := config{readHeaderTimeout: hour, idleTimeout: hour, pace: handler.Pace{Read: hour, Write: hour, Rate: 1}}
	for _, c := range []struct {
		name  string
		set   func(*config)
		sent  string
		wants string // the status line; empty: closed without an answer
	}{
		{"nothing comes", func(c *config) { c.readHeaderTimeout = short }, "", ""},
		{"a header that does not end", func(c *config) { c.readHeaderTimeout = short }, "GET / HTTP/1.1\r\nHost: x\r\n", ""},
		{"a body that does not end", func(c *config) { c.pace.Read = short }, "POST /predict HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nabc", "HTTP/1.1 408 Request Timeout"},
		{"a large body that does not end", func(c *config) { c.pace.Read = short },
			"POST /predict HTTP/1.1\r\nHost: x\r\nContent-Length: 500000\r\n\r\n" + strings.Repeat(" ", 400000), "HTTP/1.1 408 Request Timeout"},
		{"idle", func(c *config) { c.idleTimeout = short }, "GET /health HTTP/1.1\r\nHost: x\r\n\r\n", "HTTP/1.1 200 OK"},
	} {
		t.Run(c.name, func(t *testing.T) {
			cfg := patient
			c.set(&cfg)
			conn := dialed(t, serving(t, 8, cfg, same))
			send(t, conn, c.sent)
			all, err := io.ReadAll(conn) // until the server closes
			if err != nil && !strings.Contains(err.Error(), "reset") {
				t.Fatal(err)
			}
			if line, _, _ := strings.Cut(string(all), "\r\n"); line != c.wants {
				t.Errorf("got %q, want %q", line, c.wants)
			}
		})
	}
}

// TestUnread ends a caller who sends requests and reads no answer.
func TestUnread(t *testing.T) {
	address := serving(t, 8, config{pace: handler.Pace{Write: 50 * time.Millisecond, Rate: 1 << 20}}, same)
	conn := dialed(t, address)
	_ = conn.SetReadBuffer(4 << 10)
	for n := 0; ; n++ {
		if _, err := io.WriteString(conn, predictThree); err != nil {
			if os.IsTimeout(err) {
				t.Fatalf("still open after %d requests", n)
			}
			return
		}
	}
}

// TestMostConnections lets who comes on top wait until another leaves.
func TestMostConnections(t *testing.T) {
	address := serving(t, 2, config{}, same)
	first, second, third := dialed(t, address), dialed(t, address), dialed(t, address)
	ask := func(conn net.Conn) int {
		send(t, conn, predictThree)
		res, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.Copy(io.Discard, res.Body)
		return res.StatusCode
	}
	if a, b := ask(first), ask(second); a != 200 || b != 200 {
		t.Fatalf("got %d and %d, want 200", a, b)
	}
	answered := make(chan int, 1)
	go func() { answered <- ask(third) }()
	select {
	case status := <-answered:
		t.Fatalf("a third connection was answered %d beside two", status)
	case <-time.After(50 * time.Millisecond):
	}
	_ = first.Close()
	if got := <-answered; got != 200 {
		t.Errorf("once another left: got %d, want 200", got)
	}
}

// failing is a listener that cannot accept.
type failing struct{ net.Listener }

func (failing) Accept() (net.Conn, error) {
	return nil, &net.OpError{Op: "accept", Err: os.NewSyscallError("accept4", syscall.EMFILE)}
}

// TestTooManyFiles is said once a minute.
func TestTooManyFiles(t *testing.T) {
	var out strings.Builder
	a := newAcceptor(failing{}, 1, slog.New(slog.NewJSONHandler(&out, nil)), nil)
	for range 5 {
		if _, err := a.Accept(); err == nil {
			t.Fatal("accepted")
		}
	}
	if got := out.String(); strings.Count(got, "\n") != 1 || !strings.Contains(got, `"level":"WARN"`) || !strings.Contains(got, "too many open files") {
		t.Errorf("got %s, want one line", got)
	}
	a.said = a.said.Add(-reportEvery)
	_, _ = a.Accept()
	if got := out.String(); strings.Count(got, "\n") != 2 {
		t.Errorf("a minute later: got %s, want a second line", got)
	}
}
