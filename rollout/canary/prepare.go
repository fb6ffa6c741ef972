package canary

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"ml-service/rollout"
	"ml-service/rollout/judge"
)

// Prepare checks the sides, takes up an earlier call's evidence, measures the traffic and makes the plan. Nothing is moved.
func Prepare(ctx context.Context, s *rollout.Session, o Options) (*Run, error) {
	if err := o.Validate(); err != nil {
		return nil, err
	}
	r := &Run{Options: o, session: s}
	var ok bool
	if r.counter, ok = s.Target.(rollout.Counter); !ok {
		return nil, usage("target %s cannot count what its sides answer, so there is nothing to judge by; rollout judge takes counts from elsewhere", s.Name)
	}
	if s.Release.Open() && r.To == "" {
		r.To = s.Release.New
	}
	if r.To == "" {
		return nil, usage("to which side? say --to")
	}
	plan, err := s.PlanShift(r.To, r.Steps[0], r.options("")) // its checks; the move itself comes later
	if err != nil {
		return nil, err
	}
	if err := r.usable(ctx, plan.Baseline, r.To); err != nil {
		return nil, err
	}
	if !r.AcceptSignature {
		if err := r.signature(ctx, plan.Baseline); err != nil {
			return nil, err
		}
	}
	return r, r.begin(ctx, plan.Baseline)
}

func (r *Run) options(reason string) rollout.Options {
	o := rollout.Options{From: r.From, Reason: r.Reason, AcceptDrift: r.AcceptDrift}
	if reason != "" {
		o.Reason = reason
	}
	if r.judge != nil {
		o.Evidence, _ = json.Marshal(r.judge.Report()) // of numbers and words: it does not fail
	}
	return o
}

// usable refuses sides that take no traffic.
func (r *Run) usable(ctx context.Context, sides ...rollout.Side) error {
	inspector, ok := r.session.Target.(rollout.Inspector)
	if !ok {
		return nil
	}
	all, err := inspector.Sides(ctx)
	if err != nil {
		return err
	}
	for _, side := range sides {
		k := slices.IndexFunc(all, func(s rollout.SideState) bool { return s.Side == side })
		if k < 0 {
			return usage("no side %q", side)
		}
		if !all[k].Usable() {
			why := ""
			if len(all[k].Remarks) > 0 {
				why = " (" + strings.Join(all[k].Remarks, "; ") + ")"
			}
			return fmt.Errorf("%s is %s%s: a canary begins with both sides healthy", side, all[k].State, why)
		}
	}
	return nil
}

// signature refuses a model that takes or answers something else.
func (r *Run) signature(ctx context.Context, baseline rollout.Side) error {
	asker, ok := r.session.Target.(rollout.Asker)
	if !ok {
		return nil
	}
	old, err := rollout.Describe(ctx, asker, baseline)
	if err != nil {
		return err
	}
	fresh, err := rollout.Describe(ctx, asker, r.To)
	if err != nil {
		return err
	}
	differences := rollout.Differences(old, fresh)
	if !rollout.Breaks(differences) {
		return nil
	}
	accepted, err := r.session.Accepted(r.To, fresh.SHA256)
	if err != nil || accepted {
		return err
	}
	var lines []string
	for _, d := range differences {
		lines = append(lines, fmt.Sprintf("%s: %s, and %s on %s", d.Where, d.Old, d.New, r.To))
	}
	return usage("the model of %s takes or answers something else than that of %s; say --accept-signature to go on:\n  %s", r.To, baseline, strings.Join(lines, "\n  "))
}

// begin takes up the evidence of an earlier call, or measures the traffic first.
func (r *Run) begin(ctx context.Context, baseline rollout.Side) error {
	kept, err := readState(r.State)
	if err != nil {
		return err
	}
	release := r.session.Release
	resumed := kept != nil && release.Open() && kept.Release == release.ID && kept.New.Side == r.To
	if resumed {
		r.state = *kept
		r.note("goes on with release %s at %s, %d requests of %s seen", kept.Release, rollout.Percent(r.session.Split.Shares[r.To]), kept.Judge.NewAll.Requests, r.To)
	} else {
		r.state = state{Old: seen{Side: baseline}, New: seen{Side: r.To}}
	}
	perSecond, err := r.measure(ctx, resumed)
	if err != nil {
		return err
	}
	r.state.Rate, r.state.Present, r.state.Steps = perSecond, perSecond, r.Steps
	if !resumed {
		judged := judge.Judged{Latency: r.Latency, Accuracy: r.Labels != nil}
		if r.Latency {
			var reason string
			r.state.Limits, reason = limitsOf(r.state.Old.Last.Latency, r.state.New.Last.Latency, r.Options.Limits.Slower, r.SlowOver.Seconds())
			if r.state.Limits == nil {
				judged.Latency, judged.Unjudged = false, reason
				r.note("latency is not judged: %s", reason)
			} else {
				l := r.state.Limits
				why := ""
				if l.Quick > 0 {
					judged.Slow, judged.Slower = l.Seconds[l.New], l.Seconds[l.Twice]
					why = fmt.Sprintf(": 95 %% of what %s answers takes at most %s, and what is short is not told apart (--slow-over %s; the shortest time that is counted is %s)",
						baseline, span(l.Quick), r.SlowOver, span(l.Seconds[0]))
				}
				r.note("slow is above %s on %s, and above %s on %s%s", span(l.Seconds[l.Old]), baseline, span(l.Seconds[l.New]), r.To, why)
			}
		}
		r.judge, err = judge.New(r.Options.Limits, judged, string(baseline), string(r.To))
	} else {
		r.judge, err = judge.Resume(r.state.Judge)
	}
	return err
}

func span(seconds float64) string {
	return time.Duration(math.Round(seconds*1e9) * float64(time.Nanosecond)).String()
}

// measuredRequests are enough to know the rate of requests by.
const measuredRequests = 20

// measure reads both sides until the rate of requests is known. What an earlier call read last is held against the first
// reading: a side that was replaced since then has failed.
func (r *Run) measure(ctx context.Context, resumed bool) (float64, error) {
	sides := []*seen{&r.state.Old, &r.state.New}
	if resumed {
		for _, s := range sides {
			if now, err := r.counter.Count(ctx, s.Side); err == nil {
				if fault := s.replaced(now); fault != "" && s.Known {
					r.state.Fault = fault
				}
			}
		}
	}
	for _, s := range sides {
		s.Known, s.Missed = false, 0
		if c := s.read(ctx, r.counter, nil, false); !s.Known {
			return 0, fmt.Errorf("the counts of %s cannot be read, is /metrics served? %w", s.Side, c.err)
		}
	}
	if resumed && r.state.Rate > 0 {
		return r.state.Rate, nil
	}
	began, seenRequests := r.session.Now(), 0
	for {
		if err := r.pause(ctx); err != nil {
			return 0, err
		}
		for _, s := range sides {
			seenRequests += s.read(ctx, r.counter, nil, false).counts.Requests
		}
		took := r.session.Now().Sub(began)
		if seenRequests >= measuredRequests || took >= r.Measure {
			return float64(seenRequests) / took.Seconds(), nil
		}
	}
}

// pause waits for the next scrape.
func (r *Run) pause(ctx context.Context) error {
	if r.Wait != nil {
		return r.Wait(ctx, r.Every)
	}
	timer := time.NewTimer(r.Every)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}
