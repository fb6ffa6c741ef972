package canary

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"ml-service/rollout"
	"ml-service/rollout/judge"
)

// direct leaves a directive as the page does, in another process; release "" is the newest one.
func (c *town) direct(dir, verb, release string) {
	c.t.Helper()
	j := rollout.OpenJournal(dir, "town")
	if release == "" {
		all, err := j.All()
		if err != nil || len(all) == 0 {
			c.t.Fatalf("history: %v, %v", all, err)
		}
		release = all[len(all)-1].Release
	}
	if err := j.Direct(rollout.Directive{Verb: verb, Release: release, Who: "anna", Time: c.now}); err != nil {
		c.t.Fatal(err)
	}
}

func TestDirectives(t *testing.T) {
	for name, c := range map[string]struct {
		do    func(c *town, dir string) // at the fifth tick, in the first step
		want  error
		text  string
		split string
		ticks int  // at which the call ends; 0: any
		open  bool // the release goes on
	}{
		"rollback":        {func(c *town, dir string) { c.direct(dir, "rollback", "") }, rollout.ErrRolledBack, "rollback asked for by anna", "blue 100 %", 5, false},
		"promote":         {func(c *town, dir string) { c.direct(dir, "promote", "") }, nil, "", "green 100 %", 5, false},
		"pause":           {func(c *town, dir string) { c.direct(dir, "pause", "") }, rollout.ErrHeld, "pause asked for by anna", "blue 90 %, green 10 %", 5, true},
		"another release": {func(c *town, dir string) { c.direct(dir, "rollback", "20200101-000000-aaaa") }, nil, "", "green 100 %", 0, false},
		"another verb":    {func(c *town, dir string) { c.direct(dir, "explode", "") }, nil, "", "green 100 %", 0, false},
		"not a directive": {func(c *town, dir string) {
			if err := os.WriteFile(filepath.Join(dir, "directive-town.json"), []byte("{"), 0o600); err != nil {
				c.t.Fatal(err)
			}
		}, nil, "", "green 100 %", 0, false},
		"promote what fails": {func(c *town, dir string) {
			c.direct(dir, "promote", "")
			c.sides["green"].counts.Restarts++
		}, rollout.ErrRolledBack, "green was restarted", "blue 100 %", 5, false},
	} {
		t.Run(name, func(t *testing.T) {
			town, dir := newTown(t), t.TempDir()
			town.after[5] = func() { c.do(town, dir) }
			_, _, err := town.call(t.Context(), dir, nil)
			if !errors.Is(err, c.want) || c.want != nil && !strings.Contains(err.Error(), c.text) || town.split.String() != c.split || c.ticks > 0 && town.ticks != c.ticks {
				t.Errorf("got %v at %s after %d ticks, want %v with %q at %s after %d", err, town.split, town.ticks, c.want, c.text, c.split, c.ticks)
			}
			if d, err := rollout.OpenJournal(dir, "town").Directive(); d != nil || err != nil {
				t.Errorf("the directive is still there: %v, %v", d, err)
			}
			all, err := rollout.OpenJournal(dir, "town").All()
			if err != nil {
				t.Fatal(err)
			}
			if last := all[len(all)-1]; c.ticks > 0 && !c.open && c.text != "green was restarted" && !strings.Contains(last.Reason, "asked for by anna") {
				t.Errorf("the history does not say who asked: %+v", last)
			}
			if c.open { // the same call goes on
				if _, _, err := town.call(t.Context(), dir, nil); err != nil || town.split.String() != "green 100 %" {
					t.Errorf("the next call: %v at %s", err, town.split)
				}
			}
		})
	}
}

// TestDirectiveOutlivesItsCanary: the canary was killed before it had seen what was asked; the next one of this release does it.
func TestDirectiveOutlivesItsCanary(t *testing.T) {
	town, dir := newTown(t), t.TempDir()
	town.after[5] = func() { panic("killed") }
	func() {
		defer func() { _ = recover() }()
		_, _, _ = town.call(t.Context(), dir, nil)
	}()
	town.direct(dir, "rollback", "")
	_, _, err := town.call(t.Context(), dir, nil)
	if !errors.Is(err, rollout.ErrRolledBack) || !strings.Contains(err.Error(), "asked for by anna") || town.split.String() != "blue 100 %" {
		t.Errorf("got %v at %s", err, town.split)
	}
}

// TestWatchIsRolledBack: a promotion is taken back while it is watched.
func TestWatchIsRolledBack(t *testing.T) {
	town, dir := newTown(t), t.TempDir()
	control := &rollout.Control{Target: town, Journal: rollout.OpenJournal(dir, "town"), Dir: dir, Name: "town", Who: "test",
		Progress: rollout.Progress{Step: func(string) {}, Tell: func(string) {}}, Now: func() time.Time { return town.now }}
	s, err := control.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	e, err := s.PlanPromote("green", rollout.Options{})
	if err == nil {
		_, err = s.Do(t.Context(), e)
	}
	if err != nil {
		t.Fatal(err)
	}
	town.after[3] = func() { town.direct(dir, "rollback", "") }
	err = Watch(t.Context(), s, Watching{New: "green", For: 5 * time.Minute, Every: 5 * time.Second, Limits: judge.DefaultLimits(), Wait: town.wait})
	if !errors.Is(err, rollout.ErrRolledBack) || !strings.Contains(err.Error(), "asked for by anna") || town.split.String() != "blue 100 %" || town.ticks != 3 {
		t.Errorf("got %v at %s after %d ticks", err, town.split, town.ticks)
	}
}
