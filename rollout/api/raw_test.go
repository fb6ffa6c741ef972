package api

import (
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"time"
)

// Headers that try to become two, to be read in two ways, or to be large; and a body without an end.
func TestRawRequests(t *testing.T) {
	p := newPlace()
	dockerOnPath(t, "")
	served, h, _ := started(t, p, t.TempDir(), nil, nil)
	good := orderOf(digestOf("c"), "v1.1.0", Switch)
	for name, c := range map[string]struct {
		lines, body string
	}{
		"a bare CR in the key":      {"Idempotency-Key: a\rSet-Cookie: x=1", good},
		"NUL in the key":            {"Idempotency-Key: a\x00b", good},
		"two keys":                  {"Idempotency-Key: a\r\nIdempotency-Key: b", good},
		"a space before the colon":  {"Idempotency-Key : a", good},
		"two lengths":               {"Idempotency-Key: a\r\nContent-Length: 1", good},
		"a transfer coding of gzip": {"Idempotency-Key: a\r\nTransfer-Encoding: gzip, chunked", good},
		"a second Host":             {"Idempotency-Key: a\r\nHost: evil.example", good},
		"a key that is not ASCII":   {"Idempotency-Key: é", good},
		"two tokens":                {"Idempotency-Key: a\r\nAuthorization: Bearer x", good},
		"a body that never ends":    {"Idempotency-Key: a\r\nTransfer-Encoding: chunked", strings.Repeat("400\r\n"+strings.Repeat(" ", 1024)+"\r\n", 64)},
		"headers of two megabytes":  {"Idempotency-Key: a\r\nX: " + strings.Repeat("x", 2<<20), good},
		"a request line of its own": {"Idempotency-Key: a\r\n\r\nPOST " + Path + " HTTP/1.1\r\nHost: localhost", good},
	} {
		t.Run(name, func(t *testing.T) {
			conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", h.Listener.Addr().String())
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			length := ""
			if !strings.Contains(c.lines, "chunked") {
				length = fmt.Sprintf("Content-Length: %d\r\n", len(c.body))
			}
			go fmt.Fprintf(conn, "POST %s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nAuthorization: Bearer %s\r\n%s\r\n%s\r\n%s", Path, serverToken, c.lines, length, c.body)
			_ = conn.SetReadDeadline(time.Now().Add(10 * time.Second))
			answer, err := io.ReadAll(conn)
			first, _, _ := strings.Cut(string(answer), "\r\n")
			if !strings.HasPrefix(first, "HTTP/1.1 4") && !strings.HasPrefix(first, "HTTP/1.1 501") || strings.Contains(string(answer), "Set-Cookie") {
				t.Errorf("got %q, %v; want it refused", first, err)
			}
		})
	}
	if len(served.store.list()) > 0 || len(p.written) > 0 {
		t.Error("something was begun")
	}
}
