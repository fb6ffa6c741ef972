package canary

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"ml-service/rollout"
	"ml-service/rollout/judge"
)

// Rate is how many requests a second both sides had together.
func (r *Run) Rate() float64 { return r.state.Rate }

// Standing is where a canary stands, as its last scrape left it.
type Standing struct {
	Release string           `json:"release"`
	To      rollout.Side     `json:"to"`
	Step    float64          `json:"step"`  // percent
	Steps   []float64        `json:"steps"` // percent, all of them
	Rate    float64          `json:"rate"`  // requests a second at present, of both sides
	Until   time.Time        `json:"until"` // when the canary holds, if it has not ended
	Report  judge.Report     `json:"report"`
	Plan    []judge.StepPlan `json:"plan"` // of the step under way, what is missing still, and of those behind it, at that rate
}

// Stands reads where the canary of a release stands from the file that it goes on from; nil where there is none.
func Stands(file string, release *rollout.Release) (*Standing, error) {
	kept, err := readState(file)
	if err != nil || kept == nil || !release.Open() || kept.Release != release.ID {
		return nil, err
	}
	j, err := judge.Resume(kept.Judge)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	s := &Standing{Release: kept.Release, To: kept.New.Side, Step: kept.Step, Steps: kept.Steps, Rate: kept.Present, Until: kept.Until, Report: j.Report()}
	var shares []float64
	for _, step := range kept.Steps {
		if step >= kept.Step {
			shares = append(shares, step/100)
		}
	}
	s.Plan = judge.Plan(kept.Judge.Limits, s.Rate, shares)
	if len(s.Plan) > 0 { // of the step under way some is done
		first := &s.Plan[0]
		first.Requests = s.Report.Requests
		if s.Report.Requests > 0 && s.Report.Seconds == 0 {
			first.Takes = judge.Takes(s.Report.Requests, s.Rate*first.Share)
		} else {
			first.Takes = time.Duration(s.Report.Seconds * float64(time.Second))
		}
	}
	return s, nil
}

// left are the steps that are still to be made, the one under way included.
func (r *Run) left() []float64 {
	share := r.session.Split.Shares[r.To]
	k := slices.IndexFunc(r.Steps, func(step float64) bool { return step >= share-0.01 })
	if k < 0 {
		return nil
	}
	return r.Steps[k:]
}

// Plan says how long the steps take at best, and refuses those that cannot end within MaxWait.
func (r *Run) Plan() ([]judge.StepPlan, error) {
	steps := r.left()
	if len(steps) == 0 {
		return nil, usage("%s has %s of the traffic, which is past the last step", r.To, rollout.Percent(r.session.Split.Shares[r.To]))
	}
	shares := make([]float64, len(steps))
	for k, step := range steps {
		shares[k] = step / 100
	}
	plan := judge.Plan(r.Options.Limits, r.state.Rate, shares)
	total, words := time.Duration(0), []string{}
	for _, p := range plan {
		if p.Requests > 0 {
			total = min(total+p.Takes, 1<<62)
			words = append(words, fmt.Sprintf("%s %s", rollout.Percent(100*p.Share), Rough(p.Takes)))
		}
	}
	if r.state.Rate == 0 {
		return plan, &rollout.Fault{Outcome: rollout.ErrHeld, Err: fmt.Errorf("no request came in %s: without traffic there is nothing to judge, and no step ends. "+
			"Nobody was moved; the same command begins anew once there is traffic, rollout promote --to %s decides without evidence", r.Measure, r.To)}
	}
	if total > r.MaxWait {
		return plan, usage("at %.3g requests a second the steps take at best %s (%s), longer than --max-wait %s: give it more time, larger steps or fewer --requests",
			r.state.Rate, Rough(total), strings.Join(words, ", "), r.MaxWait)
	}
	return plan, nil
}

// Rough is a time as people say it of a plan.
func Rough(d time.Duration) string {
	switch {
	case d < time.Minute:
		return d.Round(time.Second).String()
	case d < 48*time.Hour:
		return d.Round(time.Minute).String()
	}
	return fmt.Sprintf("%.0f days", d.Hours()/24)
}
