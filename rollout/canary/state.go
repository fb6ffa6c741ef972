package canary

import (
	"fmt"
	"time"

	"ml-service/rollout"
	"ml-service/rollout/judge"
)

// state is what a later call goes on from.
type state struct {
	Release string      `json:"release"`
	Step    float64     `json:"step"`
	Steps   []float64   `json:"steps"`   // percent, all of them
	Rate    float64     `json:"rate"`    // requests a second, before the first step
	Present float64     `json:"present"` // requests a second, of the last minute or so
	Until   time.Time   `json:"until"`   // when this call ends
	Old     seen        `json:"old"`
	New     seen        `json:"new"`
	Limits  *limits     `json:"limits,omitempty"`
	Judge   judge.State `json:"judge"`
	Labels  int64       `json:"labels"`          // how far the known answers were counted
	Fault   string      `json:"fault,omitempty"` // the new side was replaced between two calls
}

// readState gives what an earlier call left; nil where there is nothing.
func readState(file string) (*state, error) {
	var s state
	found, err := rollout.LoadJSON(file, &s)
	if err != nil {
		return nil, fmt.Errorf("%w; remove it to begin with no evidence", err)
	}
	if !found {
		return nil, nil
	}
	return &s, nil
}

// write replaces the file in one step. A later call reads the sides anew, so of the readings their instances alone are kept.
func (s *state) write(file string) error {
	kept := *s
	for _, side := range []*seen{&kept.Old, &kept.New} {
		side.Last.Latency, side.Last.Scores = nil, nil
	}
	return rollout.SaveJSON(file, kept)
}
