package page

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"ml-service/rollout"
	"ml-service/rollout/judge"
)

// town is a target whose sides answer ten requests between two counts, one of green's in error.
type town struct {
	mu     sync.Mutex
	split  rollout.Split
	counts map[rollout.Side]rollout.Counts
	broken error
	evil   string // in whatever a side says of itself
}

func (c *town) Read(context.Context) (rollout.Split, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.split, c.broken
}

func (c *town) Write(_ context.Context, want rollout.Split) (rollout.Split, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.split = want
	return want, nil
}

// set changes the town, which a page may be looking at.
func (c *town) set(change func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	change()
}

// at is the split.
func (c *town) at() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.split.String()
}

func (c *town) Sides(context.Context) ([]rollout.SideState, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return []rollout.SideState{
		{Side: "blue", State: "healthy", Version: "v1.0.0" + c.evil, Artifact: "ml-service:v1", SHA256: strings.Repeat("ab", 32), Since: time.Now().Add(-time.Hour)},
		{Side: "green", State: "healthy", Version: "v1.1.0", Artifact: "ml-service:v2" + c.evil, SHA256: strings.Repeat("cd", 32)}}, nil
}

func (c *town) Count(_ context.Context, side rollout.Side) (rollout.Counts, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	n := c.counts[side]
	n.At, n.Instance = time.Now(), string(side)
	n.Requests += 10
	if side == "green" {
		n.Errors++
	}
	n.Latency = []rollout.Bucket{{Seconds: 0.001, Count: n.Requests / 2}, {Seconds: 0.01, Count: n.Requests}}
	n.Scores = map[string]uint64{"benign" + c.evil + " 0.9": n.Requests / 2, "malignant 1": n.Requests / 2}
	c.counts[side] = n
	return n, nil
}

// place is a page of a town, in a browser with a jar of cookies.
type place struct {
	*town
	t      *testing.T
	dir    string
	page   *Handler
	server *httptest.Server
	client *http.Client
	checks int
}

const (
	mover = "mover-0123456789abcdef0123456789abcdef"
	guest = "guest-0123456789abcdef0123456789abcdef"
)

func newPlace(t *testing.T, change func(*Options)) *place {
	t.Helper()
	p := &place{t: t, dir: t.TempDir(), town: &town{split: rollout.Between("green", 10, "blue"), counts: map[rollout.Side]rollout.Counts{}}}
	o := Options{Source: Source{Canary: filepath.Join(p.dir, "canary-town.json"), Compare: filepath.Join(p.dir, "compare-town.json"), Every: 20 * time.Millisecond,
		Control: func(progress rollout.Progress) (*rollout.Control, error) { return p.control("rollout ui"), nil }},
		Check: func(token string) (Visitor, bool) {
			p.checks++
			switch token {
			case mover:
				return Visitor{"anna", true, true}, true
			case guest:
				return Visitor{"screen", true, false}, true
			}
			return Visitor{}, false
		},
	}
	if change != nil {
		change(&o)
	}
	var err error
	if p.page, err = New(o); err != nil {
		t.Fatal(err)
	}
	p.server = httptest.NewServer(p.page)
	t.Cleanup(p.server.Close)
	t.Cleanup(p.page.Close)
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	p.client = &http.Client{Jar: jar}
	return p
}

func (p *place) control(who string) *rollout.Control {
	return &rollout.Control{Target: p.town, Journal: rollout.OpenJournal(p.dir, "town"), Dir: p.dir, Name: "town", Who: who,
		Progress: rollout.Progress{Step: func(string) {}, Tell: func(string) {}}, Now: time.Now}
}

// begin begins a release to green at 10 percent, as a person does.
func (p *place) begin() {
	p.t.Helper()
	p.set(func() { p.split = rollout.All("blue") })
	s, err := p.control("test").Begin(p.t.Context())
	if err != nil {
		p.t.Fatal(err)
	}
	defer s.Close()
	e, err := s.PlanShift("green", 10, rollout.Options{Reason: "a first step"})
	if err == nil {
		_, err = s.Do(p.t.Context(), e)
	}
	if err != nil {
		p.t.Fatal(err)
	}
}

func (p *place) get(path string) (int, string) {
	p.t.Helper()
	res, err := p.client.Get(p.server.URL + path)
	return p.answer(res, err)
}

func (p *place) answer(res *http.Response, err error) (int, string) {
	p.t.Helper()
	if err != nil {
		p.t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		p.t.Fatal(err)
	}
	return res.StatusCode, string(text)
}

var csrfForm = regexp.MustCompile(`name="csrf" value="([0-9a-f]+)"`)

// post sends the form of a page.
func (p *place) post(from, path string, fields ...string) (int, string) {
	p.t.Helper()
	_, text := p.get(from)
	found := csrfForm.FindStringSubmatch(text)
	if found == nil {
		p.t.Fatalf("no form at %s: %s", from, text)
	}
	values := url.Values{"csrf": {found[1]}}
	for k := 0; k < len(fields); k += 2 {
		values.Set(fields[k], fields[k+1])
	}
	res, err := p.client.PostForm(p.server.URL+path, values)
	return p.answer(res, err)
}

func (p *place) enter(token string) {
	p.t.Helper()
	if status, text := p.post("/", "/login", "token", token); status != http.StatusOK {
		p.t.Fatalf("login: %d %s", status, text)
	}
}

// failed is the history of a release that a judge has rolled back.
func (p *place) failed() {
	p.t.Helper()
	p.begin()
	p.rolledBack()
}

func (p *place) rolledBack() {
	p.t.Helper()
	s, err := p.control("rollout canary").Begin(p.t.Context())
	if err != nil {
		p.t.Fatal(err)
	}
	defer s.Close()
	report := judge.Report{Verdict: judge.Fail, Old: "blue", New: "green", Checks: []judge.Check{{Name: "errors", Old: "0/900", New: "40/100", Verdict: judge.Fail, Why: "green fails more often", Limit: 0.03, AtMost: 0.5}}}
	evidence, err := json.Marshal(report)
	if err != nil {
		p.t.Fatal(err)
	}
	e, err := s.PlanRollback(rollout.Options{Reason: "errors: green fails more often", Evidence: evidence})
	if err == nil {
		_, err = s.Do(p.t.Context(), e)
	}
	if err != nil {
		p.t.Fatal(err)
	}
}
