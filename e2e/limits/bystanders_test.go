package limits

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
)

// bystanders ask for one small prediction after the other on all three ports, some on a kept connection, some on a new one
// each time. Whatever is not the one right answer within their patience is lost.
type bystanders struct {
	quit chan struct{}
	all  sync.WaitGroup

	mu      sync.Mutex
	asked   int
	lost    []string
	slowest time.Duration
}

// patience leaves room for packets that the kernel drops between clients and containers of one machine, and sends again after
// 1, 3, 7, 15 and 31 s: 1,024 clients with 1 MiB each fill its queues. The slowest answer is printed.
const patience = time.Minute

func watch(body string, answer func(string) bool) *bystanders {
	b := &bystanders{quit: make(chan struct{})}
	for _, addr := range []string{nginx, blue, green} {
		for _, kept := range []bool{true, false} {
			b.all.Go(func() { b.run(addr, kept, body, answer) })
		}
	}
	return b
}

func (b *bystanders) run(addr string, kept bool, body string, answer func(string) bool) {
	var conn net.Conn
	defer func() {
		if conn != nil {
			_ = conn.Close()
		}
	}()
	for {
		select {
		case <-b.quit:
			return
		case <-time.After(25 * time.Millisecond): // a pace, not a wait for anything
		}
		began := time.Now()
		var err error
		if conn == nil {
			conn, err = net.DialTimeout("tcp", addr, patience)
		}
		last := false
		if err == nil {
			last, err = askOnce(conn, body, answer)
		}
		if took := time.Since(began); b.count(addr, kept, took, err) || last || !kept {
			if conn != nil {
				_ = conn.Close()
			}
			conn = nil
		}
	}
}

// askOnce sends a request and reads its answer. last says that the server closes the connection behind it, as Nginx does at a reload.
func askOnce(conn net.Conn, body string, answer func(string) bool) (last bool, err error) {
	_ = conn.SetDeadline(time.Now().Add(patience))
	if _, err := fmt.Fprintf(conn, "POST /predict HTTP/1.1\r\nHost: bystander\r\nContent-Length: %d\r\n\r\n%s", len(body), body); err != nil {
		return true, err
	}
	res, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		return true, err
	}
	text, err := io.ReadAll(res.Body)
	if err == nil && (res.StatusCode != http.StatusOK || !answer(string(text))) {
		err = fmt.Errorf("%s: %.200s", res.Status, text)
	}
	return res.Close, err
}

func (b *bystanders) count(addr string, kept bool, took time.Duration, err error) (failed bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.asked++
	b.slowest = max(b.slowest, took)
	if err != nil {
		b.lost = append(b.lost, fmt.Sprintf("%s kept %v after %s: %v", addr, kept, took.Round(time.Millisecond), err))
	}
	return err != nil
}

// stop ends them and reports.
func (b *bystanders) stop(t *testing.T) string {
	t.Helper()
	close(b.quit)
	b.all.Wait()
	if len(b.lost) > 0 {
		t.Errorf("%d of %d requests of bystanders were lost:\n%s", len(b.lost), b.asked, strings.Join(b.lost[:min(len(b.lost), 10)], "\n"))
	}
	if b.asked == 0 {
		t.Error("the bystanders asked for nothing")
	}
	return fmt.Sprintf("%d asked, %d lost, slowest %s", b.asked, len(b.lost), b.slowest.Round(time.Millisecond))
}
