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
			words = append(words, fmt.Sprintf("%s %s", rollout.Percent(100*p.Share), rough(p.Takes)))
		}
	}
	if r.state.Rate == 0 {
		return plan, usage("no request came in %s: without traffic there is nothing to judge, and no step ends", r.Measure)
	}
	if total > r.MaxWait {
		return plan, usage("at %.3g requests a second the steps take at best %s (%s), longer than --max-wait %s: give it more time, larger steps or fewer --requests",
			r.state.Rate, rough(total), strings.Join(words, ", "), r.MaxWait)
	}
	return plan, nil
}

func rough(d time.Duration) string {
	switch {
	case d < time.Minute:
		return d.Round(time.Second).String()
	case d < 48*time.Hour:
		return d.Round(time.Minute).String()
	}
	return fmt.Sprintf("%.0f days", d.Hours()/24)
}
