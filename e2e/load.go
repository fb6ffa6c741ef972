package e2e

import (
	"bufio"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"slices"
	"sync"
	"testing"
	"time"
)

// rows rotate, so that an answer to another client's question is seen.
var rows = []string{`{"x":[0.4,-0.2,0.1]}`, `{"x":[2.284548,2.3819487,-0.06852648]}`, `{"x":[-0.14031748,-0.28182784,1.4183899]}`}

// Load is clients that ask port 8080 for predictions of the demo models. They speak HTTP/1.1 by hand, each on one kept
// connection, and never retry: whatever is not a whole answer with status 200 is a failed request, but for what Own says.
type Load struct {
	Clients int
	Pace    time.Duration // from one request of a client to its next
	Own     []int         // statuses that a faulty version gives by itself, named by X-Color: counted in Seen.Own
	Same    bool          // answers of one colour and version to one row have to be the same, byte for byte

	quit  chan struct{}
	group sync.WaitGroup

	mu      sync.Mutex
	seen    Seen
	answers map[string]string // by colour, version and row: the first one
}

// Seen is what the clients of a Load saw since they began.
type Seen struct {
	Requests, Failed int
	Colour           map[string]int // answers, by X-Color
	Own              map[Own]int
	Slowest          time.Duration
	Failures         []string // the first ten, in words
}

// Own is an answer with one of Load.Own's statuses.
type Own struct {
	Colour string
	Status int
}

func (s Seen) String() string {
	return fmt.Sprintf("%d requests, %d failed; blue %d, green %d; slowest %s", s.Requests, s.Failed, s.Colour["blue"], s.Colour["green"],
		s.Slowest.Round(time.Millisecond))
}

// Start starts the clients, which Stop or the end of the test ends.
func (l *Load) Start(t testing.TB) *Load {
	l.quit = make(chan struct{})
	l.seen = Seen{Colour: map[string]int{}, Own: map[Own]int{}}
	l.answers = map[string]string{}
	for i := range l.Clients {
		l.group.Go(func() { l.client(i) })
	}
	t.Cleanup(l.Stop)
	return l
}

// Stop lets every client finish its request.
func (l *Load) Stop() {
	select {
	case <-l.quit:
	default:
		close(l.quit)
	}
	l.group.Wait()
}

// Seen gives what was seen so far, and fails the test where a request failed.
func (l *Load) Seen(t testing.TB) Seen {
	t.Helper()
	now := l.now()
	for _, f := range now.Failures {
		t.Error(f)
	}
	if now.Failed > 0 {
		t.Errorf("%d of %d requests failed", now.Failed, now.Requests)
	}
	return now
}

func (l *Load) now() Seen {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.seen
	now.Colour, now.Own = maps.Clone(now.Colour), maps.Clone(now.Own)
	return now
}

func (l *Load) client(id int) {
	var conn net.Conn
	var from *bufio.Reader
	pace := time.NewTicker(l.Pace)
	defer pace.Stop()
	for n := id; ; n++ {
		select {
		case <-l.quit:
			if conn != nil {
				_ = conn.Close()
			}
			return
		case <-pace.C:
		}
		began := time.Now()
		if conn == nil {
			c, err := net.DialTimeout("tcp", "127.0.0.1:8080", 10*time.Second) //nolint:noctx // it has a limit
			if err != nil {
				l.count(answer{}, "", time.Since(began), fmt.Errorf("connect: %w", err))
				continue
			}
			conn, from = c, bufio.NewReader(c)
		}
		row := rows[n%len(rows)]
		a, err := exchange(conn, from, row)
		l.count(a, row, time.Since(began), err)
		if err != nil || a.last {
			_ = conn.Close()
			conn = nil
		}
	}
}

// answer is what a client read, whole.
type answer struct {
	status                int
	colour, version, text string
	last                  bool // the server said that it closes the connection
}

func exchange(conn net.Conn, from *bufio.Reader, body string) (answer, error) {
	if err := conn.SetDeadline(time.Now().Add(90 * time.Second)); err != nil {
		return answer{}, err
	}
	if _, err := fmt.Fprintf(conn, "POST /predict HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n%s", len(body), body); err != nil {
		return answer{}, fmt.Errorf("send: %w", err)
	}
	res, err := http.ReadResponse(from, &http.Request{Method: http.MethodPost})
	if err != nil {
		return answer{}, fmt.Errorf("read the answer: %w", err)
	}
	defer res.Body.Close() //nolint:errcheck // it was read, or err says why not
	text, err := io.ReadAll(res.Body)
	return answer{res.StatusCode, res.Header.Get("X-Color"), res.Header.Get("X-Model-Version"), string(text), res.Close}, err
}

func (l *Load) count(a answer, row string, took time.Duration, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.seen.Requests++
	l.seen.Slowest = max(l.seen.Slowest, took)
	if err == nil {
		err = l.judge(a, row)
	}
	if err == nil {
		return
	}
	l.seen.Failed++
	if len(l.seen.Failures) < 10 {
		l.seen.Failures = append(l.seen.Failures, fmt.Sprintf("%s after %s: %v", time.Now().Format("15:04:05.000"), took.Round(time.Millisecond), err))
	}
}

// judge counts a whole answer by its colour and says why it is none that a caller should get.
func (l *Load) judge(a answer, row string) error {
	l.seen.Colour[a.colour]++
	if a.status != http.StatusOK {
		if a.colour != "" && slices.Contains(l.Own, a.status) {
			l.seen.Own[Own{a.colour, a.status}]++
			return nil
		}
		return fmt.Errorf("status %d from %q: %s", a.status, a.colour, a.text)
	}
	if !l.Same {
		return nil
	}
	key := a.colour + " " + a.version + " " + row
	if first, ok := l.answers[key]; !ok {
		l.answers[key] = a.text
	} else if first != a.text {
		return fmt.Errorf("%s: got %s, before it was %s", key, a.text, first)
	}
	return nil
}

// Shares waits until n more requests were answered and gives each colour's part of them, in percent.
func (l *Load) Shares(t testing.TB, n int) map[string]float64 {
	t.Helper()
	before := l.now()
	var after Seen
	Poll(t, time.Minute, fmt.Sprintf("%d more requests", n), func() error {
		if after = l.now(); after.Requests < before.Requests+n {
			return fmt.Errorf("%d", after.Requests-before.Requests)
		}
		return nil
	})
	total, parts := 0, map[string]float64{}
	for c := range after.Colour {
		total += after.Colour[c] - before.Colour[c]
	}
	for c := range after.Colour {
		if d := after.Colour[c] - before.Colour[c]; d > 0 {
			parts[c] = 100 * float64(d) / float64(total)
		}
	}
	return parts
}
