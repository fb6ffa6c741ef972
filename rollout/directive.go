package rollout

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// Directive is what somebody asks of the process that has the lock: it lies beside the journal, and a canary, or the watch after a
// promotion, does it at its next scrape. It names the release that it is about, so that no other one takes it for its own.
type Directive struct {
	Verb    string    `json:"verb"` // promote, pause, rollback
	Release string    `json:"release"`
	Who     string    `json:"who"`
	Reason  string    `json:"reason,omitempty"`
	Time    time.Time `json:"time"`
}

// String is a directive as a reason, for the history.
func (d Directive) String() string {
	text := fmt.Sprintf("%s asked for by %s at %s", d.Verb, d.Who, d.Time.Format(time.RFC3339))
	if d.Reason != "" {
		text += ": " + d.Reason
	}
	return text
}

func (j *Journal) directive() string { return filepath.Join(j.dir, "directive-"+j.target+".json") }

// Direct leaves a directive, in the place of one that nobody has followed yet.
func (j *Journal) Direct(d Directive) error {
	text, err := json.Marshal(d)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(j.dir, 0o700); err != nil {
		return err
	}
	f, err := os.CreateTemp(j.dir, "directive-*.tmp")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name()) //nolint:errcheck // gone where the rename succeeded
	_, err = f.Write(append(text, '\n'))
	if err = errors.Join(err, f.Sync(), f.Close()); err == nil {
		err = os.Rename(f.Name(), j.directive())
	}
	return errors.Join(err, syncFolder(j.dir))
}

// Directive is what was asked and not done yet; nil where nothing is.
func (j *Journal) Directive() (*Directive, error) {
	text, err := os.ReadFile(j.directive())
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var d Directive
	if err := json.Unmarshal(text, &d); err != nil {
		return nil, fmt.Errorf("%s: %w", j.directive(), err)
	}
	return &d, nil
}

// Dismiss removes the directive: it was followed, or its release has ended.
func (j *Journal) Dismiss() error {
	err := os.Remove(j.directive())
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}
