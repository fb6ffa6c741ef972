package canary

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

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
	text, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var s state
	if err := json.Unmarshal(text, &s); err != nil {
		return nil, fmt.Errorf("%s: %w; remove it to begin with no evidence", file, err)
	}
	return &s, nil
}

// write replaces the file in one step. A later call reads the sides anew, so of the readings their instances alone are kept.
func (s *state) write(file string) error {
	kept := *s
	for _, side := range []*seen{&kept.Old, &kept.New} {
		side.Last.Latency, side.Last.Scores = nil, nil
	}
	text, err := json.Marshal(kept)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		return err
	}
	fresh := file + ".new"
	if err := os.WriteFile(fresh, text, 0o600); err != nil {
		return err
	}
	return os.Rename(fresh, file)
}

func removeState(file string) error {
	err := os.Remove(file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}
