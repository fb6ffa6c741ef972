package main

import (
	"bytes"
	"context"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

const (
	running    = `"state":"running","step":"pull"`
	succeeded  = `"state":"succeeded","step":"done"`
	rolledBack = `"state":"rolled_back","step":"judge","reason":"green: p99 9 ms above 5 ms"`
	failed     = `"state":"failed","step":"pull","reason":"no such image"`
)

// result is what a person sees of one run.
type result struct {
	code   int
	stdout string
	stderr string
	waits  []time.Duration
}

func (r result) all() string { return r.stdout + r.stderr }

// deployTo runs the program against an address. Its waits are noted and cost no time; after maxWaits of them the
// person presses Ctrl-C, so that no loop is without an end.
func deployTo(t *testing.T, address string, env map[string]string, args ...string) result {
	t.Helper()
	const maxWaits = 100
	all := map[string]string{"CLOUD_API_URL": address, "CLOUD_TOKEN": token, "IMAGE": image, "MODEL_VERSION": "v1.1.0", "IDEMPOTENCY_KEY": runKey}
	for k, v := range env {
		all[k] = v
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var res result
	var stdout, stderr bytes.Buffer
	p := program{
		getenv: func(k string) string { return all[k] },
		stdout: &stdout,
		stderr: &stderr,
		limit:  2 * time.Second,
		sleep: func(ctx context.Context, d time.Duration) error {
			if res.waits = append(res.waits, d); len(res.waits) == maxWaits {
				cancel()
			}
			return ctx.Err()
		},
	}
	res.code = exitCode(p.run(ctx, args))
	res.stdout, res.stderr = stdout.String(), stderr.String()
	if strings.Contains(res.all(), token) {
		t.Errorf("the token is in the output:\n%s", strings.ReplaceAll(res.all(), token, "<THE TOKEN>"))
	}
	for line := range strings.Lines(res.all()) {
		if !strings.HasPrefix(line, "deploy: ") {
			t.Errorf("a line that does not begin with \"deploy: \": %q", line)
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
		code    int
		says    string // in the output
		waits   int    // -1: any
		started bool   // the API has the deployment
	}{
		{"succeeds", nil, nil, []string{running, running, succeeded}, 0, "deploy: succeeded: done\n", 2, true},
		{"rolled back", nil, nil, []string{running, rolledBack}, 4, "deploy: rolled_back: judge: green: p99 9 ms above 5 ms\n", 1, true},
		{"fails", nil, nil, []string{failed}, 1, "deploy: failed: pull: no such image\n", 0, true},
		{"unknown state", nil, nil, []string{`"state":"paused"`}, 1, `want the state running, succeeded, rolled_back or failed, got "paused"`, 0, true},
		{"no state", nil, nil, []string{`"step":"pull"`}, 1, `got ""`, 0, true},
		{"never ends", nil, nil, []string{running}, 1, "stopped, last seen running: pull; the deployment may go on: GET http://127.0.0.1", 100, true},

		{"POST 400", []turn{says(400, `{"error":"bad body"}`)}, nil, nil, 2, "the API refused the order (400): bad body", 0, false},
		{"POST 401", []turn{says(401, `{"error":"unknown token"}`)}, nil, nil, 2, "the API refused the token (401): unknown token", 0, false},
		{"POST 403", []turn{says(403, `{"error":"may not deploy"}`)}, nil, nil, 2, "the API refused the token (403): may not deploy", 0, false},
		{"POST 404", []turn{says(404, `not here`)}, nil, nil, 1, "the API answered 404, which its contract does not have here: no reason given", 0, false},
		{"POST 409", []turn{says(409, `{"error":"one is running","id":"d-7"}`)}, nil, nil, 5, "another deployment is running, d-7: one is running", 0, false},
		{"POST 409 without id", []turn{says(409, `{"error":"d-7 is running"}`)}, nil, nil, 5, "another deployment is running: d-7 is running", 0, false},
		{"POST 422", []turn{says(422, `{"error":"no version v1.1.0"}`)}, nil, nil, 2, "the API refused the order (422): no version v1.1.0", 0, false},
		{"POST 200", []turn{says(200, `{"id":"d-1","url":"/v1/deployments/d-1"}`)}, nil, nil, 1, "the API answered 200, which its contract does not have here", 0, false},
		{"POST 429 then taken", []turn{says(429, `{"error":"slow down"}`, "Retry-After: 7"), works}, nil, []string{succeeded}, 0, "the API answered 429; again in 7s", 1, true},
		{"POST 429 for longer than the time-out", []turn{says(429, `{}`, "Retry-After: 86400")}, nil, nil, 1, "the next try would come after the time-out of 15m0s", 0, false},
		{"POST 500 then taken", []turn{says(500, ``), says(503, `<html>`), works}, nil, []string{succeeded}, 0, "the API answered 503; again in 2s", 2, true},
		{"POST 500 for ever", []turn{says(500, ``), says(500, ``), says(500, ``), says(500, ``), says(500, ``), says(500, ``), says(500, ``), says(500, ``)},
			nil, nil, 1, "the API answered 500, at the last of 8 tries; it may have been taken", 7, false},
		{"POST drops", []turn{drops, drops, works}, nil, []string{succeeded}, 0, "again in 1s", 2, true},
		{"POST taken, its answer lost", []turn{takes(&f), works}, nil, []string{succeeded}, 0, "deploy: accepted: d-1\n", 1, true},
		{"POST hangs", []turn{hangs, works}, nil, []string{succeeded}, 0, "again in 1s", 1, true},
		{"POST not JSON", []turn{says(202, `<html>welcome</html>`)}, nil, nil, 1, "the 202 is not the JSON of the contract", 0, false},
		{"POST two values", []turn{says(202, `{"id":"d-1","url":"/v1/deployments/d-1"} {}`)}, nil, nil, 1, "the 202 is not the JSON of the contract", 0, false},
		{"POST wrong type", []turn{says(202, `{"id":1,"url":"/v1/deployments/1"}`)}, nil, nil, 1, "the 202 is not the JSON of the contract", 0, false},
		{"POST too long", []turn{says(202, strings.Repeat(" ", maxAnswer+1))}, nil, nil, 1, "want at most 1048576 bytes", 0, false},
		{"POST no url", []turn{says(202, `{"id":"d-1"}`)}, nil, nil, 1, `want "url" as /v1/deployments/<id>`, 0, false},
		{"POST no id", []turn{says(202, `{"url":"/v1/deployments/d-1"}`)}, nil, nil, 1, `want an "id" in the 202, got none`, 0, false},
		{"POST url elsewhere", []turn{says(202, `{"id":"d-1","url":"https://elsewhere.example/v1/deployments/d-1"}`)}, nil, nil, 1, `want "url" as /v1/deployments/<id>`, 0, false},
		{"POST url upwards", []turn{says(202, `{"id":"d-1","url":"/v1/deployments/../../x"}`)}, nil, nil, 1, `want "url" as /v1/deployments/<id>`, 0, false},

		{"GET 401", nil, []turn{says(401, `{"error":"expired"}`)}, []string{succeeded}, 2, "GET: the API refused the token (401): expired", 0, true},
		{"GET 403", nil, []turn{says(403, `{"error":"not yours"}`)}, []string{succeeded}, 2, "GET: the API refused the token (403): not yours", 0, true},
		{"GET 404", nil, []turn{says(404, `{"error":"no such deployment"}`)}, []string{succeeded}, 1, "GET: the API answered 404, which its contract does not have here: no such deployment", 0, true},
		{"GET 409", nil, []turn{says(409, `{"error":"one is running"}`)}, []string{succeeded}, 1, "GET: the API answered 409", 0, true},
		{"GET 202", nil, []turn{says(202, `{}`)}, []string{succeeded}, 1, "GET: the API answered 202", 0, true},
		{"GET 429 then ends", nil, []turn{says(429, `{"error":"slow down"}`, "Retry-After: 3")}, []string{succeeded}, 0, "the API answered 429; again in 3s", 1, true},
		{"GET 502 then ends", nil, []turn{says(502, ``), works, says(502, ``)}, []string{running, succeeded}, 0, "the API answered 502; again in 1s", 3, true},
		{"GET drops", nil, []turn{drops, cuts, works}, []string{succeeded}, 0, "unexpected EOF; again in 2s", 2, true},
		{"GET drops for ever", nil, []turn{drops, drops, drops, drops, drops, drops, drops, drops}, []string{succeeded}, 1, "at the last of 8 tries; the deployment may go on: GET http://127.0.0.1", 7, true},
		{"GET hangs", nil, []turn{hangs}, []string{rolledBack}, 4, "again in 1s", 1, true},
		{"GET not JSON", nil, []turn{says(200, `ok`)}, []string{succeeded}, 1, "the 200 is not the JSON of the contract", 0, true},
		{"GET another deployment", nil, []turn{says(200, `{"id":"d-2","state":"succeeded"}`)}, []string{succeeded}, 1, `want the state of d-1, got that of "d-2"`, 0, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f = newFake(t, tt.posts, tt.gets, tt.states...)
			got := deployTo(t, f.URL, nil)
			if got.code != tt.code {
				t.Errorf("exit code: got %d, want %d", got.code, tt.code)
			}
			if !strings.Contains(got.all(), tt.says) {
				t.Errorf("output: got\n%s\nwant in it %q", got.all(), tt.says)
			}
			if tt.waits >= 0 && len(got.waits) != tt.waits {
				t.Errorf("waits: got %v, want %d", got.waits, tt.waits)
			}
			if (tt.code == 0) != (got.stderr == "") || strings.Count(got.stderr, "\n") > 1 {
				t.Errorf("stderr: got %q, want one line, and none at success", got.stderr)
			}
			f.mu.Lock()
			defer f.mu.Unlock()
			if len(f.faults) > 0 {
				t.Errorf("against the contract: %q", f.faults)
			}
			if started := len(f.orders) > 0; started != tt.started {
				t.Errorf("started: got %v, want %v", started, tt.started)
			}
			want := order{image, "v1.1.0", "switch"}
			if o, ok := f.orders[runKey]; ok && o != want {
				t.Errorf("order: got %+v, want %+v", o, want)
			}
			if len(f.posts)+len(f.gets) > 0 {
				t.Errorf("left over: %d turns of POST, %d of GET", len(f.posts), len(f.gets))
			}
		})
	}
}

func TestLinePerStep(t *testing.T) {
	f := newFake(t, nil, nil, running, running, `"state":"running","step":"health of green"`, `"state":"running","step":"switch"`, succeeded)
	got := deployTo(t, f.URL+"/", nil, "--strategy", "canary")
	want := "deploy: " + image + " as v1.1.0 by canary at " + f.URL + ", idempotency key " + runKey + `
deploy: accepted: d-1
deploy: running: pull
deploy: running: health of green
deploy: running: switch
deploy: succeeded: done
`
	if got.stdout != want || got.stderr != "" {
		t.Errorf("got\n%s%s\nwant\n%s", got.stdout, got.stderr, want)
	}
	if o := f.orders[runKey]; o.Strategy != "canary" {
		t.Errorf("strategy: got %q, want canary", o.Strategy)
	}
}

func TestPausesGrow(t *testing.T) {
	f := newFake(t, []turn{drops, drops, drops, drops, drops, drops, drops}, nil, succeeded)
	got := deployTo(t, f.URL, nil)
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
	got := deployTo(t, f.URL, nil, "--deploy-timeout", "300ms")
	if got.code != 1 || !strings.Contains(got.stderr, "no end seen within 300ms; the deployment may go on: GET "+f.URL+"/v1/deployments/d-1") {
		t.Errorf("got exit code %d and %q", got.code, got.stderr)
	}
}

func TestRedirectIsNotFollowed(t *testing.T) {
	var visits int
	elsewhere := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { visits++ }))
	defer elsewhere.Close()
	for _, code := range []int{301, 302, 303, 307, 308} {
		for _, to := range []string{elsewhere.URL + "/v1/deployments", "/v1/deployments"} {
			f := newFake(t, []turn{says(code, "", "Location: "+to)}, nil, succeeded)
			got := deployTo(t, f.URL, nil)
			if got.code != 2 || f.served != 1 || !strings.Contains(got.stderr, "the token is not sent there") {
				t.Errorf("%d to %s: got exit code %d, %d requests, %q", code, to, got.code, f.served, got.stderr)
			}
			f = newFake(t, nil, []turn{says(code, "", "Location: "+to)}, succeeded)
			if got = deployTo(t, f.URL, nil); got.code != 2 || f.served != 2 {
				t.Errorf("GET, %d to %s: got exit code %d, %d requests, %q", code, to, got.code, f.served, got.stderr)
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
	got := deployTo(t, api.URL, nil)
	if got.code != 1 || len(got.waits) > 0 || !strings.Contains(got.stderr, "certificate") {
		t.Errorf("got exit code %d, waits %v and %q; want 1, none, and the certificate named", got.code, got.waits, got.stderr)
	}
}

// An API that sends the token back, or lines that GitHub's runner would obey, must not reach the log with them.
func TestHostileAnswers(t *testing.T) {
	evil := `"state":"running","step":"` + token + `\n::set-output name=x::y\r\u001b[31m ##[add-mask]y","reason":"Bearer ` + token + `"`
	end := `"state":"failed","reason":"token ` + token + ` \n::stop-commands::x"`
	f := newFake(t, nil, nil, evil, end)
	got := deployTo(t, f.URL, nil)
	for _, bad := range []string{"\n::", "##[", "\x1b", "\r"} {
		if strings.Contains(got.all(), bad) {
			t.Errorf("output has %q: %q", bad, got.all())
		}
	}
	if !strings.Contains(got.stderr, "failed: token *** ::stop-commands::x") && !strings.Contains(got.stderr, "failed: token ***  ::stop-commands::x") {
		t.Errorf("got %q, want the reason with *** for the token", got.stderr)
	}
	for _, code := range []int{400, 401, 403, 404, 409, 422} {
		f := newFake(t, []turn{says(code, `{"error":"`+token+`","id":"`+token+`"}`, "Location: /"+token)}, nil, succeeded)
		deployTo(t, f.URL, nil)
	}
	f = newFake(t, []turn{says(307, ``, "Location: https://x.example/?t="+token)}, nil, succeeded)
	deployTo(t, f.URL, nil)
}
