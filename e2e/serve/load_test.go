package serve_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"
	"testing"
	"time"
)

// clients speak HTTP/1.1 by hand, each on one kept connection, and never retry.
const clients = 8

var rows = []string{`{"x":[0.4,-0.2,0.1]}`, `{"x":[2.284548,2.3819487,-0.06852648]}`, `{"x":[-0.14031748,-0.28182784,1.4183899]}`}

// load is the clients at work, and what they saw.
type load struct {
	quit  chan struct{}
	group sync.WaitGroup

	mu       sync.Mutex
	requests int
	colour   map[string]int
	own500   map[string]int // by colour, which counts them itself
	failures []string
	failed   int
	slowest  time.Duration
}

func startLoad(t *testing.T) *load {
	l := &load{quit: make(chan struct{}), colour: map[string]int{}, own500: map[string]int{}}
	for i := range clients {
		l.group.Go(func() { l.client(i) })
	}
	t.Cleanup(l.stop)
	return l
}

func (l *load) stop() {
	select {
	case <-l.quit:
	default:
		close(l.quit)
	}
	l.group.Wait()
}

func (l *load) client(id int) {
	var conn net.Conn
	var from *bufio.Reader
	pace := time.NewTicker(15 * time.Millisecond)
	defer pace.Stop()
	for n := id; ; n++ {
		select {
		case <-l.quit:
			if conn != nil {
				conn.Close()
			}
			return
		case <-pace.C:
		}
		began := time.Now()
		if conn == nil {
			var err error
			if conn, err = net.DialTimeout("tcp", "127.0.0.1:8080", 10*time.Second); err != nil {
				l.count(nil, time.Since(began), fmt.Errorf("connect: %w", err))
				conn = nil
				continue
			}
			from = bufio.NewReader(conn)
		}
		res, err := exchange(conn, from, rows[n%len(rows)])
		l.count(res, time.Since(began), err)
		if err != nil || res.Close {
			conn.Close()
			conn = nil
		}
	}
}

func exchange(conn net.Conn, from *bufio.Reader, body string) (*http.Response, error) {
	if err := conn.SetDeadline(time.Now().Add(90 * time.Second)); err != nil {
		return nil, err
	}
	if _, err := fmt.Fprintf(conn, "POST /predict HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n%s", len(body), body); err != nil {
		return nil, err
	}
	res, err := http.ReadResponse(from, &http.Request{Method: http.MethodPost})
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	_, err = io.Copy(io.Discard, res.Body)
	return res, err
}

func (l *load) count(res *http.Response, took time.Duration, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.requests++
	l.slowest = max(l.slowest, took)
	if err == nil {
		colour := res.Header.Get("X-Color")
		l.colour[colour]++
		if res.StatusCode == http.StatusOK {
			return
		}
		if res.StatusCode == http.StatusInternalServerError && colour != "" {
			l.own500[colour]++
			return
		}
		err = fmt.Errorf("status %d from %q", res.StatusCode, colour)
	}
	l.failed++
	if len(l.failures) < 10 {
		l.failures = append(l.failures, fmt.Sprintf("%s after %s: %v", time.Now().Format("15:04:05.000"), took.Round(time.Millisecond), err))
	}
}

// seen is what the clients saw since they began.
func (l *load) seen(t *testing.T) (requests, failed int, blue500 int, text string) {
	t.Helper()
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, f := range l.failures {
		t.Error(f)
	}
	if n := l.own500["green"]; n > 0 {
		t.Errorf("%d requests met a 500 of green, which is the good version", n)
	}
	return l.requests, l.failed, l.own500["blue"], fmt.Sprintf("%d requests, %d failed; blue %d, green %d, 500s of blue %d; slowest %s",
		l.requests, l.failed, l.colour["blue"], l.colour["green"], l.own500["blue"], l.slowest.Round(time.Millisecond))
}
