package api

import (
	"context"
	"errors"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode"
)

const (
	running    = `"state":"running","step":"pull"`
	succeeded  = `"state":"succeeded","step":"done"`
	rolledBack = `"state":"rolled_back","step":"judge","reason":"green: p99 9 ms above 5 ms"`
	failed     = `"state":"failed","step":"pull","reason":"no such image"`
)

// result is what a person sees of one run.
type result struct {
	said  string // the lines of progress
	text  string // of err
	err   error
	waits []time.Duration
}

func (r result) all() string { return r.said + r.text }

var order = Order{image, "v1.1.0", Switch}

// to is a client for an address, with the token of the tests; edit changes it.
func to(t *testing.T, address string, edit func(*Client)) *Client {
	t.Helper()
	base, err := ParseURL(address)
	if err != nil {
		t.Fatal(err)
	}
	c := &Client{Base: base, Token: token, Key: runKey, Limit: 15 * time.Minute, Request: 2 * time.Second}
	if edit != nil {
		edit(c)
	}
	return c
}

// deploy runs a client. Its waits are noted and cost no time; after maxWaits of them the person presses Ctrl-C, so that
// no loop is without an end.
func deploy(t *testing.T, c *Client) result {
	t.Helper()
	const maxWaits = 100
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var res result
	c.Say = func(line string) { res.said += line + "\n" }
	c.Sleep = func(ctx context.Context, d time.Duration) error {
		if res.waits = append(res.waits, d); len(res.waits) == maxWaits {
			cancel()
		}
		return ctx.Err()
	}
	if res.err = c.Deploy(ctx, order); res.err != nil {
		res.text = res.err.Error()
	}
	for _, line := range append(strings.Split(res.said, "\n"), res.text) {
		if len(c.Token) > 5 && strings.Contains(line, c.Token) {
			t.Errorf("the token is in %q", strings.ReplaceAll(line, c.Token, "<THE TOKEN>"))
		}
		if strings.ContainsFunc(line, func(r rune) bool { return !unicode.IsPrint(r) }) || strings.Contains(line, "##[") {
			t.Errorf("not one printable line: %q", line)
		}
	}
	return res
}

func TestOutcomes(t *testing.T) {
	var f *fake
	tests := []struct {
		name    string
		posts   []turn
		gets    []turn
		states  []string
		kind    error
		says    string // in the output
		waits   int    // -1: any
		started bool   // the API has the deployment
	}{
		{"succeeds", nil, nil, []string{running, running, succeeded}, nil, "succeeded: done\n", 2, true},
		{"rolled back", nil, nil, []string{running, rolledBack}, ErrRolledBack, "rolled_back: judge: green: p99 9 ms above 5 ms", 1, true},
		{"fails", nil, nil, []string{failed}, ErrFailed, "failed: pull: no such image", 0, true},
		{"unknown state", nil, nil, []string{`"state":"paused"`}, ErrFailed, `want the state running, succeeded, rolled_back or failed, got "paused"`, 0, true},
		{"no state", nil, nil, []string{`"step":"pull"`}, ErrFailed, `got ""`, 0, true},
		{"never ends", nil, nil, []string{running}, ErrFailed, "stopped, last seen running: pull; the deployment may go on: GET http://127.0.0.1", 100, true},

		{"POST 400", []turn{says(400, `{"error":"bad body"}`)}, nil, nil, ErrRefused, "the API refused the order (400): bad body", 0, false},
		{"POST 401", []turn{says(401, `{"error":"unknown token"}`)}, nil, nil, ErrRefused, "the API refused the token (401): unknown token", 0, false},
		{"POST 403", []turn{says(403, `{"error":"may not deploy"}`)}, nil, nil, ErrRefused, "the API refused the token (403): may not deploy", 0, false},
		{"POST 404", []turn{says(404, `not here`)}, nil, nil, ErrFailed, "the API answered 404, which its contract does not have here: no reason given; it may have been taken: to look, send the same order", 0, false},
		{"POST 409 then taken", []turn{says(409, `{"error":"d-7 is running"}`), works}, nil, []string{succeeded}, nil, "another deployment is running: d-7 is running; waiting", 1, true},
		{"POST 422", []turn{says(422, `{"error":"no version v1.1.0"}`)}, nil, nil, ErrRefused, "the API refused the order (422): no version v1.1.0", 0, false},
		{"POST 200", []turn{says(200, `{"id":"d-1","url":"/v1/deployments/d-1"}`)}, nil, nil, ErrFailed, "the API answered 200, which its contract does not have here", 0, false},
		{"POST 429 then taken", []turn{says(429, `{"error":"slow down"}`, "Retry-After: 7"), works}, nil, []string{succeeded}, nil, "the API answered 429; again in 7s", 1, true},
		{"POST 429 for longer than the time-out", []turn{says(429, `{}`, "Retry-After: 86400")}, nil, nil, ErrFailed, "the next try would come after the time-out of 15m0s", 0, false},
		{"POST 500 then taken", []turn{says(500, ``), says(503, `<html>`), works}, nil, []string{succeeded}, nil, "the API answered 503; again in 2s", 2, true},
		{"POST 500 for ever", []turn{says(500, ``), says(500, ``), says(500, ``), says(500, ``), says(500, ``), says(500, ``), says(500, ``), says(500, ``)},
			nil, nil, ErrFailed, "the API answered 500, at the last of 8 tries; it may have been taken", 7, false},
		{"POST drops", []turn{drops, drops, works}, nil, []string{succeeded}, nil, "again in 1s", 2, true},
		{"POST taken, its answer lost", []turn{takes(&f), works}, nil, []string{succeeded}, nil, "accepted: d-1\n", 1, true},
		{"POST hangs", []turn{hangs, works}, nil, []string{succeeded}, nil, "again in 1s", 1, true},
		{"POST not JSON", []turn{says(202, `<html>welcome</html>`)}, nil, nil, ErrFailed, "the 202 is not the JSON of the contract", 0, false},
		{"POST two values", []turn{says(202, `{"id":"d-1","url":"/v1/deployments/d-1"} {}`)}, nil, nil, ErrFailed, "the 202 is not the JSON of the contract", 0, false},
		{"POST wrong type", []turn{says(202, `{"id":1,"url":"/v1/deployments/1"}`)}, nil, nil, ErrFailed, "the 202 is not the JSON of the contract", 0, false},
		{"POST too long", []turn{says(202, strings.Repeat(" ", maxAnswer+1))}, nil, nil, ErrFailed, "want at most 1048576 bytes", 0, false},
		{"POST no url", []turn{says(202, `{"id":"d-1"}`)}, nil, nil, ErrFailed, `want "url" as /v1/deployments/<id>`, 0, false},
		{"POST no id", []turn{says(202, `{"url":"/v1/deployments/d-1"}`)}, nil, nil, ErrFailed, `want an "id" in the 202, got none`, 0, false},
		{"POST url elsewhere", []turn{says(202, `{"id":"d-1","url":"https://elsewhere.example/v1/deployments/d-1"}`)}, nil, nil, ErrFailed, `want "url" as /v1/deployments/<id>`, 0, false},
		{"POST url upwards", []turn{says(202, `{"id":"d-1","url":"/v1/deployments/../../x"}`)}, nil, nil, ErrFailed, `want "url" as /v1/deployments/<id>`, 0, false},

		{"GET 401", nil, []turn{says(401, `{"error":"expired"}`)}, []string{succeeded}, ErrRefused, "GET: the API refused the token (401): expired", 0, true},
		{"GET 403", nil, []turn{says(403, `{"error":"not yours"}`)}, []string{succeeded}, ErrRefused, "GET: the API refused the token (403): not yours", 0, true},
		{"GET 404", nil, []turn{says(404, `{"error":"no such deployment"}`)}, []string{succeeded}, ErrFailed, "GET: the API answered 404, which its contract does not have here: no such deployment; the deployment may go on: GET http://", 0, true},
		{"GET 409", nil, []turn{says(409, `{"error":"one is running"}`)}, []string{succeeded}, ErrFailed, "GET: the API answered 409", 0, true},
		{"GET 202", nil, []turn{says(202, `{}`)}, []string{succeeded}, ErrFailed, "GET: the API answered 202", 0, true},
		{"GET 429 then ends", nil, []turn{says(429, `{"error":"slow down"}`, "Retry-After: 3")}, []string{succeeded}, nil, "the API answered 429; again in 3s", 1, true},
		{"GET 502 then ends", nil, []turn{says(502, ``), works, says(502, ``)}, []string{running, succeeded}, nil, "the API answered 502; again in 1s", 3, true},
		{"GET drops", nil, []turn{drops, cuts, works}, []string{succeeded}, nil, "unexpected EOF; again in 2s", 2, true},
		{"GET drops for ever", nil, []turn{drops, drops, drops, drops, drops, drops, drops, drops}, []string{succeeded}, ErrFailed, "at the last of 8 tries; the deployment may go on: GET http://127.0.0.1", 7, true},
		{"GET hangs", nil, []turn{hangs}, []string{rolledBack}, ErrRolledBack, "again in 1s", 1, true},
		{"GET not JSON", nil, []turn{says(200, `ok`)}, []string{succeeded}, ErrFailed, "the 200 is not the JSON of the contract", 0, true},
		{"GET another deployment", nil, []turn{says(200, `{"id":"d-2","state":"succeeded"}`)}, []string{succeeded}, ErrFailed, `want the state of d-1, got that of "d-2"`, 0, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f = newFake(t, tt.posts, tt.gets, tt.states...)
			got := deploy(t, to(t, f.URL, nil))
			if !errors.Is(got.err, tt.kind) {
				t.Errorf("got the error %v, want of the kind %v", got.err, tt.kind)
			}
			if !strings.Contains(got.all(), tt.says) {
				t.Errorf("output: got\n%s\nwant in it %q", got.all(), tt.says)
			}
			if tt.waits >= 0 && len(got.waits) != tt.waits {
				t.Errorf("waits: got %v, want %d", got.waits, tt.waits)
			}
			f.mu.Lock()
			defer f.mu.Unlock()
			if len(f.faults) > 0 {
				t.Errorf("against the contract: %q", f.faults)
			}
			if started := len(f.orders) > 0; started != tt.started {
				t.Errorf("started: got %v, want %v", started, tt.started)
			}
			if o, ok := f.orders[runKey]; ok && o != order {
				t.Errorf("order: got %+v, want %+v", o, order)
			}
			if len(f.posts)+len(f.gets) > 0 {
				t.Errorf("left over: %d turns of POST, %d of GET", len(f.posts), len(f.gets))
			}
		})
	}
}

func TestLinePerStep(t *testing.T) {
	f := newFake(t, nil, nil, running, running, `"state":"running","step":"health of green"`, `"state":"running","step":"switch"`, succeeded)
	got := deploy(t, to(t, f.URL+"/", nil))
	want := image + " as v1.1.0 by switch at " + f.URL + ", idempotency key " + runKey + `
accepted: d-1
running: pull
running: health of green
running: switch
succeeded: done
`
	if got.said != want || got.err != nil {
		t.Errorf("got\n%s%v\nwant\n%s", got.said, got.err, want)
	}
}

func TestPausesGrow(t *testing.T) {
	f := newFake(t, []turn{drops, drops, drops, drops, drops, drops, drops}, nil, succeeded)
	got := deploy(t, to(t, f.URL, nil))
	want := []time.Duration{1, 2, 4, 8, 15, 15, 15}
	if len(got.waits) != len(want) {
		t.Fatalf("waits: got %v, want %d of them", got.waits, len(want))
	}
	for i, w := range want {
		if got.waits[i] != w*time.Second {
			t.Errorf("wait %d: got %v, want %v", i, got.waits[i], w*time.Second)
		}
	}
}

func TestOverallTimeout(t *testing.T) {
	f := newFake(t, nil, []turn{hangs}, running)
	got := deploy(t, to(t, f.URL, func(c *Client) { c.Limit = 300 * time.Millisecond }))
	if !errors.Is(got.err, ErrFailed) || !strings.Contains(got.text, "no end seen within 300ms; the deployment may go on: GET "+f.URL+"/v1/deployments/d-1") {
		t.Errorf("got %v", got.err)
	}
}

// While another deployment runs, the order waits for its turn, or not, as it is told.
func TestBusy(t *testing.T) {
	busy := says(409, `{"error":"one is running","id":"d-0"}`)
	tests := []struct {
		name  string
		posts []turn
		edit  func(*Client)
		kind  error
		says  string
		waits []time.Duration
	}{
		{"waits", []turn{busy, busy, works}, nil, nil, "another deployment is running, d-0: one is running; waiting for its end\naccepted: d-1\n", []time.Duration{3 * time.Second, 3 * time.Second}},
		{"waits as long as it is told", []turn{says(409, `{"error":"busy"}`, "Retry-After: 20"), works}, nil, nil, "accepted: d-1", []time.Duration{20 * time.Second}},
		{"longer than the time-out", []turn{busy}, func(c *Client) { c.Limit = 2 * time.Second }, ErrBusy, "another deployment is running, d-0: one is running; it did not end within 2s", nil},
		{"does not wait", []turn{busy}, func(c *Client) { c.FailIfBusy = true }, ErrBusy, "another deployment is running, d-0: one is running", nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f := newFake(t, tt.posts, nil, succeeded)
			got := deploy(t, to(t, f.URL, tt.edit))
			if !errors.Is(got.err, tt.kind) || !strings.Contains(got.all(), tt.says) || !slices.Equal(got.waits, tt.waits) {
				t.Errorf("got %v, waits %v and\n%s\nwant %v, %v and %q", got.err, got.waits, got.said, tt.kind, tt.waits, tt.says)
			}
		})
	}
	never := make([]turn, 200)
	for i := range never {
		never[i] = busy
	}
	if got := deploy(t, to(t, newFake(t, never, nil).URL, nil)); !errors.Is(got.err, ErrFailed) || !strings.Contains(got.text, "stopped; nothing was started: another deployment is running, d-0") {
		t.Errorf("Ctrl-C while waiting: got %v", got.err)
	}
}

func TestRedirectIsNotFollowed(t *testing.T) {
	var visits int
	elsewhere := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { visits++ }))
	defer elsewhere.Close()
	for _, code := range []int{301, 302, 303, 307, 308} {
		for _, target := range []string{elsewhere.URL + "/v1/deployments", "/v1/deployments"} {
			f := newFake(t, []turn{says(code, "", "Location: "+target)}, nil, succeeded)
			got := deploy(t, to(t, f.URL, nil))
			if !errors.Is(got.err, ErrRefused) || f.served != 1 || !strings.Contains(got.text, "the token is not sent there") {
				t.Errorf("%d to %s: got %v, %d requests", code, target, got.err, f.served)
			}
			f = newFake(t, nil, []turn{says(code, "", "Location: "+target)}, succeeded)
			if got = deploy(t, to(t, f.URL, nil)); !errors.Is(got.err, ErrRefused) || f.served != 2 {
				t.Errorf("GET, %d to %s: got %v, %d requests", code, target, got.err, f.served)
			}
		}
	}
	if visits > 0 {
		t.Errorf("the other server saw %d requests, want none", visits)
	}
}

// A certificate that is not trusted will not be trusted a second later.
func TestUntrustedCertificate(t *testing.T) {
	api := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("the API was reached") }))
	api.Config.ErrorLog = log.New(io.Discard, "", 0)
	api.StartTLS()
	defer api.Close()
	got := deploy(t, to(t, api.URL, nil))
	if !errors.Is(got.err, ErrFailed) || len(got.waits) > 0 || !strings.Contains(got.text, "certificate") {
		t.Errorf("got %v, waits %v; want none, and the certificate named", got.err, got.waits)
	}
}

// An order that cannot be is refused here, and what it names may be the token by mistake.
func TestOrderIsCheckedFirst(t *testing.T) {
	for _, o := range []Order{{token, "v1", Switch}, {image, "v 1", Switch}, {image, "v1", "yolo"}, {strings.Repeat("a", 295) + token, "v1", Switch}} {
		c := to(t, "http://127.0.0.1:1", nil)
		if err := c.Deploy(t.Context(), o); !errors.Is(err, ErrRefused) || strings.Contains(err.Error(), token[:5]) {
			t.Errorf("%+v: got %v", o, err)
		}
	}
}
