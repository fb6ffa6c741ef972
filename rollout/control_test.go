package rollout

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// table is a target that remembers a split.
type table struct {
	split Split
	fail  error
}

func (t *table) Read(context.Context) (Split, error) { return t.split, nil }

func (t *table) Write(_ context.Context, want Split) (Split, error) {
	if t.fail != nil {
		return Split{}, t.fail
	}
	if err := want.Check(); err != nil {
		return Split{}, err
	}
	if want.Revision != t.split.Revision {
		return Split{}, ErrDrifted
	}
	t.split = want
	t.split.Revision += "+"
	return t.split, nil
}

func control(t *testing.T, target Target) *Control {
	dir := filepath.Join(t.TempDir(), ".rollout")
	silent := func(string) {}
	return &Control{Target: target, Journal: OpenJournal(dir, "table"), Dir: dir, Name: "table", Who: "test",
		Progress: Progress{silent, silent}, Now: time.Now}
}

// step is one call of a verb, as from a process of its own.
func step(t *testing.T, c *Control, plan func(*Session) (Entry, error)) (Entry, error) {
	t.Helper()
	s, err := c.Begin(t.Context())
	if err != nil {
		return Entry{}, err
	}
	defer s.Close()
	e, err := plan(s)
	if err != nil {
		return e, err
	}
	return s.Do(t.Context(), e)
}

func shift(to Side, percent float64, o Options) func(*Session) (Entry, error) {
	return func(s *Session) (Entry, error) { return s.PlanShift(to, percent, o) }
}

func TestRelease(t *testing.T) {
	target := &table{split: All("blue")}
	c := control(t, target)
	promote := func(s *Session) (Entry, error) { return s.PlanPromote("", Options{}) }
	rollback := func(s *Session) (Entry, error) { return s.PlanRollback(Options{Reason: "why"}) }
	for i, one := range []struct {
		plan  func(*Session) (Entry, error)
		split string // afterwards
		err   error
	}{
		{promote, "blue 100 %", ErrUsage},
		{rollback, "blue 100 %", ErrUsage},
		{shift("blue", 10, Options{}), "blue 100 %", ErrUsage},
		{shift("green", 10, Options{}), "blue 90 %, green 10 %", nil},
		{shift("red", 10, Options{}), "blue 90 %, green 10 %", ErrUsage},
		{shift("green", 40, Options{From: "green"}), "blue 90 %, green 10 %", ErrUsage},
		{shift("green", 40, Options{From: "blue"}), "blue 60 %, green 40 %", nil},
		{shift("blue", 70, Options{}), "blue 70 %, green 30 %", nil},
		{shift("green", 101, Options{}), "blue 70 %, green 30 %", ErrUsage},
		{promote, "green 100 %", nil},
		{promote, "green 100 %", ErrUsage},
		{rollback, "blue 100 %", nil},
		{rollback, "blue 100 %", ErrUsage},
		{shift("green", 100, Options{}), "green 100 %", nil},
		{rollback, "blue 100 %", nil},
	} {
		e, err := step(t, c, one.plan)
		if !errors.Is(err, one.err) || (err == nil) != (one.err == nil) {
			t.Errorf("step %d: got error %v, want %v", i, err, one.err)
		}
		if err == nil && target.split.Back != (e.Verb == "rollback") {
			t.Errorf("step %d: the target was told that %s is a way back: %t", i, e.Verb, target.split.Back)
		}
		if got := target.split.String(); got != one.split {
			t.Fatalf("step %d: the split is %s, want %s", i, got, one.split)
		}
	}
	all, err := c.Journal.All()
	if err != nil || len(all) != 7 {
		t.Fatalf("%d entries in the history, %v; want 7", len(all), err)
	}
	if info, err := os.Stat(c.Dir); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("mode of .rollout: %v, %v; want 0700", info.Mode(), err)
	}
}

func TestBeginsAtASplit(t *testing.T) {
	target := &table{split: Between("green", 50, "blue")}
	c := control(t, target)
	if _, err := step(t, c, shift("green", 10, Options{})); !errors.Is(err, ErrUsage) || !strings.Contains(err.Error(), "--from") {
		t.Errorf("got %v, want a demand for --from", err)
	}
	if _, err := step(t, c, shift("green", 10, Options{From: "blue"})); err != nil {
		t.Fatal(err)
	}
	if _, err := step(t, c, func(s *Session) (Entry, error) { return s.PlanRollback(Options{}) }); err != nil || target.split.String() != "blue 100 %" {
		t.Errorf("rollback: %v, %s", err, target.split)
	}
}

func TestDrift(t *testing.T) {
	target := &table{split: All("blue")}
	c := control(t, target)
	if _, err := step(t, c, shift("green", 10, Options{})); err != nil {
		t.Fatal(err)
	}
	target.split = Between("green", 60, "blue")
	if _, err := step(t, c, shift("green", 20, Options{})); !errors.Is(err, ErrDrifted) {
		t.Errorf("got %v, want ErrDrifted", err)
	}
	e, err := step(t, c, shift("green", 20, Options{AcceptDrift: true}))
	if err != nil || len(e.Notes) != 1 || e.Baseline != "blue" {
		t.Errorf("accepted: %v, %+v", err, e)
	}
	target.split = All("green")
	if e, err := step(t, c, func(s *Session) (Entry, error) { return s.PlanRollback(Options{}) }); err != nil || len(e.Notes) != 1 {
		t.Errorf("a rollback does not wait for drift: %v, %+v", err, e)
	}
}

func TestAnotherMachinesRelease(t *testing.T) {
	target := &table{split: Split{Shares: map[Side]float64{"7": 90, "8": 10}, Mark: Mark{"elsewhere", "7"}}}
	c := control(t, target)
	if _, err := step(t, c, func(s *Session) (Entry, error) { return s.PlanRollback(Options{}) }); err != nil || target.split.String() != "7 100 %" {
		t.Errorf("rollback by the mark: %v, %s", err, target.split)
	}
}

func TestFailureStandsInTheHistory(t *testing.T) {
	target := &table{split: All("blue"), fail: errors.New("no")}
	c := control(t, target)
	if _, err := step(t, c, shift("green", 10, Options{})); err == nil || !strings.Contains(err.Error(), "shift: no") {
		t.Errorf("got %v", err)
	}
	all, err := c.Journal.All()
	if err != nil || len(all) != 1 || all[0].Result != "failed" || all[0].Error != "no" {
		t.Errorf("history: %+v, %v", all, err)
	}
	if s, err := c.Look(t.Context()); err != nil || s.Release != nil || s.Pending != nil {
		t.Errorf("a release that failed to begin is none: %+v, %v", s, err)
	}
}

func TestLock(t *testing.T) {
	c := control(t, &table{split: All("blue")})
	s, err := c.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Begin(t.Context()); !errors.Is(err, ErrLocked) || ExitCode(err) != 5 || !strings.Contains(err.Error(), "test, since") {
		t.Errorf("got %v, want ErrLocked with who has it", err)
	}
	if who := Holder(c.Dir); !strings.HasPrefix(who, "test, since") {
		t.Errorf("holder %q", who)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if who := Holder(c.Dir); who != "" {
		t.Errorf("holder %q after the lock was given back", who)
	}
}

func TestKilledBetweenTheSteps(t *testing.T) {
	for _, one := range []struct {
		name, becomes, result string
		left                  Split
	}{
		{"before the write", "nothing is changed", "unfinished", All("blue")},
		{"after the write", "it is finished", "done", Between("green", 10, "blue")},
		{"and somebody else came", "somebody has changed it since", "unfinished", Between("green", 33, "blue")},
	} {
		t.Run(one.name, func(t *testing.T) {
			c := control(t, &table{split: one.left})
			e := Entry{ID: "x", Release: "x", Target: "table", Verb: "shift", Baseline: "blue", Side: "green", From: All("blue"), To: Between("green", 10, "blue")}
			if err := c.Journal.Begin(e); err != nil {
				t.Fatal(err)
			}
			s, err := c.Begin(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			if !strings.Contains(s.Settled, one.becomes) || s.Pending != nil {
				t.Errorf("got %q, want %q", s.Settled, one.becomes)
			}
			all, err := c.Journal.All()
			if err != nil || len(all) != 1 || all[0].Result != one.result {
				t.Errorf("history %+v, %v; want %s", all, err, one.result)
			}
		})
	}
}

func TestJournalSurvivesACutLine(t *testing.T) {
	dir := t.TempDir()
	j := OpenJournal(dir, "table")
	if err := j.Append(Entry{ID: "1", Target: "table"}); err != nil {
		t.Fatal(err)
	}
	f, err := os.OpenFile(filepath.Join(dir, "history.jsonl"), os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteString(`{"id":"2","tar`); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(f.Close(), j.Append(Entry{ID: "3", Target: "table"}), j.Append(Entry{ID: "4", Target: "other"})); err != nil {
		t.Fatal(err)
	}
	all, err := j.All()
	if err != nil || len(all) != 2 || all[0].ID != "1" || all[1].ID != "3" {
		t.Errorf("got %+v, %v; want 1 and 3", all, err)
	}
}

// TestDeploymentEndsTheWayBack keeps a rollback from giving users a version that was deployed to the baseline since, and never
// had any traffic.
func TestDeploymentEndsTheWayBack(t *testing.T) {
	target := &table{split: All("green")}
	c := control(t, target)
	if _, err := step(t, c, func(s *Session) (Entry, error) { return s.PlanPromote("blue", Options{}) }); err != nil {
		t.Fatal(err)
	}
	s, err := c.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	e := s.entry("deploy", Options{})
	e.Side, e.Artifact, e.To, e.Result = "green", &Artifact{Version: "v2.0.0"}, s.Split, "done"
	if err := errors.Join(c.Journal.Begin(e), c.Journal.End(e), s.Close()); err != nil {
		t.Fatal(err)
	}
	_, err = step(t, c, func(s *Session) (Entry, error) { return s.PlanRollback(Options{}) })
	if !errors.Is(err, ErrUsage) || !strings.Contains(err.Error(), "began at green, to which v2.0.0 was deployed since") || target.split.String() != "blue 100 %" {
		t.Errorf("got %v and %s, want a refusal that names what was deployed", err, target.split)
	}
	if _, err := step(t, c, shift("green", 10, Options{})); err != nil {
		t.Fatal(err)
	}
	if _, err := step(t, c, func(s *Session) (Entry, error) { return s.PlanRollback(Options{}) }); err != nil || target.split.String() != "blue 100 %" {
		t.Errorf("the next release: got %v and %s, want it back on blue", err, target.split)
	}
}

// TestAccepted remembers an accepted signature for the very model that was deployed last, and for no other.
func TestAccepted(t *testing.T) {
	c := control(t, &table{split: All("blue")})
	s, err := c.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	deployed := func(side Side, result, accepted string) {
		t.Helper()
		e := s.entry("deploy", Options{})
		e.Side, e.Result, e.Accepted = side, result, accepted
		if err := errors.Join(c.Journal.Begin(e), c.Journal.End(e)); err != nil {
			t.Fatal(err)
		}
	}
	is := func(want bool) {
		t.Helper()
		if got, err := s.Accepted("green", "abc"); got != want || err != nil {
			t.Errorf("got %t, %v, want %t", got, err, want)
		}
	}
	is(false)
	deployed("green", "done", "abc")
	is(true)
	deployed("blue", "done", "")
	deployed("green", "failed", "")
	is(true) // what failed was taken back
	deployed("green", "done", "another")
	is(false)
	deployed("green", "done", "")
	is(false)
}
