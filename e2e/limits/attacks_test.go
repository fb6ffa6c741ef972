package limits

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

const mib = 1 << 20

// request is a POST with a body, as text.
func request(path, body string, headers ...string) string {
	return fmt.Sprintf("POST %s HTTP/1.1\r\nHost: attack\r\nContent-Length: %d\r\n%s\r\n%s", path, len(body), strings.Join(headers, ""), body)
}

// fill is a list of row, over and over, in at most so many bytes.
func fill(row string, size int) string {
	n := (size - len(`{"x":[]}`) + 1) / (len(row) + 1)
	return `{"x":[` + strings.TrimSuffix(strings.Repeat(row+",", n), ",") + `]}`
}

var (
	batch  = fill("[1,2,3]", mib) // 131,000 rows of v1.0.0, whose answer is 5 MB
	single = fill("[7]", mib)     // 262,000 rows of one number
	infer  = "/v2/models/ml-service/infer"
)

// answers counts what came back, by status; 0: none.
type answers struct {
	mu sync.Mutex
	n  map[int]int
}

func (a *answers) add(status int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.n == nil {
		a.n = map[int]int{}
	}
	a.n[status]++
}

func (a *answers) String() string { return fmt.Sprint(a.n) }

// read sends text on a connection of its own and reads the answer whole.
func (a *answers) read(t *testing.T, addr, text string) {
	conn := dial(t, addr)
	if conn == nil {
		a.add(0)
		return
	}
	defer conn.Close()
	sent := make(chan error, 1)
	go func() { _, err := io.WriteString(conn, text); sent <- err }() // an answer may come before all is sent
	a.add(statusOf(conn))
	_ = conn.Close()
	<-sent
}

func statusOf(conn net.Conn) int {
	res, err := http.ReadResponse(bufio.NewReaderSize(conn, 64<<10), nil)
	if err != nil {
		return 0
	}
	if _, err := io.Copy(io.Discard, res.Body); err != nil {
		return 0
	}
	return res.StatusCode
}

// atOnce calls do so many times at once and waits for all.
func atOnce(n int, do func(k int)) {
	var all sync.WaitGroup
	for k := range n {
		all.Go(func() { do(k) })
	}
	all.Wait()
}

// hold opens so many connections, one after another by some time, writes text to each, reads nothing, and closes them after so long.
func hold(t *testing.T, addr string, n int, text string, apart, length time.Duration) {
	end := time.Now().Add(length)
	atOnce(n, func(k int) {
		<-time.After(time.Duration(k) * apart)
		conn := dial(t, addr)
		if conn == nil {
			return
		}
		defer conn.Close()
		if tcp, ok := conn.(*net.TCPConn); ok {
			_ = tcp.SetReadBuffer(4 << 10)
		}
		_ = conn.SetDeadline(end)
		if _, err := io.WriteString(conn, text); err == nil {
			<-time.After(time.Until(end))
		}
	})
}

func gzipped(text string, zeros int) string {
	var out bytes.Buffer
	z := gzip.NewWriter(&out)
	_, _ = io.WriteString(z, text)
	block := make([]byte, mib)
	for range zeros {
		_, _ = z.Write(block)
	}
	_ = z.Close()
	return out.String()
}

// attack is one row of the table.
type attack struct {
	name  string
	model string
	env   []string
	do    func(t *testing.T) string // what came of it
}

const held = 15 * time.Second // longer than the service waits for a body, or for an answer to be read

func reading(addr string, n int, text string) func(t *testing.T) string {
	return func(t *testing.T) string {
		var a answers
		atOnce(n, func(int) { a.read(t, addr, text) })
		return a.String()
	}
}

// wanting has all answered with one status of all.
func wanting(addr string, n int, text string, status int) func(t *testing.T) string {
	return func(t *testing.T) string {
		var a answers
		if atOnce(n, func(int) { a.read(t, addr, text) }); a.n[status] != n {
			t.Errorf("answers by status %v, want %d times %d", a.n, n, status)
		}
		return a.String()
	}
}

func holding(addr string, n int, text string) func(t *testing.T) string {
	return func(t *testing.T) string { hold(t, addr, n, text, 0, held); return "" }
}

func attacks() []attack {
	stalled := request("/predict", batch)
	stalled = stalled[:len(stalled)-1]
	claim := request(infer, `{"inputs":[{"name":"x","datatype":"FP32","shape":[89478485,3],"data":[1]}]}`)
	manyFields := "POST /predict HTTP/1.1\r\nHost: attack\r\n"
	for k := range 2800 {
		manyFields += fmt.Sprintf("%03x:\r\n", k+256)
	}
	manyFields += "Content-Length: 100\r\n\r\n"
	few := fill("[1,2,3]", 12_000)
	behind := request("/predict", few) + request("/predict", few+strings.Repeat(" ", mib-len(few)))
	return []attack{
		{"262,000 rows of one number, 500 categories each", "onehot", nil, reading(nginx, 8, request("/predict", single))},
		{"limit 1, queue 3: three that wait leave", "onehot", []string{"MAX_CONCURRENCY=1", "MAX_QUEUE=3"}, leaving},
		{"5,000 rows of 3,000 outputs, 8 at once", "wide", nil, reading(blue, 8, request("/predict", fill("[7]", 5000*4)))},
		{"the same as tensors", "wide", nil, reading(blue, 8, request(infer,
			`{"inputs":[{"name":"x","datatype":"FP32","shape":[5000,1],"data":[`+strings.TrimSuffix(strings.Repeat("7,", 5000), ",")+`]}]}`))},
		{"11,000 rows times themselves, 16 at once", "square", nil, wanting(blue, 16, request("/predict", fill("[7]", 44_000)), http.StatusRequestEntityTooLarge)},
		{"2,500 rows times themselves, 16 at once", "square", nil, wanting(blue, 16, request("/predict", fill("[7]", 10_000)), http.StatusOK)},
		{"3,000 outputs for 1 MiB of rows", "wide", nil, reading(nginx, 16, request("/predict", single))},
		{"64 clients with 1 MiB of rows", "v1.0.0", nil, reading(blue, 64, request("/predict", batch))},
		{"128 clients with 1 MiB of rows, through Nginx", "v1.0.0", nil, reading(nginx, 128, request("/predict", batch))},
		{"600 uploads but for the last byte", "v1.0.0", nil, holding(blue, 600, stalled)},
		{"50 clients that do not read", "v1.0.0", nil, holding(blue, 50, request("/predict", batch))},
		{"150 clients that do not read, through Nginx", "v1.0.0", nil, holding(nginx, 150, request("/predict", batch))},
		{"700 clients with 1 MiB behind an answer that they do not read", "v1.0.0", nil, func(t *testing.T) string {
			hold(t, blue, 700, behind, 15*time.Millisecond, held) // apart, since the queue is for 128 at once
			return ""
		}},
		{"160 clients with 1 MiB of CSV that do not read", "v1.0.0", nil,
			holding(blue, 160, request("/invocations", strings.Repeat("1,2,3\n", mib/6), "Content-Type: text/csv\r\n"))},
		{"100 clients with 1 MiB of rows that read 12 KB a second", "v1.0.0", nil, slowly},
		{"900 stalled uploads, through Nginx", "v1.0.0", nil, holding(nginx, 900, stalled)},
		{"shapes of 268 million elements in 75 bytes", "v1.0.0", nil, reading(blue, 64, claim)},
		{"20 half-closed callers", "v1.0.0", nil, halfClosed(blue, 20, fill("[1,2,3]", mib/8))},
		{"20 half-closed callers with a row each, through Nginx", "v1.0.0", nil, halfClosed(nginx, 20, `{"x":[1,2,3]}`)},
		{"20 half-closed callers with 1,500 rows each, through Nginx", "v1.0.0", nil, halfClosed(nginx, 20, fill("[1,2,3]", 12_000))},
		{"20 half-closed callers with 64 KB, through Nginx", "v1.0.0", nil, halfClosed(nginx, 20, fill("[1,2,3]", mib/16))},
		{"16 half-closed callers with 1 MiB, through Nginx", "v1.0.0", nil, halfClosed(nginx, 16, batch)},
		{"100 callers that leave, through Nginx", "onehot", nil, leavingNginx},
		{"96 uploads of a byte every nine seconds, through Nginx", "v1.0.0", nil, dripping},

		{"1,000 connections that say nothing", "v1.0.0", nil, holding(blue, 1000, "")},
		{"2,000 connections that ask once and stay", "v1.0.0", nil, holding(blue, 2000, request("/predict", `{"x":[1,2,3]}`))},
		{"300 requests of 2,800 header fields, unfinished", "v1.0.0", nil, holding(blue, 300, manyFields)},
		{"1,000 lengths that are claimed and never sent", "v1.0.0", nil,
			holding(blue, 1000, "POST /predict HTTP/1.1\r\nHost: attack\r\nContent-Length: 1048576\r\n\r\n{")},
		{"32 gzip bombs of 256 MiB", "v1.0.0", nil, reading(blue, 32, request(infer, gzipped(`{"inputs":[`, 256), "Content-Encoding: gzip\r\n"))},
		{"64 bodies of brackets", "v1.0.0", nil, reading(blue, 64, request("/predict", `{"x":`+strings.Repeat("[", mib-100)))},
		{"64 requests of 300,000 inputs", "v1.0.0", nil, reading(blue, 64, request(infer, `{"inputs":[`+strings.Repeat("{},", mib/3-100)+`{}]}`))},
		{"64 clients with 1 MiB of tensors", "v1.0.0", nil, reading(blue, 64, request(infer,
			`{"inputs":[{"name":"x","datatype":"FP32","shape":[174000,3],"data":[`+strings.TrimSuffix(strings.Repeat("1,2,3,", 174000), ",")+`]}]}`))},
		{"100 clients that send 1,000 requests each and read nothing", "v1.0.0", nil,
			holding(blue, 100, strings.Repeat(request("/predict", fill("[1,2,3]", 2000)), 1000))},
		{"200 uploads in chunks of one byte", "v1.0.0", nil,
			holding(blue, 200, "POST /predict HTTP/1.1\r\nHost: attack\r\nTransfer-Encoding: chunked\r\n\r\n"+strings.Repeat("1\r\n \r\n", 100000))},
		{"400 callers that leave in the middle", "v1.0.0", nil, breaking},
	}
}

// slowly has a hundred callers take large answers at more than the least pace, all the memory that there is for them, and others ask
// with 100 KB: they have to be answered once the slow ones had their ten seconds.
func slowly(t *testing.T) string {
	const length, theirs = 40 * time.Second, 15 * time.Second
	end := time.Now().Add(length)
	var others answers
	atOnce(101, func(k int) {
		for body := fill("[1,2,3]", 100_000); k == 100 && time.Now().Before(end); <-time.After(time.Second) {
			if time.Until(end) > length-theirs {
				continue
			}
			others.read(t, blue, request("/predict", body))
		}
		for buf := make([]byte, 12<<10); k < 100 && time.Now().Before(end); <-time.After(time.Second) {
			conn := dial(t, blue)
			if conn == nil {
				continue
			}
			_ = conn.(*net.TCPConn).SetReadBuffer(4 << 10)
			_ = conn.SetDeadline(end)
			_, err := io.WriteString(conn, request("/predict", batch))
			for err == nil {
				_, err = io.ReadFull(conn, buf)
				<-time.After(time.Second)
			}
			_ = conn.Close()
		}
	})
	if n := others.n[http.StatusOK]; n == 0 || n < 3*others.n[http.StatusServiceUnavailable] {
		t.Errorf("others were answered by status %v, want mostly 200", others.n)
	}
	return "others with 100 KB: " + others.String()
}

// halfClosed sends so many bodies at once and shuts the sending half: every one has to be answered. Of an answer in chunks that is
// longer than the sockets between hold, Nginx may lose the mark of its end behind it, and no more: that is counted.
func halfClosed(addr string, n int, body string) func(t *testing.T) string {
	return func(t *testing.T) string {
		var a answers
		var endless atomic.Int32
		atOnce(n, func(int) {
			conn := dial(t, addr)
			if conn == nil {
				a.add(0)
				return
			}
			defer conn.Close()
			_, _ = io.WriteString(conn, request("/predict", body))
			_ = conn.(*net.TCPConn).CloseWrite()
			res, err := http.ReadResponse(bufio.NewReaderSize(conn, 64<<10), nil)
			if err != nil {
				a.add(0)
				return
			}
			text, err := io.ReadAll(res.Body)
			switch {
			case !json.Valid(text) || err != nil && (res.ContentLength >= 0 || addr != nginx):
				a.add(0)
				return
			case err != nil:
				endless.Add(1)
			}
			a.add(res.StatusCode)
		})
		if a.n[http.StatusOK] != n {
			t.Errorf("answers by status %v, want %d times 200", a.n, n)
		}
		return fmt.Sprintf("%s, %d without the mark of the end", &a, endless.Load())
	}
}

// leaving has three callers wait behind one long request and leave: the next one is not refused.
func leaving(t *testing.T) string {
	var a answers
	var first sync.WaitGroup
	first.Go(func() { a.read(t, blue, request("/predict", fill("[7]", mib/2))) })
	var conns []net.Conn
	for range 3 {
		conn := dial(t, blue)
		if conn == nil {
			t.Fatal("a connection was refused")
		}
		_, _ = io.WriteString(conn, request("/predict", `{"x":[7]}`))
		conns = append(conns, conn)
	}
	for _, conn := range conns {
		_ = conn.Close()
	}
	<-time.After(50 * time.Millisecond) // for the service to see it
	for range 3 {
		a.read(t, blue, request("/predict", `{"x":[7]}`))
	}
	first.Wait()
	if a.n[http.StatusOK] != 4 {
		t.Errorf("answers by status %v, want 4 times 200", a.n)
	}
	return a.String()
}

// breaking resets connections in the middle of bodies and answers.
func breaking(t *testing.T) string {
	text := request("/predict", batch)
	atOnce(400, func(k int) {
		conn := dial(t, []string{blue, nginx}[k%2])
		if conn == nil {
			return
		}
		_ = conn.(*net.TCPConn).SetLinger(0)
		if _, err := io.WriteString(conn, text[:len(text)*(k%4+1)/4]); err == nil && k%4 == 3 {
			_ = conn.SetReadDeadline(time.Now().Add(5 * time.Second)) // it may have been refused, which is shorter
			_, _ = io.CopyN(io.Discard, conn, 100000)
		}
		_ = conn.Close()
	})
	return ""
}
