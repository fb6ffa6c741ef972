package harness

import (
	"bufio"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"
)

// traffic is who sends requests: clients, each on one kept connection, speaking HTTP/1.1 by hand. Nothing here retries:
// a connection that cannot be opened, breaks, or is closed without an answer having said so is a failed request.
type traffic struct {
	clients int
	pause   time.Duration // the mean between a client's answer and its next request
	body    int           // bytes, at least; the rest is blanks
}

var (
	busy  = traffic{clients: 16, pause: 4 * time.Millisecond}
	quiet = traffic{clients: 4, pause: 200 * time.Millisecond} // 20 requests a second, as a small team has
	large = traffic{clients: 12, pause: 20 * time.Millisecond, body: 900_000}
)

// inputs rotate, so that an answer that reaches the wrong request is seen.
var inputs = []string{
	`{"x":[0.4,-0.2,0.1]}`,
	`{"x":[2.284548,2.3819487,-0.06852648]}`,
	`{"x":[-0.14031748,-0.28182784,1.4183899]}`,
	`{"x":[1.6691123,0.7589323,-0.6084401]}`,
	`{"x":[-0.101700544,-0.13518089,-0.45264056]}`,
	`{"x":[[0.4,-0.2,0.1],[2.284548,2.3819487,-0.06852648]]}`,
}

// tally is what the clients have seen.
type tally struct {
	requests, failed, connections int
	colour                        map[string]int // answers by X-Color
	slowest                       time.Duration
	failures                      []string // the first few, in words
}

func (a tally) minus(b tally) tally {
	d := tally{requests: a.requests - b.requests, failed: a.failed - b.failed, colour: map[string]int{}}
	for c, n := range a.colour {
		d.colour[c] = n - b.colour[c]
	}
	return d
}

func (a tally) String() string {
	return fmt.Sprintf("%6d requests, %d failed; blue %d, green %d; %d connections; slowest %s", a.requests, a.failed,
		a.colour["blue"], a.colour["green"], a.connections, a.slowest.Round(time.Millisecond))
}

// load is the clients at work.
type load struct {
	traffic
	addr    string
	want    map[string][]string // by colour: the exact answer to each of inputs
	quit    chan struct{}
	running sync.WaitGroup

	mu sync.Mutex
	t  tally
}

// startLoad starts clients against addr; want comes from answersOf.
func startLoad(t *testing.T, addr string, of traffic, want map[string][]string) *load {
	l := &load{traffic: of, addr: addr, want: want, quit: make(chan struct{}), t: tally{colour: map[string]int{}}}
	for i := range of.clients {
		l.running.Go(func() { l.client(i) })
	}
	t.Cleanup(l.halt)
	return l
}

func (l *load) halt() {
	select {
	case <-l.quit:
	default:
		close(l.quit)
	}
	l.running.Wait()
}

// stop lets every client finish its request and returns what all of them saw.
func (l *load) stop() tally {
	l.halt()
	return l.seen()
}

func (l *load) seen() tally {
	l.mu.Lock()
	defer l.mu.Unlock()
	copied := l.t
	copied.colour = map[string]int{}
	for c, n := range l.t.colour {
		copied.colour[c] = n
	}
	return copied
}

// client sends one request after the other, a few milliseconds apart, until quit.
func (l *load) client(id int) {
	var conn *connection
	defer func() {
		if conn != nil {
			conn.Close()
		}
	}()
	for n := 0; ; n++ {
		select {
		case <-l.quit:
			return
		case <-time.After(rand.N(2 * l.pause)): // a pace, not a wait for anything
		}
		began := time.Now()
		if conn == nil {
			c, err := dial(l.addr)
			if err != nil {
				l.count("", time.Since(began), fmt.Errorf("connect: %w", err))
				continue
			}
			conn = c
			l.mu.Lock()
			l.t.connections++
			l.mu.Unlock()
		}
		which := (id + n) % len(inputs)
		body := inputs[which]
		body += strings.Repeat(" ", max(0, l.body-len(body)))
		a, err := conn.post(body, fmt.Sprintf("client-%d-%d", id, n))
		if err == nil {
			err = l.check(a, which)
		}
		l.count(a.color, time.Since(began), err)
		if err != nil || a.close {
			conn.Close()
			conn = nil
		}
	}
}

func (l *load) check(a answer, which int) error {
	want, ok := l.want[a.color]
	switch {
	case a.status != http.StatusOK:
		return fmt.Errorf("status %d: %s", a.status, a.body)
	case !ok:
		return fmt.Errorf("X-Color %q", a.color)
	case !strings.Contains(a.body, `"version":"`+a.version+`"`):
		return fmt.Errorf("X-Model-Version %q on %s", a.version, a.body)
	case a.body != want[which]:
		return fmt.Errorf("%s answered %s with %s, want %s", a.color, inputs[which], a.body, want[which])
	}
	return nil
}

func (l *load) count(colour string, took time.Duration, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.t.requests++
	l.t.slowest = max(l.t.slowest, took)
	if err == nil {
		l.t.colour[colour]++
		return
	}
	l.t.failed++
	if len(l.t.failures) < 10 {
		l.t.failures = append(l.t.failures, fmt.Sprintf("%s after %s: %v", time.Now().Format("15:04:05.000"), took, err))
	}
}

// connection is one kept HTTP/1.1 connection.
type connection struct {
	net.Conn
	r *bufio.Reader
}

// answer is one whole response.
type answer struct {
	status                    int
	body, color, version, id  string
	contentType, allow, proxy string
	close                     bool // the server said it closes the connection
}

func dial(addr string) (*connection, error) {
	c, err := net.DialTimeout("tcp", addr, 10*time.Second)
	if err != nil {
		return nil, err
	}
	return &connection{c, bufio.NewReader(c)}, nil
}

func (c *connection) post(body, id string) (answer, error) {
	return c.exchange(fmt.Sprintf("POST /predict HTTP/1.1\r\nHost: localhost\r\nX-Request-Id: %s\r\nContent-Length: %d\r\n\r\n%s",
		id, len(body), body))
}

// exchange sends a request as it is written and reads its answer. An answer that is cut or says nothing of where it
// ends is an error.
func (c *connection) exchange(request string) (answer, error) {
	if err := c.SetDeadline(time.Now().Add(time.Minute)); err != nil {
		return answer{}, err
	}
	if _, err := io.WriteString(c, request); err != nil {
		return answer{}, fmt.Errorf("send: %w", err)
	}
	method, _, _ := strings.Cut(request, " ")
	resp, err := http.ReadResponse(c.r, &http.Request{Method: method})
	if err != nil {
		return answer{}, fmt.Errorf("read the answer's header: %w", err)
	}
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return answer{}, fmt.Errorf("read the answer's body: %w", err)
	}
	if err := resp.Body.Close(); err != nil {
		return answer{}, err
	}
	if resp.ContentLength < 0 && len(resp.TransferEncoding) == 0 {
		return answer{}, fmt.Errorf("an answer without a length: %s", body)
	}
	h := resp.Header
	return answer{status: resp.StatusCode, body: string(body), color: h.Get("X-Color"), version: h.Get("X-Model-Version"),
		id: strings.Join(h.Values("X-Request-Id"), ","), contentType: h.Get("Content-Type"), allow: h.Get("Allow"),
		proxy: h.Get("Server"), close: resp.Close}, nil
}

// once opens a connection for one request.
func once(addr, request string) (answer, error) {
	c, err := dial(addr)
	if err != nil {
		return answer{}, err
	}
	defer c.Close()
	return c.exchange(request)
}

func predictOnce(addr string) (answer, error) {
	c, err := dial(addr)
	if err != nil {
		return answer{}, err
	}
	defer c.Close()
	return c.post(inputs[0], "once")
}
