package compare

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
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
	text, err := json.Marshal(Saved{at, &kept})
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(file), "compare-*.tmp")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name()) //nolint:errcheck // gone where the rename succeeded
	_, err = f.Write(append(text, '\n'))
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), file)
}

// ReadSaved gives the last comparison; nil where there was none.
func ReadSaved(file string) (*Saved, error) {
	text, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var s Saved
	if err := json.Unmarshal(text, &s); err != nil {
		return nil, fmt.Errorf("%s: %w; remove it, it is but the last comparison", file, err)
	}
	if s.Result == nil {
		return nil, fmt.Errorf("%s: there is no result in it; remove it, it is but the last comparison", file)
	}
	return &s, nil
}
