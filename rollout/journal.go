package rollout

import (
	"bytes"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// Entry is one thing that was done, or is being done: a line of the history, or the journal.
type Entry struct {
	ID       string          `json:"id"` // of this entry; explain shows it
	Release  string          `json:"release"`
	Target   string          `json:"target"`
	Time     time.Time       `json:"time"`
	Who      string          `json:"who"`
	Verb     string          `json:"verb"`   // shift, promote, rollback, deploy
	Result   string          `json:"result"` // done, failed, unfinished: killed, and found so by the next call
	Baseline Side            `json:"baseline,omitempty"`
	Side     Side            `json:"side,omitempty"` // the new one
	From     Split           `json:"from"`
	To       Split           `json:"to"`
	Reason   string          `json:"reason,omitempty"`
	Error    string          `json:"error,omitempty"`
	Seconds  float64         `json:"seconds,omitempty"`
	Artifact *Artifact       `json:"artifact,omitempty"`
	Counts   map[Side]Counts `json:"counts,omitempty"` // at the moment it was done
	Notes    []string        `json:"notes,omitempty"`
	Evidence json.RawMessage `json:"evidence,omitempty"` // what a judge decided by
	Accepted string          `json:"accepted,omitempty"` // SHA-256 of a model whose other signature somebody has accepted
}

// Journal keeps, for one target, the action under way and the history of those that ended. What is being done is on the disk
// before it is begun.
type Journal struct {
	dir    string
	target string
}

// OpenJournal gives the journal of a target in a folder; nothing is made before something is written.
func OpenJournal(dir, target string) *Journal { return &Journal{dir, target} }

func (j *Journal) pending() string { return filepath.Join(j.dir, "journal-"+j.target+".json") }
func (j *Journal) history() string { return filepath.Join(j.dir, "history.jsonl") }

// Begin writes down what is about to be done.
func (j *Journal) Begin(e Entry) error { return SaveJSON(j.pending(), e) }

// Pending is what was begun and has not ended: the caller holds the lock, so nobody is at it any more.
func (j *Journal) Pending() (*Entry, error) {
	var e Entry
	if found, err := LoadJSON(j.pending(), &e); !found {
		return nil, err
	}
	all, err := j.All()
	if err != nil {
		return nil, err
	}
	for _, done := range all {
		if done.ID == e.ID { // killed between the two steps of End
			return nil, nil
		}
	}
	return &e, nil
}

// End appends what was begun to the history, with its result.
func (j *Journal) End(e Entry) error {
	if err := j.Append(e); err != nil {
		return err
	}
	return errors.Join(RemoveFile(j.pending()), SyncFolder(j.dir))
}

// Append adds a line to the history.
func (j *Journal) Append(e Entry) error {
	line, err := json.Marshal(e)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(j.dir, 0o700); err != nil {
		return err
	}
	f, err := os.OpenFile(j.history(), os.O_RDWR|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	if info, err := f.Stat(); err == nil && info.Size() > 0 { // a line that was cut by a crash is closed
		last := make([]byte, 1)
		if _, err := f.ReadAt(last, info.Size()-1); err == nil && last[0] != '\n' {
			line = append([]byte{'\n'}, line...)
		}
	}
	_, err = f.Write(append(line, '\n'))
	return errors.Join(err, f.Sync(), f.Close())
}

// All is this target's history, oldest first. Lines that cannot be read are passed over: a crash may have cut one.
func (j *Journal) All() ([]Entry, error) {
	text, err := os.ReadFile(j.history())
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var all []Entry
	for line := range bytes.Lines(text) {
		var e Entry
		if json.Unmarshal(line, &e) == nil && e.Target == j.target {
			all = append(all, e)
		}
	}
	return all, nil
}
