// Package canary takes a release through its steps and lets a judge decide each: on with a pass, back with a fail, and
// with a hold it waits.
package canary

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"

	"ml-service/rollout"
	"ml-service/rollout/judge"
)

// What to do with a hold that has lasted until MaxWait.
const (
	Pause    = "pause"    // leave the weights as they are
	Rollback = "rollback" // give all the traffic back
)

// Options say how a release goes.
type Options struct {
	To              rollout.Side
	From            rollout.Side // the baseline, where the release begins at a split
	Steps           []float64    // percent of the traffic, ascending; 100 is the promotion
	Every           time.Duration
	Measure         time.Duration // how long the traffic is measured at most, before anybody is moved
	MaxWait         time.Duration // for all steps together
	OnHold          string
	Limits          judge.Limits
	Latency         bool
	SlowOver        time.Duration // a request of the new side that takes less is not slow, whatever the old side takes
	AcceptSignature bool
	AcceptDrift     bool
	Reason          string
	State           string // file that a later call goes on from

	// Labels counts the rows whose answers have become known since from; nil: accuracy is not judged.
	Labels func(ctx context.Context, from int64) (Labels, error)
	Report func(Progress)
	Wait   func(ctx context.Context, d time.Duration) error // until the next scrape; nil: on the clock
}

// Labels are rows with a known answer: how many there are, and in how many one side alone was wrong.
type Labels struct {
	Rows, NewWrong, OldWrong int
	Next                     int64 // where the next ones begin
}

// Progress is told after every scrape.
type Progress struct {
	Step   float64       `json:"step"` // percent
	Report judge.Report  `json:"report"`
	Left   time.Duration `json:"left"` // until MaxWait
	Notes  []string      `json:"notes,omitempty"`
	Drift  string        `json:"drift,omitempty"` // of the scores, for people
}

// Validate says what is wrong with the options.
func (o *Options) Validate() error {
	if len(o.Steps) == 0 {
		return usage("which steps? want percents as 10,50,100")
	}
	for k, step := range o.Steps {
		if !(step > 0 && step <= 100) || k > 0 && step <= o.Steps[k-1] {
			return usage("steps %v: want ascending percents above 0 and at most 100", o.Steps)
		}
	}
	if o.OnHold != Pause && o.OnHold != Rollback {
		return usage("on hold: want %s or %s, got %q", Pause, Rollback, o.OnHold)
	}
	if o.Every < 100*time.Millisecond {
		return usage("every: want at least 100ms, got %s", o.Every)
	}
	if o.Measure < o.Every {
		return usage("measure: want at least one scrape, %s, got %s", o.Every, o.Measure)
	}
	if o.SlowOver < 0 {
		return usage("slow over: want at least 0s, got %s", o.SlowOver)
	}
	if o.MaxWait <= 0 {
		return usage("max wait: want more than 0, got %s", o.MaxWait)
	}
	if err := o.Limits.Validate(); err != nil {
		return usage("%w", err)
	}
	return nil
}

func usage(format string, args ...any) error {
	return &rollout.Fault{Outcome: rollout.ErrUsage, Err: fmt.Errorf(format, args...)}
}

// Run is one call of a canary.
type Run struct {
	Options
	session *rollout.Session
	counter rollout.Counter
	state   state
	judge   *judge.Judge
	until   time.Time
	notes   []string
}

func (r *Run) note(format string, args ...any) {
	r.notes = append(r.notes, fmt.Sprintf(format, args...))
}

// Notes are what a person should know, once each.
func (r *Run) Notes() []string {
	notes := r.notes
	r.notes = nil
	return notes
}

// Run takes the release through its steps. The error says how it ended where it did not end at the last step: rolled back,
// or held.
func (r *Run) Run(ctx context.Context) error {
	r.until = r.session.Now().Add(r.MaxWait)
	r.state.Until = r.until
	for _, step := range r.left() {
		if step >= 100 {
			return r.promote(ctx, "")
		}
		if err := r.shift(ctx, step); err != nil {
			return err
		}
		if err := r.watch(ctx, step); errors.Is(err, errPromote) {
			return r.promote(ctx, because(r.session))
		} else if err != nil {
			return err
		}
	}
	return nil
}

// errPromote says that the steps that are left are passed over.
var errPromote = errors.New("promote")

// move plans and makes a move, and finishes it even where Ctrl-C comes in between.
func (r *Run) move(ctx context.Context, e rollout.Entry, err error) error {
	if err != nil {
		return err
	}
	done, err := r.session.Do(context.WithoutCancel(ctx), e)
	if err != nil {
		return err
	}
	r.note("%s: %s, was %s", done.Verb, done.To, done.From)
	return nil
}

// shift gives the new side a step's share, unless it has it.
func (r *Run) shift(ctx context.Context, step float64) error {
	if math.Abs(r.session.Split.Shares[r.To]-step) > 0.01 {
		begun := r.session.Release.Open()
		e, err := r.session.PlanShift(r.To, step, r.options(""))
		if err := r.move(ctx, e, err); err != nil {
			if !begun {
				return err // nobody was moved
			}
			return r.back(ctx, fmt.Sprintf("the shift to %s failed: %v", rollout.Percent(step), err))
		}
	}
	if r.session.Release.Open() {
		r.state.Release = r.session.Release.ID
	}
	if r.state.Step == step { // taken up again within a step
		return r.save()
	}
	r.state.Step = step
	if err := r.judge.Step(step / 100); err != nil {
		return err
	}
	// What came before the step is not its evidence, but a side that was replaced meanwhile is.
	for _, s := range []*seen{&r.state.Old, &r.state.New} {
		c := s.read(ctx, r.counter, r.state.Limits, s == &r.state.New)
		if c.fault != "" && s == &r.state.New {
			r.judge.Condemn(c.fault)
		}
	}
	return r.save()
}

// watch scrapes until the judge has decided a step.
func (r *Run) watch(ctx context.Context, step float64) error {
	if r.state.Fault != "" {
		r.judge.Condemn(r.state.Fault)
	}
	last := r.session.Now()
	for {
		paused := r.pause(ctx)
		if paused == nil {
			now := r.session.Now()
			if err := r.scrape(ctx, now.Sub(last)); err != nil {
				return err
			}
			last = now
		}
		report := r.judge.Report()
		directive := asked(r.session, r.note)
		r.told(step, report)
		switch {
		case report.Verdict == judge.Fail: // whatever somebody asks
			return r.back(ctx, failure(report))
		case directive == "rollback":
			return r.back(ctx, because(r.session))
		case directive == "promote":
			return errors.Join(r.save(), errPromote)
		case directive == "pause":
			return r.paused()
		case report.Verdict == judge.Pass:
			return r.save()
		case paused != nil:
			return errors.Join(r.save(), &rollout.Fault{Outcome: rollout.ErrHeld, Err: fmt.Errorf(
				"interrupted: the weights stay at %s; the same command goes on, rollout rollback ends it", r.session.Split)})
		case !r.session.Now().Before(r.until):
			return r.held(ctx, report)
		}
		if err := r.save(); err != nil {
			return err
		}
	}
}

// presentSpan is the time over which the present rate of requests is an average.
const presentSpan = time.Minute

// scrape reads both sides and hands the judge what they had.
func (r *Run) scrape(ctx context.Context, elapsed time.Duration) error {
	fresh := r.state.New.read(ctx, r.counter, r.state.Limits, true)
	old := r.state.Old.read(ctx, r.counter, r.state.Limits, false)
	select {
	case <-ctx.Done():
		return nil // a reading that was interrupted says nothing of a side
	default:
	}
	switch {
	case fresh.err != nil && old.err != nil: // whoever reads is at fault, and not a side
		r.state.New.Missed, r.state.Old.Missed = 0, 0
		r.note("neither side could be read: %v", fresh.err)
	case r.state.New.Missed >= missedScrapes: // a side that cannot be read is not a side without errors
		r.judge.Condemn(fmt.Sprintf("%s could not be read %d times in a row: %v", r.To, r.state.New.Missed, fresh.err))
	}
	if fresh.fault != "" {
		r.judge.Condemn(fresh.fault)
	}
	if old.fault != "" { // nobody rolls back to a side because it fails itself
		r.note("%s: its counts begin anew", old.fault)
	}
	if r.Labels != nil {
		switch l, err := r.Labels(ctx, r.state.Labels); {
		case err != nil: // a side that does not answer is judged by its requests
			r.note("labels: %v", err)
		default:
			r.state.Labels = l.Next
			if err := r.judge.AddLabels(l.Rows, l.NewWrong, l.OldWrong); err != nil {
				return err
			}
		}
	}
	if requests := old.counts.Requests + fresh.counts.Requests; elapsed > 0 {
		weight := math.Exp(-elapsed.Seconds() / presentSpan.Seconds())
		r.state.Present = weight*r.state.Present + (1-weight)*float64(requests)/elapsed.Seconds()
	}
	return r.judge.Add(judge.Scrape{Old: old.counts, New: fresh.counts, Elapsed: elapsed})
}

func (r *Run) told(step float64, report judge.Report) {
	if r.Report != nil {
		r.Report(Progress{Step: step, Report: report, Left: r.until.Sub(r.session.Now()), Notes: r.Notes(),
			Drift: drift(r.state.Old.Last.Scores, r.state.New.Last.Scores)})
	}
}

// failure is a report's reason in one sentence.
func failure(report judge.Report) string {
	for _, c := range report.Checks {
		if c.Verdict == judge.Fail {
			if c.New == "" {
				return fmt.Sprintf("%s: %s", c.Name, c.Why)
			}
			return fmt.Sprintf("%s: %s (%s against %s)", c.Name, c.Why, c.New, c.Old)
		}
	}
	return string(report.Verdict)
}

func (r *Run) held(ctx context.Context, report judge.Report) error {
	why := "not enough is known"
	for _, c := range report.Checks {
		if c.Verdict == judge.Hold {
			why = c.Name + ": " + c.Why
		}
	}
	if r.OnHold == Rollback {
		return r.back(ctx, fmt.Sprintf("still on hold after %s: %s", r.MaxWait, why))
	}
	return errors.Join(r.save(), &rollout.Fault{Outcome: rollout.ErrHeld, Err: fmt.Errorf(
		"still on hold after %s, and the weights stay at %s: %s; the same command goes on, rollout rollback ends it", r.MaxWait, r.session.Split, why)})
}

// paused leaves the weights because somebody has asked for it. The directive goes first: the next call is to go on.
func (r *Run) paused() error {
	why := because(r.session)
	return errors.Join(r.session.Journal.Dismiss(), r.save(), &rollout.Fault{Outcome: rollout.ErrHeld, Err: fmt.Errorf(
		"%s: the weights stay at %s; the same command goes on, rollout rollback ends it", why, r.session.Split)})
}

// back gives all the traffic back to the baseline.
func (r *Run) back(ctx context.Context, reason string) error {
	e, err := r.session.PlanRollback(r.options(reason))
	if err := r.move(ctx, e, err); err != nil {
		return fmt.Errorf("%s; and the rollback: %w", reason, err)
	}
	return errors.Join(rollout.RemoveFile(r.State), &rollout.Fault{Outcome: rollout.ErrRolledBack, Err: fmt.Errorf("rolled back to %s: %s", r.session.Split, reason)})
}

// promote gives the new side everything; reason is "" where the judge has decided so.
func (r *Run) promote(ctx context.Context, reason string) error {
	e, err := r.session.PlanPromote(r.To, r.options(reason))
	if err := r.move(ctx, e, err); err != nil {
		if !r.session.Release.Open() {
			return err
		}
		return r.back(ctx, fmt.Sprintf("the promotion failed: %v", err))
	}
	return rollout.RemoveFile(r.State)
}

func (r *Run) save() error {
	r.state.Judge = r.judge.State()
	return r.state.write(r.State)
}
