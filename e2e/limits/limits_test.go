package limits

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// TestNothingTakesItDown sends every attack while bystanders ask for single predictions on all ports.
func TestNothingTakesItDown(t *testing.T) {
	s := newStack(t)
	serving := ""
	for _, c := range append(attacks(), long("direct", blue, green), long("through Nginx", nginx)) {
		t.Run(c.name, func(t *testing.T) {
			s.t = t
			if set := fmt.Sprint(c.model, c.env); set != serving { // new containers where they have to be
				s.serve(c.model, c.env...)
				serving = set
			}
			all := s.containers()
			for _, c := range all {
				c.forgetPeak()
			}
			var watching *bystanders
			if c.env == nil { // where a queue of three is tried, there is no room for them
				body, answer := `{"x":[0.4,-0.2,0.1]}`, func(got string) bool { return got == `{"prediction":1.0,"confidence":0.603,"version":"v1.0.0"}` }
				if c.model != "v1.0.0" {
					body, answer = `{"x":[7]}`, func(got string) bool {
						return strings.HasPrefix(got, `{"prediction":`) || strings.HasPrefix(got, `{"outputs":{"y":49.0}`)
					}
				}
				watching = watch(body, answer)
			}
			began := time.Now()
			got := c.do(t)
			took := time.Since(began)
			<-time.After(time.Second) // what comes after it matters too
			seen := "none"
			if watching != nil {
				seen = watching.stop(t)
			}
			var peaks []string
			for _, c := range all {
				if n, k := c.restarts(t), c.kills(t); n != 0 || k != 0 {
					t.Errorf("%s: %d restarts, %d processes out of memory", c.service, n, k)
				}
				peaks = append(peaks, strconv.FormatInt(c.peak(t), 10))
			}
			t.Logf("| %s | %.0f s | %s | peak MiB blue, green, nginx: %s | bystanders: %s |", c.name, took.Seconds(), got, strings.Join(peaks, ", "), seen)
		})
	}
	s.t = t
}

// long is 1,024 clients that send 1 MiB of rows over and over: for half a minute, or for as long as LIMITS_LONG says.
func long(how string, addrs ...string) attack {
	return attack{"1,024 clients with 1 MiB of rows over and over, " + how, "v1.0.0", nil, func(t *testing.T) string {
		length := 30 * time.Second
		if text := os.Getenv("LIMITS_LONG"); text != "" {
			var err error
			if length, err = time.ParseDuration(text); err != nil {
				t.Fatalf("LIMITS_LONG: want a duration as 5m, got %q", text)
			}
		}
		var a answers
		var wait sync.WaitGroup
		end := time.Now().Add(length)
		text := request("/predict", batch)
		for k := range 1024 {
			wait.Go(func() {
				for time.Now().Before(end) {
					a.add(once(t, addrs[k%len(addrs)], text))
				}
			})
		}
		wait.Wait()
		if a.n[http.StatusOK] == 0 {
			t.Errorf("answers by status %v, want some 200", a.n)
		}
		return a.String()
	}}
}

// once sends text, and waits a little after a refusal, as its Retry-After asks.
func once(t *testing.T, addr, text string) int {
	conn := dial(t, addr)
	if conn == nil {
		return 0
	}
	sent := make(chan struct{})
	go func() { _, _ = io.WriteString(conn, text); close(sent) }()
	status := statusOf(conn)
	_ = conn.Close()
	<-sent
	if status != http.StatusOK {
		<-time.After(time.Second)
	}
	return status
}
