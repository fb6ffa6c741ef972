package api

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"
)

// Event is one thing that happened to a deployment.
type Event struct {
	Number   int             `json:"number"` // from 1
	At       time.Time       `json:"at"`
	State    string          `json:"state"`
	Step     string          `json:"step,omitempty"`
	Reason   string          `json:"reason,omitempty"`
	Evidence json.RawMessage `json:"evidence,omitempty"` // what a decision was made by
}

// record is a deployment as its file has it: the order in the first line, an event in each further one.
type record struct {
	ID     string    `json:"id"`
	Key    string    `json:"key"` // SHA-256 of the Idempotency-Key and who gave the order
	Order  Order     `json:"order"`
	Who    string    `json:"who"`
	Began  time.Time `json:"began"`
	events []Event
}

// last is the newest event; a deployment without any is running.
func (r *record) last() Event {
	if len(r.events) == 0 {
		return Event{State: Running}
	}
	return r.events[len(r.events)-1]
}

// store keeps the deployments in a folder, a file of JSON lines each; there is nothing else to lose.
type store struct {
	dir string

	mu      sync.Mutex
	all     []*record     // oldest first
	changed chan struct{} // closed at the next event
}

// mostKept is how many deployments are kept.
const mostKept = 200

func openStore(dir string) (*store, error) {
	s := &store{dir: dir, changed: make(chan struct{})}
	files, err := filepath.Glob(filepath.Join(dir, "*.jsonl"))
	if err != nil {
		return nil, err
	}
	slices.Sort(files) // an id begins with its time
	for _, path := range files {
		r, err := readRecord(path)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		if r != nil {
			s.all = append(s.all, r)
		}
	}
	return s, nil
}

// readRecord reads a deployment; nil where not even the order was written whole.
func readRecord(path string) (*record, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var r *record
	lines := bufio.NewScanner(bytes.NewReader(text))
	lines.Buffer(nil, len(text)+1)
	for lines.Scan() {
		if r == nil {
			first := new(record)
			if err := json.Unmarshal(lines.Bytes(), first); err != nil || first.ID == "" {
				return nil, nil //nolint:nilerr // a crash has cut it: nothing was begun
			}
			r = first
			continue
		}
		var e Event
		if json.Unmarshal(lines.Bytes(), &e) == nil { // the last line may have been cut by a crash
			r.events = append(r.events, e)
		}
	}
	return r, lines.Err()
}

// begin keeps a new deployment, unless another one is running or the key was used; it gives that one then.
func (s *store) begin(r *record) (other *record, busy bool, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, known := range s.all {
		if known.Key == r.Key {
			return known, false, nil
		}
	}
	for _, known := range s.all {
		if known.last().State == Running {
			return known, true, nil
		}
	}
	if err := os.MkdirAll(s.dir, 0o700); err != nil {
		return nil, false, err
	}
	if err := s.write(r.ID, r, os.O_CREATE|os.O_EXCL); err != nil {
		return nil, false, err
	}
	s.all = append(s.all, r)
	for ; len(s.all) > mostKept; s.all = s.all[1:] {
		if err := os.Remove(s.path(s.all[0].ID)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, false, err
		}
	}
	return nil, false, nil
}

func (s *store) path(id string) string { return filepath.Join(s.dir, id+".jsonl") }

// write appends a line that is on the disk when it returns.
func (s *store) write(id string, line any, flags int) error {
	text, err := json.Marshal(line)
	if err != nil {
		return err
	}
	f, err := os.OpenFile(s.path(id), os.O_RDWR|os.O_APPEND|flags, 0o600)
	if err != nil {
		return err
	}
	if info, err := f.Stat(); err == nil && info.Size() > 0 { // a line that was cut by a crash is closed
		end := make([]byte, 1)
		if _, err := f.ReadAt(end, info.Size()-1); err == nil && end[0] != '\n' {
			text = append([]byte{'\n'}, text...)
		}
	}
	_, err = f.Write(append(text, '\n'))
	return errors.Join(err, f.Sync(), f.Close())
}

// add keeps an event and tells who waits for one.
func (s *store) add(r *record, e Event) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	e.Number = len(r.events) + 1
	err := s.write(r.ID, e, 0)
	r.events = append(r.events, e) // told even where the disk is full
	close(s.changed)
	s.changed = make(chan struct{})
	return err
}

// get gives a deployment and what closes at the next event of any; nil: there is none of this id.
func (s *store) get(id string) (r *record, events []Event, changed <-chan struct{}) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, known := range s.all {
		if known.ID == id {
			return known, slices.Clone(known.events), s.changed
		}
	}
	return nil, nil, nil
}

// list gives the deployments, newest first.
func (s *store) list() []*record {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := slices.Clone(s.all)
	slices.Reverse(all)
	return all
}

// running is the deployment that has not ended.
func (s *store) running() *record {
	for _, r := range s.list() {
		_, events, _ := s.get(r.ID)
		if len(events) == 0 || events[len(events)-1].State == Running {
			return r
		}
	}
	return nil
}

// images are those of the newest deployments that succeeded, without what is the same.
func (s *store) images(n int) []string {
	var images []string
	for _, r := range s.list() {
		if _, events, _ := s.get(r.ID); len(images) < n && len(events) > 0 && events[len(events)-1].State == Succeeded && !slices.Contains(images, r.Order.Image) {
			images = append(images, strings.ToLower(r.Order.Image))
		}
	}
	return images
}
