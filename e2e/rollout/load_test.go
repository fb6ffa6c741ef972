package rollout

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"ml-service/e2e"
)

// clients speak HTTP/1.1 by hand, each on one kept connection, and never retry: whatever is not a whole, right answer
// is a failed request.
const clients = 16

// rows rotate, so that an answer to another client's question is seen.
var rows = []string{`{"x":[0.4,-0.2,0.1]}`, `{"x":[2.284548,2.3819487,-0.06852648]}`, `{"x":[-0.14031748,-0.28182784,1.4183899]}`}

// load is the clients at work.
type load struct {
	quit  chan struct{}
	group sync.WaitGroup

	mu       sync.Mutex
	requests int
	failures []string
	colour   map[string]int
	answers  map[string]string // by colour, version and row: the first one seen; the others have to be the same
}

func startLoad(t *testing.T) *load {
	l := &load{quit: make(chan struct{}), colour: map[string]int{}, answers: map[string]string{}}
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

// served gives how many requests were sent, and fails the test where one of them failed.
func (l *load) served(t *testing.T) int {
	t.Helper()
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, f := range l.failures[:min(10, len(l.failures))] {
		t.Error(f)
	}
	if n := len(l.failures); n > 0 {
		t.Errorf("%d of %d requests failed", n, l.requests)
	}
	return l.requests
}

func (l *load) client(id int) {
	var conn net.Conn
	var reader *bufio.Reader
	for n := 0; ; n++ {
		select {
		case <-l.quit:
			if conn != nil {
				conn.Close()
			}
			return
		case <-time.After(3 * time.Millisecond): // a pace, not a wait for anything
		}
		if conn == nil {
			c, err := net.DialTimeout("tcp", "127.0.0.1:8080", 10*time.Second)
			if err != nil {
				l.count("", "", fmt.Errorf("connect: %w", err))
				continue
			}
			conn, reader = c, bufio.NewReader(c)
		}
		row := rows[(id+n)%len(rows)]
		resp, body, err := post(conn, reader, row)
		key := ""
		if err == nil {
			key = resp.Header.Get("X-Color") + " " + resp.Header.Get("X-Model-Version") + " " + row
		}
		l.count(key, string(body), err)
		if err != nil || resp.Close {
			conn.Close()
			conn = nil
		}
	}
}

func post(conn net.Conn, reader *bufio.Reader, row string) (*http.Response, []byte, error) {
	if err := conn.SetDeadline(time.Now().Add(time.Minute)); err != nil {
		return nil, nil, err
	}
	if _, err := fmt.Fprintf(conn, "POST /predict HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n%s", len(row), row); err != nil {
		return nil, nil, fmt.Errorf("send: %w", err)
	}
	resp, err := http.ReadResponse(reader, nil)
	if err != nil {
		return nil, nil, fmt.Errorf("read the answer: %w", err)
	}
	body, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("status %d: %s", resp.StatusCode, body)
	}
	return resp, body, err
}

func (l *load) count(key, body string, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.requests++
	if err == nil {
		colour, _, _ := strings.Cut(key, " ")
		l.colour[colour]++
		if first, ok := l.answers[key]; !ok {
			l.answers[key] = body
		} else if first != body {
			err = fmt.Errorf("%s: got %s, before it was %s", key, body, first)
		}
	}
	if err != nil {
		l.failures = append(l.failures, fmt.Sprintf("%s: %v", time.Now().Format("15:04:05.000"), err))
	}
}

// shares waits until n more requests were answered and gives each colour's part of them.
func (l *load) shares(t *testing.T, n int) map[string]float64 {
	t.Helper()
	at := func() (int, map[string]int) {
		l.mu.Lock()
		defer l.mu.Unlock()
		copied := map[string]int{}
		for c, k := range l.colour {
			copied[c] = k
		}
		return l.requests, copied
	}
	first, before := at()
	e2e.Poll(t, time.Minute, fmt.Sprintf("%d more requests", n), func() error {
		if now, _ := at(); now < first+n {
			return fmt.Errorf("%d", now-first)
		}
		return nil
	})
	_, after := at()
	total, parts := 0, map[string]float64{}
	for c := range after {
		total += after[c] - before[c]
	}
	for c := range after {
		if d := after[c] - before[c]; d > 0 {
			parts[c] = 100 * float64(d) / float64(total)
		}
	}
	return parts
}
