package compare

import (
	"fmt"
	"ml-service/rollout"
	"slices"
	"time"
)

// Saved is the last comparison of a folder, for whoever looks later.
type Saved struct {
	At     time.Time `json:"at"`
	Result *Result   `json:"result"`
}

// Save replaces the file in one step. What users sent does not stay in it.
func Save(file string, r *Result, at time.Time) error {
	kept := *r
	kept.Most = slices.Clone(r.Most)
	for k := range kept.Most {
		kept.Most[k].Body = nil
	}
	return rollout.SaveJSON(file, Saved{at, &kept})
}

// ReadSaved gives the last comparison; nil where there was none.
func ReadSaved(file string) (*Saved, error) {
	var s Saved
	found, err := rollout.LoadJSON(file, &s)
	if err == nil && found && s.Result == nil {
		err = fmt.Errorf("%s: there is no result in it", file)
	}
	if err != nil {
		return nil, fmt.Errorf("%w; remove it, it is but the last comparison", err)
	}
	if !found {
		return nil, nil
	}
	return &s, nil
}
