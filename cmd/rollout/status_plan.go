package main

import (
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"time"

	"ml-service/rollout"
	"ml-service/rollout/canary"
)

// canaryState is the file that a canary goes on from.
func (c *command) canaryState() string {
	return filepath.Join(c.stateDir(), "canary-"+c.target+".json")
}

// writeStanding says where a canary stands, and how long its steps take at the rate that it saw. One that nobody is at work
// on is at rest: it was interrupted or has paused.
func writeStanding(w io.Writer, s *canary.Standing, running bool) {
	var steps []string
	for _, step := range s.Steps {
		text := rollout.Percent(step)
		if step == s.Step {
			text = "[" + text + "]"
		}
		steps = append(steps, text)
	}
	fmt.Fprintf(w, "canary to %s: steps %s", s.To, strings.Join(steps, ", "))
	if running {
		fmt.Fprintf(w, ", %.3g requests a second at present; it holds at %s\n", s.Rate, s.Until.Format(time.TimeOnly))
	} else {
		fmt.Fprintf(w, "; it is at rest, for nobody is at work: the same rollout canary goes on. At the %.3g requests a second that it saw:\n", s.Rate)
	}
	for k, p := range s.Plan {
		switch {
		case p.Share >= 1:
			fmt.Fprintf(w, "  %s   the promotion\n", rollout.Percent(100*p.Share))
		case k == 0 && p.Requests == 0 && p.Takes == 0:
			fmt.Fprintf(w, "  %s   %s\n", rollout.Percent(100*p.Share), s.Report.Verdict)
		case k == 0:
			fmt.Fprintf(w, "  %s   %d more requests of %s, about %s\n", rollout.Percent(100*p.Share), p.Requests, s.To, canary.Rough(p.Takes))
		default:
			fmt.Fprintf(w, "  %s   %d requests of %s, about %s\n", rollout.Percent(100*p.Share), p.Requests, s.To, canary.Rough(p.Takes))
		}
	}
	_ = s.Report.WriteTable(w) // to where status itself is printed
}
