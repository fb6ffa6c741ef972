package rollout

import (
	"fmt"
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
func (j *Journal) Direct(d Directive) error { return SaveJSON(j.directive(), d) }

// Directive is what was asked and not done yet; nil where nothing is.
func (j *Journal) Directive() (*Directive, error) {
	var d Directive
	if found, err := LoadJSON(j.directive(), &d); !found {
		return nil, err
	}
	return &d, nil
}

// Dismiss removes the directive: it was followed, or its release has ended.
func (j *Journal) Dismiss() error { return RemoveFile(j.directive()) }
