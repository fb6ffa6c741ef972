package handler_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gin-gonic/gin"

	"ml-service/handler"
	"ml-service/model"
)

const (
	example = `{"x":[0.4,-0.2,0.1]}`
	answer  = `{"prediction":1.0,"confidence":0.603,"version":"v1.0.0"}`
)

// log keeps what a service logs.
type log struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *log) Write(p []byte) (int, error) { l.mu.Lock(); defer l.mu.Unlock(); return l.buf.Write(p) }

// lines gives the log so far, a map a line.
func (l *log) lines(t *testing.T) (lines []map[string]any) {
	t.Helper()
	l.mu.Lock()
	defer l.mu.Unlock()
	for dec := json.NewDecoder(bytes.NewReader(l.buf.Bytes())); ; {
		var line map[string]any
		if err := dec.Decode(&line); err == io.EOF {
			return lines
		} else if err != nil {
			t.Fatal(err)
		}
		lines = append(lines, line)
	}
}

func logger(l *log, level slog.Level) *slog.Logger {
	return slog.New(slog.NewJSONHandler(l, &slog.HandlerOptions{Level: level}))
}

// TestPanic sends a panic's cause to the log alone. An http.ErrAbortHandler, and a panic behind the first byte of an
// answer, break the connection instead.
func TestPanic(t *testing.T) {
	var logged log
	engine := handler.New(handler.Options{Model: demo(t, "v1.0.0"), Logger: logger(&logged, slog.LevelInfo)}).Engine()
	engine.GET("/panic", func(*gin.Context) { panic("the secret cause") })
	engine.GET("/abort", func(*gin.Context) { panic(http.ErrAbortHandler) })
	engine.GET("/late", func(c *gin.Context) {
		_, _ = io.WriteString(c.Writer, strings.Repeat("begun", 5000))
		panic("the late cause")
	})
	server := httptest.NewUnstartedServer(engine)
	server.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	server.Start()
	defer server.Close()

	res, got := send(t, server.URL, request{Method: "GET", Path: "/panic"})
	if res.StatusCode != 500 || got != `{"error":"internal error"}` || res.Header.Get("X-Model-Version") != "v1.0.0" {
		t.Errorf("got %d %s, want 500 with the body of an error and the version", res.StatusCode, got)
	}
	var found bool
	for _, line := range logged.lines(t) {
		found = found || line["error"] == "the secret cause" && line["request_id"] == "req-1" && strings.Contains(fmt.Sprint(line["stack"]), "service_test.go")
	}
	if !found {
		t.Errorf("want the cause, the request id and the stack in the log, got %v", logged.lines(t))
	}
	for _, path := range []string{"/abort", "/late"} {
		res, err := http.Get(server.URL + path)
		if err == nil {
			_, err = io.ReadAll(res.Body)
			_ = res.Body.Close()
		}
		if err == nil {
			t.Errorf("%s: got a whole answer, want a broken connection", path)
		}
	}
	if res, got := send(t, server.URL, request{Method: "POST", Path: "/predict", Body: example}); res.StatusCode != 200 || got != answer {
		t.Errorf("afterwards: got %d %s, want 200 %s", res.StatusCode, got, answer)
	}
}

// TestLogs: nothing of a success at info, one line of a failure, and never a body.
func TestLogs(t *testing.T) {
	for _, level := range []slog.Level{slog.LevelInfo, slog.LevelDebug} {
		var logged log
		server := httptest.NewServer(handler.New(handler.Options{Model: demo(t, "v1.0.0"), Color: "green", Logger: logger(&logged, level)}).Engine())
		send(t, server.URL, request{Method: "POST", Path: "/predict?token=secret", Body: example})
		send(t, server.URL, request{Method: "POST", Path: "/predict?token=secret", Body: `{"patient":"secret"}`})
		server.Close()

		lines := logged.lines(t)
		want := 1
		if level == slog.LevelDebug {
			want = 2
		}
		if len(lines) != want {
			t.Fatalf("%s: got %d lines, want %d: %v", level, len(lines), want, lines)
		}
		last := lines[len(lines)-1]
		for key, value := range map[string]any{"level": "INFO", "msg": "request failed", "method": "POST", "path": "/predict", "status": 422.0,
			"request_id": "req-1", "version": "v1.0.0", "color": "green", "error": "x: missing, want a list of 3 numbers"} {
			if last[key] != value {
				t.Errorf("%s: %s: got %v, want %v", level, key, last[key], value)
			}
		}
		if strings.Contains(logged.buf.String(), "secret") {
			t.Errorf("%s: the log holds a body or a query: %s", level, logged.buf.String())
		}
	}
}

func TestDrain(t *testing.T) {
	service := handler.New(handler.Options{Model: demo(t, "v1.0.0")})
	server := httptest.NewServer(service.Engine())
	defer server.Close()
	service.Drain()
	for _, c := range []struct {
		request request
		status  int
		want    string
	}{
		{request{Method: "GET", Path: "/health"}, 503, `{"status":"draining","version":"v1.0.0"}`},
		{request{Method: "POST", Path: "/predict", Body: example}, 200, answer},
		{request{Method: "GET", Path: "/none"}, 404, `{"error":"no such path"}`},
	} {
		res, got := send(t, server.URL, c.request)
		if res.StatusCode != c.status || got != c.want || !res.Close {
			t.Errorf("%s: got %d %s, closes %v, want %d %s, true", c.request.Path, res.StatusCode, got, res.Close, c.status, c.want)
		}
	}
}

// TestShortBody announces more than it sends.
func TestShortBody(t *testing.T) {
	server := httptest.NewServer(handler.New(handler.Options{Model: demo(t, "v1.0.0")}).Engine())
	defer server.Close()
	for name, text := range map[string]string{
		"announced": "Content-Length: 100\r\n\r\n" + example,
		"chunked":   "Transfer-Encoding: chunked\r\n\r\n5\r\n{\"x\":\r\n",
	} {
		conn, err := net.Dial("tcp", server.Listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.WriteString(conn, "POST /predict HTTP/1.1\r\nHost: x\r\n"+text)
		if err := conn.(*net.TCPConn).CloseWrite(); err != nil {
			t.Fatal(err)
		}
		res, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil {
			t.Fatal(err)
		}
		got, _ := io.ReadAll(res.Body)
		_ = conn.Close()
		if want := `{"error":"the body ends early or is broken: want as many bytes as announced"}`; res.StatusCode != 400 || string(got) != want {
			t.Errorf("%s: got %d %s, want 400 %s", name, res.StatusCode, got, want)
		}
	}
}

// TestGolden asks for the golden rows of both demo models, one by one and as one batch.
func TestGolden(t *testing.T) {
	for _, version := range []string{"v1.0.0", "v1.1.0"} {
		server := httptest.NewServer(handler.New(handler.Options{Model: demo(t, version)}).Engine())
		defer server.Close()
		data, err := os.ReadFile("../models/" + version + "/golden.json")
		if err != nil {
			t.Fatal(err)
		}
		type row struct{ Prediction, Confidence float64 }
		var golden struct {
			Rows    []struct{ X json.RawMessage }
			Answers []row
		}
		if err := json.Unmarshal(data, &golden); err != nil {
			t.Fatal(err)
		}
		if len(golden.Rows) != 26 || len(golden.Answers) != 26 {
			t.Fatalf("%s: got %d rows and %d answers, want 26", version, len(golden.Rows), len(golden.Answers))
		}
		var batch []string
		for i, r := range golden.Rows {
			batch = append(batch, string(r.X))
			_, got := send(t, server.URL, request{Method: "POST", Path: "/predict", Body: `{"x":` + string(r.X) + `}`})
			if want := bodyOf(golden.Answers[i].Prediction, golden.Answers[i].Confidence) + `,"version":"` + version + `"}`; got != want {
				t.Errorf("%s row %d: got %s, want %s", version, i, got, want)
			}
		}
		res, got := send(t, server.URL, request{Method: "POST", Path: "/predict", Body: `{"x":[` + strings.Join(batch, ",") + `]}`})
		var want []string
		for _, a := range golden.Answers {
			want = append(want, bodyOf(a.Prediction, a.Confidence)+"}")
		}
		if want := `{"predictions":[` + strings.Join(want, ",") + `],"version":"` + version + `"}`; got != want {
			t.Errorf("%s batch: got %s\nwant %s", version, got, want)
		}
		if length := res.Header.Get("Content-Length"); length != strconv.Itoa(len(got)) {
			t.Errorf("%s batch: got Content-Length %q, want %d", version, length, len(got))
		}
	}
}

// bodyOf is an answer without its end.
func bodyOf(prediction, confidence float64) string {
	c := strconv.FormatFloat(math.Round(confidence*1000)/1000, 'f', -1, 64)
	return fmt.Sprintf(`{"prediction":%.1f,"confidence":%s`, prediction, c)
}

// counter is an Observer.
type counter struct {
	mu       sync.Mutex
	requests map[string]int
	rows     int
}

func (c *counter) Request(route string, status int, _ time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.requests[fmt.Sprint(route, " ", status)]++
}

func (c *counter) Inference(b *model.Batch, _ time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.rows += b.Rows()
}

func TestObserver(t *testing.T) {
	seen := counter{requests: make(map[string]int)}
	server := httptest.NewServer(handler.New(handler.Options{Model: demo(t, "v1.0.0"), Observer: &seen}).Engine())
	send(t, server.URL, request{Method: "POST", Path: "/predict", Body: example})
	send(t, server.URL, request{Method: "POST", Path: "/predict", Body: `{"x":[[1,2,3],[4,5,6]]}`})
	send(t, server.URL, request{Method: "POST", Path: "/predict", Body: `{}`})
	send(t, server.URL, request{Method: "GET", Path: "/none/of/these"})
	server.Close()
	want := map[string]int{"/predict 200": 2, "/predict 422": 1, " 404": 1}
	if fmt.Sprint(seen.requests) != fmt.Sprint(want) || seen.rows != 3 {
		t.Errorf("got %v and %d rows, want %v and 3", seen.requests, seen.rows, want)
	}
}

// TestManyAtOnce mixes good and bad requests on many connections.
func TestManyAtOnce(t *testing.T) {
	server := httptest.NewServer(handler.New(handler.Options{Model: demo(t, "v1.1.0")}).Engine())
	defer server.Close()
	errs := make(chan error, 8)
	for worker := range cap(errs) {
		go func() {
			var failures []error
			for i := range 100 {
				body, want := example, `{"prediction":1.0,"confidence":0.897,"version":"v1.1.0"}`
				if (i+worker)%3 == 0 {
					body, want = `{"x":[0.4,"a",0.1]}`, `{"error":"x[1]: want a number, got \"a\"","field":"x[1]"}`
				}
				res, err := http.Post(server.URL+"/predict", "application/json", strings.NewReader(body))
				if err != nil {
					failures = append(failures, err)
					continue
				}
				got, err := io.ReadAll(res.Body)
				_ = res.Body.Close()
				if err != nil {
					failures = append(failures, err)
				} else if string(got) != want {
					failures = append(failures, fmt.Errorf("got %s, want %s", got, want))
				}
			}
			errs <- errors.Join(failures...)
		}()
	}
	for range cap(errs) {
		if err := <-errs; err != nil {
			t.Error(err)
		}
	}
}

// broken is an observer that panics.
type broken struct{}

func (broken) Request(string, int, time.Duration)    { panic("no request is counted") }
func (broken) Inference(*model.Batch, time.Duration) { panic("no batch is counted") }

// TestObserverPanics sends the answer all the same, logs the fault and counts it.
func TestObserverPanics(t *testing.T) {
	var logged log
	service := handler.New(handler.Options{Model: demo(t, "v1.0.0"), Logger: logger(&logged, slog.LevelInfo), Observer: broken{}})
	server := httptest.NewServer(service.Engine())
	defer server.Close()
	if res, got := send(t, server.URL, request{Method: "POST", Path: "/predict", Body: example}); res.StatusCode != 200 || got != answer {
		t.Errorf("got %d %s, want 200 %s", res.StatusCode, got, answer)
	}
	server.Close() // the request is counted behind its answer
	lines := logged.lines(t)
	if got := service.Load().Unobserved; got != 2 || len(lines) != 2 || lines[0]["msg"] != "observer panicked" || lines[0]["error"] != "no batch is counted" {
		t.Errorf("counted %d, logged %v, want both faults", got, lines)
	}
}
