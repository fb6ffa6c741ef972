package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strings"
	"sync"
	"time"

	"ml-service/rollout"
	"ml-service/rollout/canary"
	"ml-service/rollout/compare"
	"ml-service/rollout/judge"
)

// Plan says how deployments go.
type Plan struct {
	StartWithin     time.Duration // for a side to become healthy
	PullWithin      time.Duration
	Watch           time.Duration // after a switch
	Every           time.Duration // between two scrapes
	Steps           []float64     // of a canary, percent
	MaxWait         time.Duration // for all steps of a canary
	OnHold          string        // canary.Pause or canary.Rollback
	Limits          judge.Limits
	MaxDisagreement float64 // of the rows of the record; NaN: any
}

// DefaultPlan is how deployments go where nothing else is said.
func DefaultPlan() Plan {
	return Plan{StartWithin: 2 * time.Minute, PullWithin: 10 * time.Minute, Watch: 5 * time.Minute, Every: 5 * time.Second,
		Steps: []float64{10, 50, 100}, MaxWait: 30 * time.Minute, OnHold: canary.Rollback, Limits: judge.DefaultLimits(), MaxDisagreement: math.NaN()}
}

// worker runs deployments, one at a time.
type worker struct {
	plan    Plan
	store   *store
	images  images
	control func(rollout.Progress) (*rollout.Control, error)
	state   string // file that a canary goes on from

	compared string // file of the last comparison

	mu   sync.Mutex
	stop context.CancelCauseFunc // of the deployment under way
}

// What a person can tell a deployment that is under way.
var (
	errPromote  = errors.New("promote")
	errRollback = errors.New("rollback")
)

// order tells the deployment under way something; false: there is none.
func (w *worker) order(what error) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.stop == nil {
		return false
	}
	w.stop(what)
	return true
}

// run takes a deployment to its end, from wherever an earlier process left it.
func (w *worker) run(parent context.Context, r *record) {
	ctx, stop := context.WithCancelCause(parent)
	w.mu.Lock()
	w.stop = stop
	w.mu.Unlock()
	defer func() {
		w.mu.Lock()
		w.stop = nil
		w.mu.Unlock()
		stop(nil)
	}()
	err := w.deploy(ctx, r)
	if parent.Err() != nil && r.last().State == Running { // the server ends: the next one goes on
		return
	}
	e := Event{At: time.Now(), State: Succeeded, Step: r.last().Step}
	switch {
	case err == nil:
		e.Step = "done"
	case errors.Is(err, rollout.ErrRolledBack):
		e.State, e.Reason = RolledBack, err.Error()
	default:
		e.State, e.Reason = Failed, err.Error()
	}
	w.add(r, e)
}

// add keeps an event. A disk that is full stops no deployment.
func (w *worker) add(r *record, e Event) { _ = w.store.add(r, e) }

// step keeps that a step has begun.
func (w *worker) step(r *record, format string, args ...any) {
	w.add(r, Event{At: time.Now(), State: Running, Step: fmt.Sprintf(format, args...)})
}

// decided keeps a decision with its evidence.
func (w *worker) decided(r *record, step, reason string, evidence any) {
	text, err := json.Marshal(evidence)
	if err != nil {
		text, reason = nil, reason+" (its evidence cannot be written: "+err.Error()+")"
	}
	w.add(r, Event{At: time.Now(), State: Running, Step: step, Reason: reason, Evidence: text})
}

// lockedFor is how long a person's rollout is waited for.
const lockedFor = time.Minute

// begin takes the lock of the folder.
func (w *worker) begin(ctx context.Context, r *record) (*rollout.Session, error) {
	control, err := w.control(rollout.Progress{
		Step: func(what string) { w.step(r, "%s", what) },
		Tell: func(what string) { w.add(r, Event{At: time.Now(), State: Running, Step: r.last().Step, Reason: what}) },
	})
	if err != nil {
		return nil, err
	}
	control.Who = fmt.Sprintf("deployment %s of %s", r.ID, r.Who)
	for until := time.Now().Add(lockedFor); ; {
		s, err := control.Begin(ctx)
		if !errors.Is(err, rollout.ErrLocked) || time.Now().After(until) {
			return s, err
		}
		select {
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		case <-time.After(time.Second):
		}
	}
}

// deploy is the whole way of one order.
func (w *worker) deploy(ctx context.Context, r *record) (err error) {
	w.step(r, "look at what runs")
	s, err := w.begin(ctx, r)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	if s.Settled != "" {
		w.add(r, Event{At: time.Now(), State: Running, Step: r.last().Step, Reason: s.Settled})
	}
	inspector, ok := s.Target.(rollout.Inspector)
	if !ok {
		return fmt.Errorf("target %s cannot say what runs", s.Name)
	}
	side, moved, err := w.where(ctx, s, inspector, r)
	if err != nil {
		return err
	}
	if !moved {
		if side, err = w.start(ctx, s, r); err != nil {
			return err
		}
	}
	err = w.move(ctx, s, r, side, moved)
	if errors.Is(err, rollout.ErrHeld) || errors.Is(err, context.Canceled) {
		err = w.told(ctx, s, r, side, err)
	}
	if err == nil {
		w.clean(ctx, s, r)
	}
	return err
}

// where says whether users were moved to what is ordered already, as before a restart of this server, and to which side.
func (w *worker) where(ctx context.Context, s *rollout.Session, inspector rollout.Inspector, r *record) (rollout.Side, bool, error) {
	all, err := s.Journal.All()
	if err != nil {
		return "", false, err
	}
	begun := false
	for _, e := range all {
		begun = begun || e.Reason == reasonOf(r) && e.Result == "done" && (e.Verb == "shift" || e.Verb == "promote")
	}
	if !begun {
		return "", false, nil
	}
	sides, err := inspector.Sides(ctx)
	if err != nil {
		return "", false, err
	}
	for _, one := range sides {
		if one.Artifact == r.Order.Image && s.Split.Shares[one.Side] > 0 {
			return one.Side, true, nil
		}
	}
	return "", false, &rollout.Fault{Outcome: rollout.ErrRolledBack, Err: fmt.Errorf("the traffic was taken away from %s meanwhile: %s", r.Order.Image, s.Split)}
}

func reasonOf(r *record) string { return "deployment " + r.ID }

// start brings what is ordered to the side without traffic, and checks it. Nobody is moved.
func (w *worker) start(ctx context.Context, s *rollout.Session, r *record) (rollout.Side, error) {
	side, err := s.IdleSide(ctx, "")
	if err != nil {
		return "", err
	}
	if err := w.images.room(ctx); err != nil {
		return "", err
	}
	w.step(r, "pull %s", r.Order.Image)
	pull, cancel := context.WithTimeoutCause(ctx, w.plan.PullWithin, fmt.Errorf("the pull took longer than %s", w.plan.PullWithin))
	err = w.images.pull(pull, r.Order.Image)
	cancel()
	if err != nil {
		return "", fmt.Errorf("%w; nothing was changed", err)
	}
	models := ""
	if t, ok := s.Target.(interface{ Models() (string, error) }); ok {
		if models, err = t.Models(); err != nil {
			return "", err
		}
	}
	golden, err := w.images.golden(ctx, models, r.Order.Image, r.Order.Version)
	if err != nil {
		return "", fmt.Errorf("golden rows of %s: %w; nothing was changed", r.Order.Version, err)
	}
	done, err := s.Deploy(ctx, side, rollout.Artifact{Image: r.Order.Image, Version: r.Order.Version},
		rollout.DeployOptions{Golden: golden, Within: w.plan.StartWithin, Reason: reasonOf(r)})
	w.decided(r, "check "+string(side), errorText(err, "it serves what was announced"), done)
	if err != nil {
		return "", err
	}
	return side, w.compare(ctx, s, r, side)
}

func errorText(err error, otherwise string) string {
	if err != nil {
		return err.Error()
	}
	return otherwise
}

// compare sends both sides what users sent lately, where it was recorded.
func (w *worker) compare(ctx context.Context, s *rollout.Session, r *record, side rollout.Side) error {
	live, ok := s.Split.Sole()
	asker, can := s.Target.(rollout.Asker)
	if !ok || !can {
		return nil
	}
	path, done := w.recorded(ctx, s, live)
	if path == "" {
		return nil
	}
	defer done()
	w.step(r, "compare on the record")
	rows, err := compare.ReadFile(path)
	if err != nil {
		w.add(r, Event{At: time.Now(), State: Running, Step: r.last().Step, Reason: "the record has no rows to compare by: " + err.Error()})
		return nil
	}
	const most = 1000 // the newest
	rows = rows[max(0, len(rows)-most):]
	result, err := compare.Run(ctx, asker, rows, compare.Options{Old: live, New: side, Pace: 2 * time.Millisecond, Threshold: math.NaN(), Tolerance: compare.DefaultTolerance})
	if err != nil {
		return err
	}
	_ = compare.Save(w.compared, result, time.Now()) // for the page; a disk that is full stops no deployment
	w.decided(r, "compare on the record", fmt.Sprintf("%d of %d predictions change", result.Changed, result.Rows), result)
	if result.Share > w.plan.MaxDisagreement {
		return fmt.Errorf("%d of %d predictions change, and at most %s may: nobody was moved", result.Changed, result.Rows, rollout.Percent(100*w.plan.MaxDisagreement))
	}
	return nil
}

// move brings users to a side, as the order says.
func (w *worker) move(ctx context.Context, s *rollout.Session, r *record, side rollout.Side, moved bool) error {
	if r.Order.Strategy == Canary {
		return w.canary(ctx, s, r, side)
	}
	counter, ok := s.Target.(rollout.Counter)
	if !ok {
		return fmt.Errorf("target %s cannot count what its sides answer", s.Name)
	}
	if !moved {
		e, err := s.PlanPromote(side, rollout.Options{Reason: reasonOf(r)})
		if err != nil {
			return err
		}
		if _, err := s.Do(context.WithoutCancel(ctx), e); err != nil {
			return fmt.Errorf("%w; nobody was moved", err)
		}
	}
	before := judge.Counts{}
	if old, err := counter.Count(ctx, s.Release.Baseline); err == nil { // a side that is gone has nothing to say
		before = canary.Counted(old)
	}
	w.step(r, "watch %s for %s", side, w.plan.Watch)
	var last judge.Verdict
	return canary.Watch(ctx, s, canary.Watching{New: side, Before: before, For: w.plan.Watch, Every: w.plan.Every, Limits: w.plan.Limits,
		Report: func(report judge.Report) {
			if report.Verdict != last || report.NewAll.Requests%1000 == 0 {
				last = report.Verdict
				w.decided(r, "watch "+string(side), report.Checks[len(report.Checks)-1].Why, report)
			}
		}})
}

func (w *worker) canary(ctx context.Context, s *rollout.Session, r *record, side rollout.Side) error {
	step, verdict := 0.0, judge.Verdict("")
	run, err := canary.Prepare(ctx, s, canary.Options{To: side, Steps: w.plan.Steps, Every: w.plan.Every, Measure: max(30*time.Second, w.plan.Every), MaxWait: w.plan.MaxWait,
		OnHold: w.plan.OnHold, Limits: w.plan.Limits, Latency: true, SlowOver: time.Millisecond, Reason: reasonOf(r), State: w.state,
		Report: func(p canary.Progress) {
			if p.Step != step || p.Report.Verdict != verdict {
				step, verdict = p.Step, p.Report.Verdict
				w.decided(r, fmt.Sprintf("canary at %s", rollout.Percent(p.Step)), string(p.Report.Verdict), p.Report)
			}
		}})
	if err != nil {
		return err
	}
	plan, err := run.Plan()
	if err != nil {
		return err
	}
	w.decided(r, "plan the canary", fmt.Sprintf("%.3g requests a second", run.Rate()), plan)
	return run.Run(ctx)
}

// told does what a person told a deployment that was under way; an end of another kind is given back.
func (w *worker) told(ctx context.Context, s *rollout.Session, r *record, side rollout.Side, why error) error {
	cause := context.Cause(ctx)
	ctx = context.WithoutCancel(ctx)
	switch {
	case errors.Is(cause, errPromote):
		if share := s.Split.Shares[side]; share == 100 {
			return nil
		}
		e, err := s.PlanPromote(side, rollout.Options{Reason: reasonOf(r) + ", promoted by hand"})
		if err == nil {
			_, err = s.Do(ctx, e)
		}
		return err
	case errors.Is(cause, errRollback):
		if !s.Release.Open() && s.Split.Shares[side] == 0 {
			return &rollout.Fault{Outcome: rollout.ErrRolledBack, Err: errors.New("rolled back by hand before anybody was moved")}
		}
		e, err := s.PlanRollback(rollout.Options{Reason: reasonOf(r) + ", rolled back by hand"})
		if err == nil {
			_, err = s.Do(ctx, e)
		}
		if err != nil {
			return err
		}
		return &rollout.Fault{Outcome: rollout.ErrRolledBack, Err: fmt.Errorf("rolled back by hand to %s", s.Split)}
	}
	return why
}

// undo takes back a deployment that has ended, while it is the last thing that was done.
func (w *worker) undo(ctx context.Context, r *record, who Identity) (err error) {
	s, err := w.begin(ctx, r)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	all, err := s.Journal.All()
	if err != nil {
		return err
	}
	if len(all) == 0 || !strings.HasPrefix(all[len(all)-1].Reason, reasonOf(r)) {
		return errors.New("something else was done since: rollout rollback by hand")
	}
	e, err := s.PlanRollback(rollout.Options{Reason: reasonOf(r) + ", rolled back by " + who.Name})
	if err == nil {
		_, err = s.Do(context.WithoutCancel(ctx), e)
	}
	if err != nil {
		return err
	}
	return w.store.add(r, Event{At: time.Now(), State: RolledBack, Step: "rollback", Reason: fmt.Sprintf("rolled back by %s to %s", who.Name, s.Split)})
}

// clean removes old images of the repository: both sides' and the last three deployments' stay.
func (w *worker) clean(ctx context.Context, s *rollout.Session, r *record) {
	keep := append(w.store.images(2), r.Order.Image) // this one has not ended yet: three with it
	if inspector, ok := s.Target.(rollout.Inspector); ok {
		sides, err := inspector.Sides(ctx)
		if err != nil {
			return // nothing is removed where it is not known what runs
		}
		for _, one := range sides {
			keep = append(keep, one.Artifact)
		}
	}
	if gone := w.images.clean(ctx, keep); len(gone) > 0 {
		w.add(r, Event{At: time.Now(), State: Running, Step: r.last().Step, Reason: fmt.Sprintf("%d old images were removed", len(gone))})
	}
}
