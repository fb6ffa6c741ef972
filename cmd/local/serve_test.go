package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"sync"
	"testing"
)

// BenchmarkServe is a prediction over HTTP as the binary serves it, with 16 kept connections and different rows; the
// callers' own part is in it.
func BenchmarkServe(b *testing.B) {
	cfg, err := parseConfig([]string{"--host=127.0.0.1", "--port=0", "--color=blue"}, func(string) string { return "" })
	if err != nil {
		b.Fatal(err)
	}
	logs, stderr := io.Pipe()
	ctx, cancel := context.WithCancel(b.Context())
	ended := make(chan error, 1)
	go func() {
		ended <- serve(ctx, cfg, stderr)
		_ = stderr.Close()
	}()
	lines := bufio.NewReader(logs)
	var listening struct{ Address string }
	if line, err := lines.ReadBytes('\n'); err != nil || json.Unmarshal(line, &listening) != nil || listening.Address == "" {
		b.Fatalf("first line %s, %v: want the address it listens on", line, err)
	}
	go func() { _, _ = io.Copy(io.Discard, lines) }()

	const connections = 16
	share := make(chan struct{}, connections) // one a request
	var all sync.WaitGroup
	for k := range connections {
		conn, err := new(net.Dialer).DialContext(ctx, "tcp", listening.Address)
		if err != nil {
			b.Fatal(err)
		}
		defer func() { _ = conn.Close() }()
		all.Go(func() { ask(b, conn, k, share) })
	}
	b.ReportAllocs()
	for b.Loop() {
		share <- struct{}{}
	}
	close(share)
	all.Wait()
	cancel()
	if err := <-ended; err != nil {
		b.Error(err)
	}
}

// ask sends one request for each that it is given, and reads the answer.
func ask(b *testing.B, conn net.Conn, seed int, share <-chan struct{}) {
	answers := bufio.NewReader(conn)
	var requests []string
	for k := range 64 {
		x := float64((k*17+seed)%40)/10 - 2
		body := fmt.Sprintf(`{"x": [%.7g, %.7g, %.7g]}`, x, 0.3-x*x, 1.234567/(x+3))
		requests = append(requests, fmt.Sprintf("POST /predict HTTP/1.1\r\nHost: %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s",
			conn.RemoteAddr(), len(body), body))
	}
	for k := 0; ; k++ {
		if _, more := <-share; !more {
			return
		}
		if _, err := io.WriteString(conn, requests[k%len(requests)]); err != nil {
			b.Error(err)
			return
		}
		status, err := answers.ReadString('\n')
		if err != nil || !strings.HasPrefix(status, "HTTP/1.1 200") {
			b.Errorf("got %q, %v", status, err)
			return
		}
		length := 0
		for line := ""; line != "\r\n" && err == nil; line, err = answers.ReadString('\n') {
			if digits, ok := strings.CutPrefix(line, "Content-Length: "); ok {
				length, _ = strconv.Atoi(strings.TrimSpace(digits)) // 0 is an error below
			}
		}
		if _, err := answers.Discard(length); err != nil || length == 0 {
			b.Errorf("a body of %d bytes: %v", length, err)
			return
		}
	}
}
