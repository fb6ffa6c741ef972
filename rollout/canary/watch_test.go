package canary

import (
	"errors"
	"strings"
	"testing"
	"time"

	"ml-service/rollout"
	"ml-service/rollout/judge"
)

func TestWatch(t *testing.T) {
	for name, c := range map[string]struct {
		spoil func(c *town)
		text  string // of the rollback; "": it passes
	}{
		"good":       {func(*town) {}, ""},
		"fails 10 %": {func(c *town) { c.sides["green"].errors = 0.1 }, "more than 3 % of the requests fail"},
		"dead":       {func(c *town) { c.after[3] = func() { c.sides["green"].dead = true } }, "of the requests fail"},
		"replaced":   {func(c *town) { c.after[3] = func() { c.sides["green"].counts.Instance = "green-2" } }, "green was replaced"},
		"hangs":      {func(c *town) { c.after[3] = func() { c.sides["green"].silent = true } }, "could not be read 3 times in a row"},
	} {
		t.Run(name, func(t *testing.T) {
			town, dir := newTown(t), t.TempDir()
			c.spoil(town)
			control := &rollout.Control{Target: town, Journal: rollout.OpenJournal(dir, "town"), Dir: dir, Name: "town", Who: "test",
				Progress: rollout.Progress{Step: func(string) {}, Tell: func(string) {}}, Now: func() time.Time { return town.now }}
			s, err := control.Begin(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = s.Close() }()
			before := Counted(town.sides["blue"].counts)
			e, err := s.PlanPromote("green", rollout.Options{})
			if err == nil {
				_, err = s.Do(t.Context(), e)
			}
			if err != nil {
				t.Fatal(err)
			}
			looks := 0
			err = Watch(t.Context(), s, Watching{New: "green", Before: before, For: 5 * time.Minute, Every: 5 * time.Second, Limits: judge.DefaultLimits(),
				Report: func(judge.Report) { looks++ }, Wait: town.wait})
			switch {
			case c.text == "" && (err != nil || looks < 60 || !town.split.Same(rollout.All("green"))):
				t.Errorf("got %v after %d looks at %s, want it to stay on green", err, looks, town.split)
			case c.text != "" && (!errors.Is(err, rollout.ErrRolledBack) || !strings.Contains(err.Error(), c.text) || !town.split.Same(rollout.All("blue"))):
				t.Errorf("got %v at %s, want a rollback for %q", err, town.split, c.text)
			}
		})
	}
}

// A watch whose time is over at its first reading, as on a machine that is busy, knows nothing yet: it takes another one.
func TestWatchTakesTwoReadings(t *testing.T) {
	town, dir := newTown(t), t.TempDir()
	town.sides["green"].errors = 0.5
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
	err = Watch(t.Context(), s, Watching{New: "green", For: 0, Every: 5 * time.Second, Limits: judge.DefaultLimits(), Wait: town.wait})
	if !errors.Is(err, rollout.ErrRolledBack) || !town.split.Same(rollout.All("blue")) {
		t.Errorf("got %v at %s, want a rollback", err, town.split)
	}
}
