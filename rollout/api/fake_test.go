package api

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
)

const (
	token  = "tok-9f3b1c77-never-to-be-seen"
	image  = "ghcr.io/o/r@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
	runKey = "1700000000-1"
)

// turn is what the fake does with one request instead of following the contract.
type turn func(w http.ResponseWriter, r *http.Request)

// says answers with a status, a body and headers given as "Name: value".
func says(code int, body string, headers ...string) turn {
	return func(w http.ResponseWriter, r *http.Request) {
		for _, h := range headers {
			name, value, _ := strings.Cut(h, ": ")
			w.Header().Set(name, value)
		}
		w.WriteHeader(code)
		io.WriteString(w, body)
	}
}

// drops closes the connection without an answer.
func drops(w http.ResponseWriter, r *http.Request) { panic(http.ErrAbortHandler) }

// cuts closes the connection in the middle of an answer.
func cuts(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Length", "1000")
	w.WriteHeader(http.StatusOK)
	io.WriteString(w, `{"id":"d-1","state":"succ`)
	w.(http.Flusher).Flush()
	panic(http.ErrAbortHandler)
}

// hangs does not answer before the client has gone.
func hangs(w http.ResponseWriter, r *http.Request) {
	io.Copy(io.Discard, r.Body)
	<-r.Context().Done()
}

// works follows the contract for this request.
var works turn

// takes starts the deployment as the contract says, and then loses the answer.
func takes(f **fake) turn {
	return func(w http.ResponseWriter, r *http.Request) {
		(*f).create(httptest.NewRecorder(), r)
		panic(http.ErrAbortHandler)
	}
}

// fake is the deployment API, strict: what a client must not send is noted as a fault and answered with 400.
type fake struct {
	*httptest.Server
	mu     sync.Mutex
	posts  []turn // the turns of the POSTs to come; none left: works
	gets   []turn
	states []string // the states of the deployment, as JSON members after the id; the last one stays
	byKey  map[string]string
	orders map[string]Order
	faults []string
	served int
	token  string // that the fake takes
	events []turn // one for each stream that is asked for; none left: the fake has no streams
	heard  []string
	status []turn // one for each time that the status is asked for; none left: the fake has none
}

func newFake(t *testing.T, posts, gets []turn, states ...string) *fake {
	f := &fake{posts: posts, gets: gets, states: states, byKey: map[string]string{}, orders: map[string]Order{}, token: token}
	f.Server = httptest.NewUnstartedServer(f)
	f.Config.ErrorLog = nil
	f.Start()
	t.Cleanup(func() {
		f.CloseClientConnections()
		f.Close()
	})
	return f
}

func (f *fake) fault(w http.ResponseWriter, format string, a ...any) {
	f.faults = append(f.faults, fmt.Sprintf(format, a...))
	f.refuse(w, http.StatusBadRequest, "not of the contract")
}

func (f *fake) refuse(w http.ResponseWriter, code int, why string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	json.NewEncoder(w).Encode(map[string]string{"error": why})
}

func (f *fake) next(r *http.Request) turn {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.served++
	queue := &f.gets
	if r.Method == http.MethodPost {
		queue = &f.posts
	}
	if len(*queue) == 0 {
		return works
	}
	first := (*queue)[0]
	*queue = (*queue)[1:]
	return first
}

func (f *fake) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method == http.MethodGet && r.URL.Path == "/v1/deployments/d-1/events" {
		f.stream(w, r)
		return
	}
	if r.Method == http.MethodGet && r.URL.Path == StatusPath {
		f.mu.Lock()
		answer := says(http.StatusNotFound, `{"error":"not found"}`)
		if len(f.status) > 0 {
			answer, f.status = f.status[0], f.status[1:]
		}
		f.mu.Unlock()
		answer(w, r)
		return
	}
	if t := f.next(r); t != nil {
		t(w, r)
		return
	}
	f.mu.Lock()
	known := r.Header.Get("Authorization") == "Bearer "+f.token
	f.mu.Unlock()
	switch {
	case !known:
		f.refuse(w, http.StatusUnauthorized, "unknown token")
	case r.Method == http.MethodPost && r.URL.String() == "/v1/deployments":
		f.create(w, r)
	case r.Method == http.MethodGet && r.URL.String() == "/v1/deployments/d-1":
		f.show(w, r)
	default:
		f.mu.Lock()
		defer f.mu.Unlock()
		f.fault(w, "%s %s is not of the contract", r.Method, r.URL)
	}
}

func (f *fake) stream(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	if r.Header.Get("Accept") != "text/event-stream" || r.Header.Get("Authorization") != "Bearer "+f.token {
		f.faults = append(f.faults, fmt.Sprintf("a stream with the headers %v", r.Header))
	}
	answer := says(http.StatusNotFound, `{"error":"not found"}`)
	if len(f.events) > 0 {
		answer, f.events = f.events[0], f.events[1:]
		f.heard = append(f.heard, r.Header.Get("Last-Event-ID"))
	}
	f.mu.Unlock()
	answer(w, r)
}

func (f *fake) create(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	key := r.Header.Get("Idempotency-Key")
	var o Order
	d := json.NewDecoder(r.Body)
	d.DisallowUnknownFields()
	if err := d.Decode(&o); err != nil || d.More() {
		f.fault(w, "the body: %v", err)
		return
	}
	switch {
	case r.Header.Get("Content-Type") != "application/json":
		f.fault(w, "Content-Type %q", r.Header.Get("Content-Type"))
	case key == "":
		f.fault(w, "no Idempotency-Key")
	case o.Check() != nil:
		f.fault(w, "the order %+v", o)
	case f.byKey[key] == "" && len(f.byKey) > 0:
		f.faults = append(f.faults, "a second deployment under another key")
		f.refuse(w, http.StatusConflict, "one is running")
	case f.byKey[key] != "" && f.orders[key] != o:
		f.fault(w, "another order under the key %s", key)
	default:
		f.byKey[key], f.orders[key] = "d-1", o
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusAccepted)
		io.WriteString(w, `{"id":"d-1","url":"/v1/deployments/d-1"}`)
	}
}

func (f *fake) show(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	switch {
	case r.ContentLength > 0:
		f.fault(w, "GET with a body")
	case len(f.orders) == 0:
		f.refuse(w, http.StatusNotFound, "no such deployment")
	default:
		state := f.states[0]
		if len(f.states) > 1 {
			f.states = f.states[1:]
		}
		w.Header().Set("Content-Type", "application/json")
		io.WriteString(w, `{"id":"d-1",`+state+`}`)
	}
}
