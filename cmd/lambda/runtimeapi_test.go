package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"
)

// runtimeAPI is Lambda's runtime API as a bootstrap sees it: it hands out events, and takes answers and errors.
type runtimeAPI struct {
	*httptest.Server
	events    chan []byte
	outcomes  chan outcome
	initError chan outcome
	firstNext chan time.Time // holds when the bootstrap asked for its first event
}

// outcome is what a bootstrap said of one event, or of its start.
type outcome struct {
	id    string
	kind  string // response or error
	class string // Lambda-Runtime-Function-Error-Type
	body  []byte
}

// message is how a bootstrap reports an error.
type message struct{ ErrorMessage, ErrorType string }

func (o outcome) message(t *testing.T) message {
	t.Helper()
	var m message
	if err := json.Unmarshal(o.body, &m); err != nil {
		t.Fatalf("%s %q: %v", o.kind, o.body, err)
	}
	return m
}

func startRuntimeAPI(t *testing.T) *runtimeAPI {
	t.Helper()
	api := &runtimeAPI{
		events: make(chan []byte), outcomes: make(chan outcome, 1), initError: make(chan outcome, 1), firstNext: make(chan time.Time, 1),
	}
	var count int // a bootstrap asks for one event after another
	mux := http.NewServeMux()
	mux.HandleFunc("GET /2018-06-01/runtime/invocation/next", func(w http.ResponseWriter, r *http.Request) {
		select {
		case api.firstNext <- time.Now():
		default:
		}
		select {
		case event := <-api.events:
			count++
			h := w.Header()
			h.Set("Lambda-Runtime-Aws-Request-Id", fmt.Sprint("event-", count))
			h.Set("Lambda-Runtime-Deadline-Ms", fmt.Sprint(time.Now().Add(10*time.Second).UnixMilli()))
			h.Set("Lambda-Runtime-Invoked-Function-Arn", "arn:aws:lambda:eu-central-1:123456789012:function:ml:live")
			_, _ = w.Write(event)
		case <-r.Context().Done():
		}
	})
	take := func(kind string, to chan outcome) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			body, err := io.ReadAll(r.Body)
			if err != nil {
				t.Errorf("read %s: %v", kind, err)
			}
			w.WriteHeader(http.StatusAccepted)
			to <- outcome{r.PathValue("id"), kind, r.Header.Get("Lambda-Runtime-Function-Error-Type"), body}
		}
	}
	mux.HandleFunc("POST /2018-06-01/runtime/invocation/{id}/response", take("response", api.outcomes))
	mux.HandleFunc("POST /2018-06-01/runtime/invocation/{id}/error", take("error", api.outcomes))
	mux.HandleFunc("POST /2018-06-01/runtime/init/error", take("init/error", api.initError))
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		t.Errorf("the bootstrap asked for %s %s", r.Method, r.URL)
		w.WriteHeader(http.StatusNotFound)
	})
	api.Server = httptest.NewServer(mux)
	t.Cleanup(api.Close)
	return api
}

// invoke hands an event to the bootstrap and returns what came of it.
func (api *runtimeAPI) invoke(t *testing.T, event []byte) outcome {
	t.Helper()
	limit := time.After(20 * time.Second)
	select {
	case api.events <- event:
	case <-limit:
		t.Fatal("the bootstrap did not ask for an event")
	}
	select {
	case o := <-api.outcomes:
		return o
	case <-limit:
		t.Fatal("the bootstrap did not answer")
	}
	return outcome{}
}

// process is a bootstrap at work.
type process struct {
	cmd     *exec.Cmd
	started time.Time
	ended   chan struct{}
	mu      sync.Mutex
	stdout  strings.Builder
	stderr  strings.Builder
}

// spawn starts the bootstrap of dir as Lambda does, with a bare environment and env, and stops it when the test ends.
func spawn(t *testing.T, api *runtimeAPI, dir string, env ...string) *process {
	t.Helper()
	p := &process{cmd: exec.Command(dir + "/bootstrap"), ended: make(chan struct{})}
	p.cmd.Dir = dir
	p.cmd.Env = append([]string{
		"PATH=" + os.Getenv("PATH"), "LAMBDA_TASK_ROOT=" + dir, "AWS_LAMBDA_FUNCTION_NAME=ml", "AWS_LAMBDA_FUNCTION_VERSION=7",
		"AWS_LAMBDA_RUNTIME_API=" + strings.TrimPrefix(api.URL, "http://"),
	}, env...)
	p.cmd.Stdout, p.cmd.Stderr = locked{&p.mu, &p.stdout}, locked{&p.mu, &p.stderr}
	p.started = time.Now()
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		_ = p.cmd.Wait() // the status is read from ProcessState
		close(p.ended)
	}()
	t.Cleanup(func() {
		_ = p.cmd.Process.Kill() // it may have ended
		<-p.ended
		if t.Failed() {
			t.Logf("stdout:\n%s\nstderr:\n%s", p.printed(&p.stdout), p.printed(&p.stderr))
		}
	})
	return p
}

func (p *process) printed(b *strings.Builder) string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return b.String()
}

// exit waits for the end and returns the status.
func (p *process) exit(t *testing.T) int {
	t.Helper()
	select {
	case <-p.ended:
		return p.cmd.ProcessState.ExitCode()
	case <-time.After(20 * time.Second):
		t.Fatal("the bootstrap goes on running")
		return -1
	}
}

type locked struct {
	mu *sync.Mutex
	w  io.Writer
}

func (l locked) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.w.Write(b)
}
