package handler

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
	"strings"
	"testing"

	"ml-service/model"
	"ml-service/models"
)

func TestOverload(t *testing.T) {
	s, server := full(t)
	const overloaded = `{"error":"overloaded: too many requests wait for the model; try again later"}`
	for _, c := range []struct {
		method, path, body string
		status             int
		want               string
	}{
		{"POST", "/predict", `{"x":[0.4,-0.2,0.1]}`, 503, overloaded},
		{"POST", "/v2/models/ml-service/infer", `{"inputs":[{"name":"x","datatype":"FP32","shape":[1,3],"data":[1,2,3]}]}`, 503, overloaded},
		{"GET", "/health", "", 200, `{"status":"ok","version":"v1.0.0"}`},
	} {
		req, err := http.NewRequestWithContext(t.Context(), c.method, server.URL+c.path, strings.NewReader(c.body))
		if err != nil {
			t.Fatal(err)
		}
		res, err := server.Client().Do(req)
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(res.Body)
		_ = res.Body.Close()
		if res.StatusCode != c.status || string(body) != c.want {
			t.Errorf("%s %s: got %d %s, want %d %s", c.method, c.path, res.StatusCode, body, c.status, c.want)
		}
		retry := ""
		if c.status == http.StatusServiceUnavailable {
			retry = "1"
		}
		if got := res.Header.Get("Retry-After"); got != retry {
			t.Errorf("%s %s: Retry-After: got %q, want %q", c.method, c.path, got, retry)
		}
	}
	s.gate.leave()
	answer := httptest.NewRecorder()
	s.Engine().ServeHTTP(answer, httptest.NewRequest("POST", "/predict", strings.NewReader(`{"x":[0.4,-0.2,0.1]}`)))
	if answer.Code != http.StatusOK {
		t.Errorf("with room again: got %d %s, want 200", answer.Code, answer.Body)
	}
}

// full is a server whose only place is taken.
func full(t testing.TB) (*Service, *httptest.Server) {
	t.Helper()
	m, err := model.Load(models.FS, "v1.0.0")
	if err != nil {
		t.Fatal(err)
	}
	s := New(Options{Model: m, Concurrency: 1, Queue: -1})
	if err := s.gate.enter(t.Context(), 0); err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(s.Engine())
	t.Cleanup(server.Close)
	return s, server
}

// TestRefusedBodies sends refused bodies one after the other: their connection is kept where net/http would keep it.
func TestRefusedBodies(t *testing.T) {
	s, server := full(t)
	for _, c := range []struct {
		name  string
		size  int
		sinks int // that are left
		kept  bool
	}{
		{"small", firstRead - 1, sinks, true},
		{"large", firstRead, sinks, true},
		{"large, of several reads", readAway - 1, sinks, true},
		{"no sink is left", readAway - 1, 0, true},
		{"too large to be read", 4 << 20, sinks, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			for range sinks - c.sinks {
				defer func(sink []byte) { s.sinks <- sink }(<-s.sinks)
			}
			server.Client().CloseIdleConnections()
			for round := range 3 {
				reused := false
				ctx := httptrace.WithClientTrace(t.Context(), &httptrace.ClientTrace{GotConn: func(i httptrace.GotConnInfo) { reused = i.Reused }})
				req, err := http.NewRequestWithContext(ctx, "POST", server.URL+"/predict", strings.NewReader(strings.Repeat(" ", c.size)))
				if err != nil {
					t.Fatal(err)
				}
				res, err := server.Client().Do(req)
				if err != nil {
					if c.kept {
						t.Fatal(err)
					}
					continue // net/http closes it, perhaps before the answer is read
				}
				_, _ = io.Copy(io.Discard, res.Body)
				_ = res.Body.Close()
				if res.StatusCode != http.StatusServiceUnavailable || round > 0 && reused != c.kept {
					t.Errorf("round %d: got %d, connection used again: %v, want 503 and %v", round, res.StatusCode, reused, c.kept)
				}
			}
			if len(s.sinks) != c.sinks {
				t.Errorf("%d sinks came back, want %d", len(s.sinks), c.sinks)
			}
		})
	}
}

// TestRefusedUnread has the line of large requests full: a body as large as those before it is refused unread, one that comes to
// less waits.
func TestRefusedUnread(t *testing.T) {
	m, err := model.Load(models.FS, "v1.0.0")
	if err != nil {
		t.Fatal(err)
	}
	s := New(Options{Model: m, Concurrency: 1, Queue: 2, Memory: 64 << 20})
	const row = `[0.4,-0.2,0.1]`
	large := `{"x":[` + strings.Repeat(row+",", 8000) + row + `]}` // 120 KB, for which a slot has no room
	ask := func(body string) (status, left int) {
		r := strings.NewReader(body)
		req := httptest.NewRequest("POST", "/predict", io.MultiReader(r))
		req.ContentLength = int64(len(body))
		w := httptest.NewRecorder()
		s.Engine().ServeHTTP(w, req)
		return w.Code, r.Len()
	}
	for range 20 {
		if status, _ := ask(large); status != http.StatusOK {
			t.Fatalf("with room: got %d, want 200", status)
		}
	}
	if err := s.gate.enter(t.Context(), 0); err != nil {
		t.Fatal(err)
	}
	waits := make(chan int, 1)
	go func() { status, _ := ask(large); waits <- status }()
	until(t, "a large request waits", func() bool { return s.gate.manyWait.Load() == 1 })
	for range sinks { // which would read the refused body away
		<-s.sinks
	}
	if status, left := ask(large); status != http.StatusServiceUnavailable || left != len(large) {
		t.Errorf("a second large one: got %d and %d bytes unread, want 503 and all %d", status, left, len(large))
	}
	if err := s.gate.full(s.expects(20 << 10)); err != nil {
		t.Errorf("a body of 20 KB: got %v, want a place in the line of small ones", err)
	}
	const one = `{"x":[0.4,-0.2,0.1]}`
	for name, long := range map[string]string{"spaces": strings.Repeat(" ", mostSmall) + one, "digits": strings.Replace(one, "1]", strings.Repeat("1", mostSmall)+"]", 1)} {
		if status, _ := ask(long); status != http.StatusServiceUnavailable {
			t.Errorf("one row and many %s: got %d, want 503 as for many rows", name, status)
		}
		req := httptest.NewRequest("POST", "/predict", io.MultiReader(strings.NewReader(long)))
		req.ContentLength = -1
		w := httptest.NewRecorder()
		s.Engine().ServeHTTP(w, req)
		if w.Code != http.StatusServiceUnavailable {
			t.Errorf("one row and many %s in chunks: got %d, want 503 as for many rows", name, w.Code)
		}
	}
	s.gate.leave()
	if status := <-waits; status != http.StatusOK {
		t.Errorf("the one that waited: got %d, want 200", status)
	}
}

// TestRefusedBeforeItIsSent does not ask for a body that the caller holds back until it is asked.
func TestRefusedBeforeItIsSent(t *testing.T) {
	_, server := full(t)
	conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", server.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	if _, err := io.WriteString(conn, "POST /predict HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\nExpect: 100-continue\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(conn).ReadString('\n')
	if err != nil || !strings.HasPrefix(line, "HTTP/1.1 503 ") {
		t.Errorf("got %q, %v, want a 503", line, err)
	}
}

// BenchmarkRefused refuses bodies of 150 KB on a kept connection, read away with and without the sinks.
func BenchmarkRefused(b *testing.B) {
	body := strings.Repeat(" ", 150_000)
	for _, with := range []bool{true, false} {
		b.Run(fmt.Sprintf("sinks=%v", with), func(b *testing.B) {
			s, server := full(b)
			for range sinks {
				if !with {
					<-s.sinks
				}
			}
			for b.Loop() {
				res, err := server.Client().Post(server.URL+"/predict", "application/json", strings.NewReader(body))
				if err != nil {
					b.Fatal(err)
				}
				_, _ = io.Copy(io.Discard, res.Body)
				_ = res.Body.Close()
			}
		})
	}
}
