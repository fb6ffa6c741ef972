package canary

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"ml-service/rollout"
	"ml-service/rollout/judge"
)

// Watching says how a side is watched that already has all the traffic.
type Watching struct {
	New    rollout.Side
	Before judge.Counts // what the old side had before, all that is known of it
	For    time.Duration
	Every  time.Duration
	Limits judge.Limits
	Reason string
	Report func(judge.Report)
	Wait   func(ctx context.Context, d time.Duration) error // until the next scrape; nil: on the clock
}

// Counted is what a side has counted since it started, as a judge takes it.
func Counted(n rollout.Counts) judge.Counts {
	c := judge.Counts{Requests: int(n.Requests + n.FailedTries), Errors: int(n.Errors + n.Refused)}
	c.Errors = min(c.Errors, c.Requests)
	return c
}

// Watch scrapes a side for a while after its promotion and gives all the traffic back where it fails: by judge.Watched, where it
// was replaced or restarted, where it could not be read three times in a row, or where somebody asks for it. An interrupted watch leaves the weights.
func Watch(ctx context.Context, s *rollout.Session, w Watching) error {
	counter, ok := s.Target.(rollout.Counter)
	if !ok {
		return usage("target %s cannot count what its sides answer", s.Name)
	}
	r := Run{session: s, Options: Options{Every: w.Every, Wait: w.Wait}}
	fresh, sum, readings := &seen{Side: w.New}, judge.Counts{}, 0
	for until := s.Now().Add(w.For); ; {
		report := judge.Report{Verdict: judge.Pass, New: string(w.New), Share: 1, Limits: w.Limits, OldAll: w.Before}
		c := fresh.read(ctx, counter, nil, true)
		if ctx.Err() != nil {
			return &rollout.Fault{Outcome: rollout.ErrHeld, Err: fmt.Errorf("interrupted: the weights stay at %s", s.Split)}
		}
		if c.err == nil {
			readings++
		}
		sum.Requests, sum.Errors = sum.Requests+c.counts.Requests, sum.Errors+c.counts.Errors
		report.NewAll = sum
		fault := c.fault
		if fresh.Missed >= missedScrapes {
			fault = fmt.Sprintf("%s could not be read %d times in a row: %v", w.New, fresh.Missed, c.err)
		}
		if fault != "" {
			report.Checks = append(report.Checks, judge.Check{Name: "health", Verdict: judge.Fail, Why: fault})
			report.Verdict = judge.Fail
		}
		check := judge.Watched(w.Before, sum, w.Limits)
		if report.Checks = append(report.Checks, check); check.Verdict == judge.Fail {
			report.Verdict = judge.Fail
		}
		if w.Report != nil {
			w.Report(report)
		}
		directive := asked(s, r.note)
		if directive == "rollback" && report.Verdict != judge.Fail {
			report.Checks = append(report.Checks, judge.Check{Name: "directive", Verdict: judge.Fail, Why: because(s)})
			report.Verdict = judge.Fail
		}
		if report.Verdict == judge.Fail {
			evidence, _ := json.Marshal(report) // of numbers and words: it does not fail
			e, err := s.PlanRollback(rollout.Options{Reason: failure(report), Evidence: evidence})
			if err := r.move(ctx, e, err); err != nil {
				return fmt.Errorf("%s; and the rollback: %w", failure(report), err)
			}
			return &rollout.Fault{Outcome: rollout.ErrRolledBack, Err: fmt.Errorf("rolled back to %s: %s", s.Split, failure(report))}
		}
		if !s.Now().Before(until) && readings >= 2 { // the first one says nothing: it is where the counts begin
			return nil
		}
		if err := r.pause(ctx); err != nil {
			return &rollout.Fault{Outcome: rollout.ErrHeld, Err: fmt.Errorf("interrupted: the weights stay at %s", s.Split)}
		}
	}
}
