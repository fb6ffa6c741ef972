package page

import (
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"ml-service/rollout"
	"ml-service/rollout/canary"
	"ml-service/rollout/judge"
)

var hidden = regexp.MustCompile(`name="(release|from)" value="([^"]*)"`)

// confirm presses a button and confirms what it says, which must have words in it.
func (p *place) confirm(verb string, words ...string) (int, string) {
	p.t.Helper()
	status, text := p.get("/" + verb)
	if status != http.StatusOK {
		p.t.Fatalf("%s is not asked about: %d %s", verb, status, text)
	}
	wantIn(p.t, text, words...)
	var fields []string
	for _, f := range hidden.FindAllStringSubmatch(text, -1) {
		fields = append(fields, f[1], f[2])
	}
	return p.post("/"+verb, "/"+verb, fields...)
}

func (p *place) last() rollout.Entry {
	p.t.Helper()
	all, err := rollout.OpenJournal(p.dir, "town").All()
	if err != nil || len(all) == 0 {
		p.t.Fatalf("history: %v, %v", all, err)
	}
	return all[len(all)-1]
}

func TestMoves(t *testing.T) {
	p := newPlace(t, nil)
	p.begin()
	p.enter(mover)
	if status, text := p.confirm("promote", "green 100 %", "blue goes on running", "done at once"); status != http.StatusOK {
		t.Fatalf("%d %s", status, text)
	}
	if e := p.last(); e.Verb != "promote" || e.Who != "anna, on the page" || p.at() != "green 100 %" {
		t.Errorf("%+v at %s", e, p.at())
	}
	if status, text := p.confirm("rollback", "all the traffic to blue", "ends the release"); status != http.StatusOK {
		t.Fatalf("%d %s", status, text)
	}
	if e := p.last(); e.Verb != "rollback" || p.at() != "blue 100 %" {
		t.Errorf("%+v at %s", e, p.at())
	}
	for verb := range buttons {
		if status, text := p.get("/" + verb); status != http.StatusConflict || !strings.Contains(text, "nothing to") {
			t.Errorf("%s after the end: %d %s", verb, status, text)
		}
	}
}

// TestMovesAreRefused to those who may not, to forms of others, and where things have changed.
func TestMovesAreRefused(t *testing.T) {
	p := newPlace(t, func(o *Options) { o.Open = true })
	p.begin()
	release := p.last().Release
	for _, token := range []string{"", guest} {
		if token != "" {
			p.enter(token)
		}
		if _, text := p.get("/"); strings.Contains(text, `href="rollback"`) {
			t.Errorf("token %q has buttons", token)
		}
		if status, _ := p.get("/rollback"); status != http.StatusForbidden {
			t.Errorf("token %q is asked: %d", token, status)
		}
		if status, _ := p.post("/", "/rollback", "release", release); status != http.StatusForbidden {
			t.Errorf("token %q: %d", token, status)
		}
	}
	p.post("/", "/logout")
	p.enter(mover)
	for name, fields := range map[string][]string{
		"without a token for forms": {"csrf", "", "release", release},
		"of another one":            {"csrf", strings.Repeat("0", 64), "release", release},
		"another release":           {"release", "20200101-000000-aaaa"},
		"another split":             {"release", release, "from", "blue 50 %, green 50 %"},
	} {
		if status, _ := p.post("/", "/promote", fields...); status != http.StatusForbidden && status != http.StatusConflict {
			t.Errorf("%s: %d", name, status)
		}
	}
	if p.last().Verb != "shift" || p.at() != "blue 90 %, green 10 %" {
		t.Errorf("somebody was moved: %s", p.at())
	}
}

// TestMovesOfACanary: the process that has the lock does what was asked, and another one is told that it cannot be.
func TestMovesOfACanary(t *testing.T) {
	p := newPlace(t, nil)
	p.set(func() { p.split = rollout.All("blue") })
	p.enter(mover)
	for verb, split := range map[string]string{"pause": "blue 90 %, green 10 %", "rollback": "blue 100 %", "promote": "green 100 %"} {
		p.set(func() { p.split = rollout.All("blue") })
		s, err := p.control("rollout canary").Begin(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		limits := judge.DefaultLimits()
		limits.StepSpan = 600 // it does not end by itself
		run, err := canary.Prepare(t.Context(), s, canary.Options{To: "green", Steps: []float64{10, 100}, Every: 100 * time.Millisecond, Measure: 100 * time.Millisecond,
			MaxWait: time.Hour, OnHold: canary.Pause, Limits: limits, AcceptSignature: true, AcceptDrift: true, State: p.page.Canary})
		if err != nil {
			t.Fatal(err)
		}
		ended := make(chan error, 1)
		go func() { ended <- run.Run(t.Context()) }()
		for until := time.Now().Add(5 * time.Second); ; {
			if _, text := p.get("/"); strings.Contains(text, "A canary to green runs at 10 %") {
				break
			}
			if time.Now().After(until) {
				t.Fatal("the canary is not on the page")
			}
		}
		if status, text := p.confirm(verb, "At work is rollout canary"); status != http.StatusOK {
			t.Fatalf("%s: %d %s", verb, status, text)
		}
		select {
		case err = <-ended:
		case <-time.After(5 * time.Second):
			t.Fatalf("the canary has not followed %s", verb)
		}
		if p.at() != split {
			t.Errorf("%s: %v at %s, want %s", verb, err, p.split, split)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
		if verb == "pause" {
			_, text := p.get("/")
			wantIn(t, text, "The canary to green is at rest at 10 %")
			p.confirm("rollback", "done at once")
		}
	}
}

// TestLocked: what is at work follows nothing.
func TestLocked(t *testing.T) {
	p := newPlace(t, nil)
	p.begin()
	p.enter(mover)
	lock, err := rollout.TakeLock(p.dir, "rollout shift")
	if err != nil {
		t.Fatal(err)
	}
	defer lock.Release()
	if status, text := p.confirm("rollback"); status != http.StatusConflict || !strings.Contains(text, "rollout shift") {
		t.Errorf("%d %s", status, text)
	}
	if d, err := rollout.OpenJournal(p.dir, "town").Directive(); d != nil || err != nil {
		t.Errorf("a directive was left for nobody: %v, %v", d, err)
	}
}
