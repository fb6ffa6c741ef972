package handler_test

import (
	"bytes"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"testing"

	"ml-service/handler"
)

// sink is a ResponseWriter that keeps the status alone, so that only the router's own allocations count.
type sink struct {
	header http.Header
	status int
}

func (s *sink) Header() http.Header         { return s.header }
func (s *sink) WriteHeader(status int)      { s.status = status }
func (s *sink) Write(p []byte) (int, error) { return len(p), nil }

// body is a request body that can be read again.
type body struct{ bytes.Reader }

func (*body) Close() error { return nil }

// round is one request through the router, over and over, without net/http's own part.
type round struct {
	engine http.Handler
	req    *http.Request
	body   body
	sink   sink
}

func newRound(tb testing.TB, version string) *round {
	tb.Helper()
	req, err := http.NewRequest(http.MethodPost, "http://x/predict", http.NoBody)
	if err != nil {
		tb.Fatal(err)
	}
	r := &round{req: req, sink: sink{header: make(http.Header)}}
	r.engine = handler.New(handler.Options{Model: demo(tb, version), Color: "blue", Logger: slog.New(slog.NewJSONHandler(io.Discard, nil))}).Engine()
	req.Body = &r.body
	return r
}

func (r *round) send(text []byte) int {
	clear(r.sink.header)
	r.body.Reset(text)
	r.req.ContentLength = int64(len(text))
	r.engine.ServeHTTP(&r.sink, r.req)
	return r.sink.status
}

func BenchmarkPredict(b *testing.B) {
	for _, version := range []string{"v1.0.0", "v1.1.0"} {
		b.Run(version, func(b *testing.B) {
			r := newRound(b, version)
			var texts [][]byte
			for i := range 1000 {
				f := float64(i%37)/10 - 1.8
				texts = append(texts, fmt.Appendf(nil, `{"x":[%.7f,%.7f,%.7f]}`, f, f*f-0.3, 0.7-f/3))
			}
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				if status := r.send(texts[i%len(texts)]); status != 200 {
					b.Fatalf("got %d, want 200", status)
				}
			}
		})
	}
}
