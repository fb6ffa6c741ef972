package api

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"ml-service/rollout"
)

const (
	ours        = "ghcr.io/owner/repo"
	serverToken = "0123456789abcdef0123456789abcdef-deploy"
)

func digestOf(c string) string { return ours + "@sha256:" + strings.Repeat(c, 64) }

// place is a target with two sides that do as they are told, and the docker on PATH beside it.
type place struct {
	mu      sync.Mutex
	split   rollout.Split
	runs    map[rollout.Side]rollout.Artifact
	counts  map[rollout.Side]*rollout.Counts
	fail    func(n int) bool // whether the n-th request of green fails
	golden  float64          // what a side predicts
	written []string
}

func newPlace() *place {
	p := &place{split: rollout.All("blue"), golden: 1, runs: map[rollout.Side]rollout.Artifact{"blue": {Image: digestOf("b"), Version: "v1.0.0"}, "green": {Image: digestOf("a"), Version: "v0.9.0"}},
		counts: map[rollout.Side]*rollout.Counts{"blue": {Instance: "blue-1", Requests: 1000}, "green": {Instance: "green-1"}}}
	p.split.Revision = "0"
	return p
}

func (p *place) Read(context.Context) (rollout.Split, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.split, nil
}

func (p *place) Write(_ context.Context, want rollout.Split) (rollout.Split, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.split = want
	p.split.Revision = fmt.Sprint(len(p.written) + 1)
	p.written = append(p.written, want.String())
	return p.split, nil
}

func (p *place) Sides(context.Context) ([]rollout.SideState, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	var all []rollout.SideState
	for _, side := range []rollout.Side{"blue", "green"} {
		all = append(all, rollout.SideState{Side: side, State: "healthy", Version: p.runs[side].Version, Artifact: p.runs[side].Image, Instance: p.counts[side].Instance})
	}
	return all, nil
}

func (p *place) Ask(_ context.Context, side rollout.Side, req rollout.Request) (rollout.Answer, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	version := p.runs[side].Version
	body := fmt.Sprintf(`{"x-model":{"name":"ml-service","version":%q,"kind":"classifier","sha256":"","inputs":[],"outputs":[],"classes":[]}}`, version)
	if req.Path == "/predict" {
		body = fmt.Sprintf(`{"prediction":%g,"version":%q}`, p.golden, version)
	}
	return rollout.Answer{Status: 200, Header: http.Header{"X-Model-Version": {version}}, Body: []byte(body)}, nil
}

// Count has every side answer as many requests again as its share has percents.
func (p *place) Count(_ context.Context, side rollout.Side) (rollout.Counts, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	n := p.counts[side]
	for range int(p.split.Shares[side]) {
		n.Requests++
		if side == "green" && p.fail != nil && p.fail(int(n.Requests)) {
			n.Errors++
		}
	}
	n.At = time.Now()
	return *n, nil
}

func (p *place) Deploy(_ context.Context, side rollout.Side, what rollout.Artifact) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.runs[side] = what
	p.counts[side] = &rollout.Counts{Instance: string(side) + "-" + what.Version}
	return nil
}

// dockerOnPath is a docker that has every image and says what it was called with.
func dockerOnPath(t *testing.T, script string) (log string) {
	t.Helper()
	dir := t.TempDir()
	log = filepath.Join(dir, "calls")
	text := "#!/bin/sh\necho \"$*\" >> " + log + "\n" + script + `
case "$1 $2" in
"info "*) echo ` + dir + ` ;;
"pull "*) ;;
"image inspect") for last; do :; done; echo "[\"$last\"]" ;;
"image ls") printf '%s\n' ` + digestOf("1") + " " + digestOf("b") + ` other/repo@sha256:x ;;
"create "*) echo container ;;
"cp "*) echo "Could not find the file" >&2; exit 1 ;;
esac
`
	if err := os.WriteFile(filepath.Join(dir, "docker"), []byte(text), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", dir+string(os.PathListSeparator)+os.Getenv("PATH"))
	return log
}

// started is a server over a place, in a folder, and what it wrote into its audit.
func started(t *testing.T, p *place, dir string, tokens *Tokens, change func(*Options)) (*Server, *httptest.Server, *bytes.Buffer) {
	t.Helper()
	if tokens == nil {
		var err error
		if tokens, err = OpenTokens(serverToken, ""); err != nil {
			t.Fatal(err)
		}
	}
	var audit bytes.Buffer
	plan := DefaultPlan()
	plan.Watch, plan.Every, plan.Steps = 600*time.Millisecond, 100*time.Millisecond, []float64{50, 100}
	plan.Limits.StepSpan = 0.1
	o := Options{Dir: dir, State: dir, Repository: ours, Tokens: tokens, Plan: plan, Audit: slog.New(slog.NewJSONHandler(&audit, nil)),
		Control: func(progress rollout.Progress) (*rollout.Control, error) {
			return &rollout.Control{Target: p, Journal: rollout.OpenJournal(dir, "place"), Dir: dir, Name: "place", Who: "test", Progress: progress, Now: time.Now}, nil
		}}
	if change != nil {
		change(&o)
	}
	s, err := NewServer(o)
	if err != nil {
		t.Fatal(err)
	}
	h := httptest.NewServer(s)
	t.Cleanup(func() {
		s.Close()
		h.Close()
	})
	return s, h, &audit
}

// ask calls the server; header overrides what a right caller sends.
func ask(t *testing.T, h *httptest.Server, method, path, body string, header map[string]string) (int, string, http.Header) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, h.URL+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+serverToken)
	if method == "POST" {
		r.Header.Set("Idempotency-Key", "key")
	}
	for name, value := range header {
		switch {
		case name == "Host":
			r.Host = value
		case value == "":
			r.Header.Del(name)
		default:
			r.Header.Set(name, value)
		}
	}
	resp, err := h.Client().Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(text), resp.Header
}

func orderOf(image, version, strategy string) string {
	text, err := json.Marshal(Order{image, version, strategy})
	if err != nil {
		panic(err)
	}
	return string(text)
}

// end waits for the end of a deployment.
func end(t *testing.T, h *httptest.Server, id string) View {
	t.Helper()
	for until := time.Now().Add(30 * time.Second); time.Now().Before(until); time.Sleep(10 * time.Millisecond) {
		var v View
		if _, text, _ := ask(t, h, "GET", Path+"/"+id, "", nil); json.Unmarshal([]byte(text), &v) != nil {
			t.Fatalf("got %s", text)
		}
		if v.State != Running {
			return v
		}
	}
	t.Fatal("the deployment does not end")
	return View{}
}

func accepted(t *testing.T, h *httptest.Server, body string, header map[string]string) string {
	t.Helper()
	status, text, _ := ask(t, h, "POST", Path, body, header)
	var a Accepted
	if err := json.Unmarshal([]byte(text), &a); err != nil || status != http.StatusAccepted || a.URL != Path+"/"+a.ID {
		t.Fatalf("got %d %s, want an accepted order", status, text)
	}
	return a.ID
}

func TestAttacks(t *testing.T) {
	dockerOnPath(t, "")
	good := orderOf(digestOf("c"), "v1.1.0", Switch)
	readOnly := strings.Repeat("r", 40)
	file := filepath.Join(t.TempDir(), "tokens")
	if err := os.WriteFile(file, fmt.Appendf(nil, "ci deploy %s\nscreen read %s\n", serverToken, readOnly), 0o600); err != nil {
		t.Fatal(err)
	}
	tokens, err := OpenTokens("", file)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name, method, path, body string
		header                   map[string]string
		status                   int
		says                     string
	}{
		{"no token", "POST", Path, good, map[string]string{"Authorization": ""}, 401, "want a valid token"},
		{"a wrong token", "POST", Path, good, map[string]string{"Authorization": "Bearer " + strings.Repeat("x", 39)}, 401, "want a valid token"},
		{"an empty token", "POST", Path, good, map[string]string{"Authorization": "Bearer "}, 401, "want a valid token"},
		{"an over-long token", "POST", Path, good, map[string]string{"Authorization": "Bearer " + strings.Repeat("x", 9000)}, 401, "want a valid token"},
		{"a token with a space", "POST", Path, good, map[string]string{"Authorization": "Bearer  " + serverToken}, 401, "want a valid token"},
		{"the token as a password", "POST", Path, good, map[string]string{"Authorization": "Basic " + serverToken}, 401, "want a valid token"},
		{"the token in the URL", "POST", Path + "?token=" + serverToken, good, map[string]string{"Authorization": ""}, 400, "question mark"},
		{"the token in the URL too", "POST", Path + "?token=" + serverToken, good, nil, 400, "question mark"},
		{"a token that may only read", "POST", Path, good, map[string]string{"Authorization": "Bearer " + readOnly}, 403, "none of the scopes deploy"},
		{"a foreign repository", "POST", Path, orderOf("ghcr.io/other/repo@sha256:"+strings.Repeat("c", 64), "v1.1.0", Switch), nil, 422, "want one of " + ours},
		{"a repository that begins alike", "POST", Path, orderOf(ours+"2@sha256:"+strings.Repeat("c", 64), "v1.1.0", Switch), nil, 422, "want one of " + ours},
		{"a tag instead of a digest", "POST", Path, orderOf(ours+":latest", "v1.1.0", Switch), nil, 422, "an image by digest"},
		{"a tag and a digest", "POST", Path, orderOf(ours+":v1@sha256:"+strings.Repeat("c", 64), "v1.1.0", Switch), nil, 422, "an image by digest"},
		{"an option for docker", "POST", Path, orderOf("--help", "v1.1.0", Switch), nil, 422, "an image by digest"},
		{"a path in the version", "POST", Path, orderOf(digestOf("c"), "../../etc", Switch), nil, 422, "version: want letters"},
		{"a command in the version", "POST", Path, orderOf(digestOf("c"), "v1;reboot", Switch), nil, 422, "version: want letters"},
		{"a variable in the version", "POST", Path, orderOf(digestOf("c"), "${CLOUD_TOKEN}", Switch), nil, 422, "version: want letters"},
		{"a line break in the version", "POST", Path, orderOf(digestOf("c"), "v1\nGREEN_IMAGE=evil", Switch), nil, 422, "version: want letters"},
		{"an unknown strategy", "POST", Path, orderOf(digestOf("c"), "v1.1.0", "now"), nil, 422, "strategy: want switch or canary"},
		{"an unknown member", "POST", Path, `{"image":"a","version":"b","strategy":"switch","command":"sh"}`, nil, 400, "and nothing else"},
		{"two orders", "POST", Path, good + good, nil, 400, "and nothing else"},
		{"a bracket behind the order", "POST", Path, good + "]", nil, 400, "and nothing else"},
		{"the token in the path", "GET", Path + "/" + serverToken, "", nil, 404, "no such deployment"},
		{"the token as a route", "GET", "/v1/" + serverToken, "", nil, 404, "no such route"},
		{"the token as a page", "GET", "/" + serverToken, "", nil, 404, "no such route"},
		{"the token as a method", serverToken, Path, "", nil, 404, "no such route"},
		{"no JSON", "POST", Path, "image=x", nil, 400, "and nothing else"},
		{"a body of 17 KiB", "POST", Path, strings.Repeat(" ", 17<<10), nil, 413, "at most 16384 bytes"},
		{"no key", "POST", Path, good, map[string]string{"Idempotency-Key": ""}, 400, "want one Idempotency-Key"},
		{"a key with a space", "POST", Path, good, map[string]string{"Idempotency-Key": "a b"}, 400, "visible ASCII"},
		{"a key of 300 characters", "POST", Path, good, map[string]string{"Idempotency-Key": strings.Repeat("k", 300)}, 400, "visible ASCII"},
		{"a foreign Host", "GET", Path, "", map[string]string{"Host": "evil.example"}, 421, "not called so"},
		{"a foreign Origin", "POST", Path, good, map[string]string{"Origin": "https://evil.example"}, 403, "another origin"},
		{"the Origin null", "POST", Path, good, map[string]string{"Origin": "null"}, 403, "another origin"},
		{"another site", "POST", Path, good, map[string]string{"Sec-Fetch-Site": "cross-site"}, 403, "another origin"},
		{"a path in the id", "GET", Path + "/..%2f..%2flock", "", nil, 404, "no such deployment"},
		{"an id that is none", "GET", Path + "/nobody", "", nil, 404, "no such deployment"},
		{"another method", "DELETE", Path, "", nil, 404, "no such route"},
		{"another route", "GET", "/v1/tokens", "", nil, 404, "no such route"},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := newPlace()
			_, h, audit := started(t, p, t.TempDir(), tokens, nil)
			status, text, header := ask(t, h, c.method, c.path, c.body, c.header)
			var refusal Refusal
			if err := json.Unmarshal([]byte(text), &refusal); err != nil || status != c.status || !strings.Contains(refusal.Error, c.says) {
				t.Errorf("got %d %s, want %d that says %q", status, text, c.status, c.says)
			}
			for _, secret := range []string{serverToken, readOnly} {
				if strings.Contains(text+fmt.Sprint(header)+audit.String(), secret) {
					t.Errorf("the token is in the answer or the audit: %s %s", text, audit.String())
				}
			}
			if lines := strings.Count(audit.String(), `"msg":"call"`); lines != 1 {
				t.Errorf("%d lines in the audit, want 1: %s", lines, audit.String())
			}
			if len(p.written) > 0 {
				t.Errorf("somebody was moved: %q", p.written)
			}
		})
	}
}

// A body that never ends, or comes too slowly, costs its own connection alone.
func TestSlowBodies(t *testing.T) {
	served, other, _ := started(t, newPlace(), t.TempDir(), nil, nil)
	other.Close()
	h := httptest.NewUnstartedServer(served)
	h.Config.ReadTimeout = 300 * time.Millisecond // as serve sets it, shorter
	h.Start()
	defer h.Close()
	conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", h.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprintf(conn, "POST %s HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer %s\r\nIdempotency-Key: k\r\nContent-Length: 100\r\n\r\n{", Path, serverToken)
	if status, text, _ := ask(t, h, "GET", Path, "", nil); status != 200 {
		t.Errorf("beside it: %d %s", status, text)
	}
	_ = conn.SetReadDeadline(time.Now().Add(10 * time.Second))
	answer, err := io.ReadAll(conn)
	if err != nil || !strings.Contains(string(answer), " 400 ") {
		t.Errorf("got %q, %v, want a 400", answer, err)
	}
}

// Wrong tokens are told so thirty times a minute; a right one is never kept out by them.
func TestTooManyFailures(t *testing.T) {
	_, h, _ := started(t, newPlace(), t.TempDir(), nil, nil)
	got := map[int]int{}
	for range mostFailures + 5 {
		status, _, header := ask(t, h, "GET", Path, "", map[string]string{"Authorization": "Bearer nothing"})
		got[status]++
		if status == 429 && header.Get("Retry-After") == "" {
			t.Error("a 429 without Retry-After")
		}
	}
	if got[401] != mostFailures || got[429] != 5 {
		t.Errorf("got %v, want %d of 401 and 5 of 429", got, mostFailures)
	}
	if status, _, _ := ask(t, h, "GET", Path, "", nil); status != 200 {
		t.Errorf("the right token: %d", status)
	}
}

func TestDeployments(t *testing.T) {
	for name, c := range map[string]struct {
		strategy string
		spoil    func(t *testing.T, p *place, dir string)
		script   string
		change   func(*Options)
		state    string
		reason   string
		share    float64 // of green at the end
	}{
		"switch":                   {strategy: Switch, state: Succeeded, share: 100},
		"canary":                   {strategy: Canary, state: Succeeded, share: 100},
		"switch to one that fails": {strategy: Switch, spoil: func(_ *testing.T, p *place, _ string) { p.fail = func(n int) bool { return n%10 == 0 } }, state: RolledBack, reason: "of the requests fail"},
		"canary of one that fails": {strategy: Canary, spoil: func(_ *testing.T, p *place, _ string) { p.fail = func(n int) bool { return n%5 == 0 } }, state: RolledBack, reason: "green fails more often than blue"},
		"the registry is dead":     {strategy: Switch, script: `[ "$1" != pull ] || { echo "connection refused" >&2; exit 1; }`, state: Failed, reason: "connection refused; nothing was changed"},
		"the registry hangs":       {strategy: Switch, script: `[ "$1" != pull ] || exec sleep 30`, change: func(o *Options) { o.Plan.PullWithin = 200 * time.Millisecond }, state: Failed, reason: "the pull took longer than 200ms"},
		"another digest":           {strategy: Switch, script: `[ "$1 $2" != "image inspect" ] || { echo '["` + digestOf("d") + `"]'; exit; }`, state: Failed, reason: "the registry gave another image"},
		"both sides have traffic": {strategy: Switch, spoil: func(_ *testing.T, p *place, _ string) {
			p.split = rollout.Between("green", 30, "blue")
			p.split.Revision = "0"
		}, state: Failed, reason: "both sides have traffic", share: 30},
		"no signature": {strategy: Switch, change: func(o *Options) { o.VerifyKey = "key.pub" }, state: Failed, reason: "the signature of"},
	} {
		t.Run(name, func(t *testing.T) {
			log := dockerOnPath(t, c.script)
			p, dir := newPlace(), t.TempDir()
			if c.spoil != nil {
				c.spoil(t, p, dir)
			}
			_, h, _ := started(t, p, dir, nil, c.change)
			id := accepted(t, h, orderOf(digestOf("c"), "v1.1.0", c.strategy), nil)
			if again := accepted(t, h, orderOf(digestOf("c"), "v1.1.0", c.strategy), nil); again != id {
				t.Errorf("the same key again gave %s, want %s", again, id)
			}
			v := end(t, h, id)
			if v.State != c.state || !strings.Contains(v.Reason, c.reason) {
				t.Fatalf("got %s %q, want %s %q; events %+v", v.State, v.Reason, c.state, c.reason, v.Events)
			}
			split, err := p.Read(t.Context())
			if err != nil || split.Shares["green"] != c.share {
				t.Errorf("left at %s, want %g %% for green", split, c.share)
			}
			calls, err := os.ReadFile(log)
			if err != nil && !errors.Is(err, os.ErrNotExist) { // docker may not have been called
				t.Fatal(err)
			}
			if removed := strings.Contains(string(calls), "image rm "+digestOf("1")); removed != (c.state == Succeeded) || strings.Contains(string(calls), "image rm "+digestOf("b")) || strings.Contains(string(calls), "rm other") {
				t.Errorf("images were removed: %t\n%s", removed, calls)
			}
			_, text, header := ask(t, h, "GET", Path+"/"+id+"/events", "", nil)
			if first, last := strings.Index(text, "id: 1\n"), strings.Index(text, "event: "+c.state+"\n"); first != 0 || last < 0 || header.Get("Content-Type") != "text/event-stream" {
				t.Errorf("the events are\n%s", text)
			}
			if status, text, _ := ask(t, h, "POST", Path, orderOf(digestOf("e"), "v1.1.0", Switch), nil); status != 422 || !strings.Contains(text, id) {
				t.Errorf("a replayed key with another body: %d %s", status, text)
			}
			if status, text, _ := ask(t, h, "GET", "/v1/status", "", nil); status != 200 || !strings.Contains(text, `"state":"healthy"`) {
				t.Errorf("status: %d %s", status, text)
			}
		})
	}
}

// Two at once: the second is told which one runs. What a person says ends it.
func TestOneAtATime(t *testing.T) {
	dockerOnPath(t, "")
	p := newPlace()
	_, h, _ := started(t, p, t.TempDir(), nil, func(o *Options) { o.Plan.Watch = time.Hour })
	id := accepted(t, h, orderOf(digestOf("c"), "v1.1.0", Switch), nil)
	status, text, header := ask(t, h, "POST", Path, orderOf(digestOf("e"), "v1.2.0", Switch), map[string]string{"Idempotency-Key": "other"})
	var refusal Refusal
	if err := json.Unmarshal([]byte(text), &refusal); err != nil || status != 409 || refusal.ID != id || header.Get("Retry-After") == "" {
		t.Errorf("got %d %s, want 409 with %s", status, text, id)
	}
	for until := time.Now().Add(10 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		if split, _ := p.Read(t.Context()); split.Shares["green"] == 100 {
			break
		}
		if time.Now().After(until) {
			t.Fatal("nobody was moved")
		}
	}
	if status, text, _ := ask(t, h, "POST", Path+"/"+id+"/rollback", "", nil); status != 202 {
		t.Fatalf("got %d %s", status, text)
	}
	if v := end(t, h, id); v.State != RolledBack || !strings.Contains(v.Reason, "rolled back by hand to blue 100 %") {
		t.Errorf("got %+v", v)
	}
}

// What has succeeded is taken back while it is the last thing that was done.
func TestRollbackAfterwards(t *testing.T) {
	dockerOnPath(t, "")
	p := newPlace()
	_, h, _ := started(t, p, t.TempDir(), nil, nil)
	id := accepted(t, h, orderOf(digestOf("c"), "v1.1.0", Switch), nil)
	end(t, h, id)
	if status, text, _ := ask(t, h, "POST", Path+"/"+id+"/promote", "", nil); status != 409 {
		t.Errorf("promote what has ended: %d %s", status, text)
	}
	status, text, _ := ask(t, h, "POST", Path+"/"+id+"/rollback", "", nil)
	if split, _ := p.Read(t.Context()); status != 200 || !strings.Contains(text, `"rolled_back"`) || split.Shares["blue"] != 100 {
		t.Errorf("got %d %s at %s", status, text, split)
	}
	if status, text, _ := ask(t, h, "POST", Path+"/"+id+"/rollback", "", nil); status != 409 {
		t.Errorf("once more: %d %s", status, text)
	}
}

// A server that ends in the middle leaves the deployment to the next one, which goes on, and has its events from the start.
func TestGoesOnAfterARestart(t *testing.T) {
	dockerOnPath(t, "")
	p, dir := newPlace(), t.TempDir()
	first, h, _ := started(t, p, dir, nil, func(o *Options) { o.Plan.Watch = time.Hour })
	id := accepted(t, h, orderOf(digestOf("c"), "v1.1.0", Switch), nil)
	for until := time.Now().Add(10 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		_, text, _ := ask(t, h, "GET", Path+"/"+id, "", nil)
		if strings.Contains(text, "watch green") {
			break
		}
		if time.Now().After(until) {
			t.Fatalf("it does not come to watch: %s", text)
		}
	}
	first.Close()
	_, h, _ = started(t, p, dir, nil, nil)
	v := end(t, h, id)
	if v.State != Succeeded || v.Events[0].Number != 1 || len(p.written) != 1 {
		t.Errorf("got %+v, written %q; want it to end well and nobody to be moved twice", v, p.written)
	}
	resumed := false
	for _, e := range v.Events {
		resumed = resumed || strings.Contains(e.Reason, "started again")
	}
	if !resumed {
		t.Errorf("nobody said that it went on: %+v", v.Events)
	}
}

// The document names every route, and the contract's members.
func TestDocument(t *testing.T) {
	_, h, _ := started(t, newPlace(), t.TempDir(), nil, nil)
	status, text, _ := ask(t, h, "GET", "/openapi.json", "", map[string]string{"Authorization": ""})
	var d struct {
		Paths      map[string]map[string]any
		Components struct {
			Schemas map[string]struct{ Properties map[string]any }
		}
	}
	if err := json.Unmarshal([]byte(text), &d); err != nil || status != 200 {
		t.Fatal(status, err)
	}
	for _, route := range []string{"POST " + Path, "GET " + Path, "GET " + Path + "/{id}", "GET " + Path + "/{id}/events", "POST " + Path + "/{id}/promote", "POST " + Path + "/{id}/rollback", "GET /v1/status"} {
		method, path, _ := strings.Cut(route, " ")
		if d.Paths[path][strings.ToLower(method)] == nil {
			t.Errorf("%s is not in the document", route)
		}
	}
	for name, value := range map[string]any{"Order": Order{}, "Accepted": Accepted{}, "Deployment": View{}, "Event": Event{}, "Refusal": Refusal{}} {
		text, err := json.Marshal(value)
		var members map[string]any
		if err := errors.Join(err, json.Unmarshal(text, &members)); err != nil {
			t.Fatal(err)
		}
		for member := range members {
			if d.Components.Schemas[name].Properties[member] == nil {
				t.Errorf("%s.%s is not in the document", name, member)
			}
		}
	}
}
