package page

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"sync"
	"time"

	"ml-service/rollout"
	"ml-service/rollout/canary"
	"ml-service/rollout/compare"
	"ml-service/rollout/judge"
)

// Source is where everything is read from. It is what `rollout` itself reads: the target, the journal, and files beside it.
type Source struct {
	Control func(rollout.Progress) (*rollout.Control, error) // opens the target anew
	Canary  string                                           // file that a canary goes on from
	Compare string                                           // file of the last comparison
	Every   time.Duration                                    // between two readings of the sides; what they cost is the target's
}

// Window is the time that figures are about, where the sides have been read for so long.
const Window = 5 * time.Minute

// mostHistory is how many entries of the history are shown.
const mostHistory = 50

// Snapshot is everything that is known at a moment.
type Snapshot struct {
	At     time.Time
	Target string
	rollout.Situation
	Busy    string // who moves traffic at this moment
	Sides   []Side
	Canary  *canary.Standing // under way, or to be taken up again
	Ended   *Ended           // the newest release that a judge has decided, where none is under way
	Compare *compare.Saved
	History []rollout.Entry    // newest first
	Asked   *rollout.Directive // of the process at work, and not done yet
	Wrong   []string           // what a person should know
}

// Ended is what a release was decided by.
type Ended struct {
	Entry  rollout.Entry
	Report judge.Report
}

// Side is one side.
type Side struct {
	rollout.SideState
	Share   float64 // percent
	Figures *Figures
	Total   *rollout.Counts // since its process runs, as it counts
	Series  []Rate
}

// Figures are what a side had within a window.
type Figures struct {
	Span          time.Duration
	Requests      uint64
	Errors        uint64 // own 5xx and failed tries
	Refused       uint64
	P50, P95, P99 float64 // seconds; 0 where nothing was timed
	Scores        map[string]uint64
}

// Rate is requests a second between two readings.
type Rate struct {
	At               time.Time
	Requests, Errors float64
}

// Looker reads a Source. It keeps the readings of the last minutes, from which alone rates and quantiles can be had: a service's
// counters only ever grow. Everything else is read anew for each look.
type Looker struct {
	Source
	moving  sync.Mutex // of files and the split
	mover   *rollout.Control
	reading sync.Mutex // of the sides, which takes longer
	reader  *rollout.Control

	mu       sync.Mutex
	sides    []rollout.SideState
	sidesAt  time.Time
	readings map[rollout.Side][]rollout.Counts
	digests  map[string]string // of models, by instance and version
	fault    string
}

// NewLooker opens the source.
func NewLooker(s Source) (*Looker, error) {
	l := &Looker{Source: s, readings: map[rollout.Side][]rollout.Counts{}, digests: map[string]string{}}
	silent := rollout.Progress{Step: func(string) {}, Tell: func(string) {}}
	var err error
	if l.mover, err = s.Control(silent); err != nil {
		return nil, err
	}
	l.reader, err = s.Control(silent)
	return l, err
}

// Read reads the sides, unless that was done less than Every ago.
func (l *Looker) Read(ctx context.Context) {
	l.reading.Lock()
	defer l.reading.Unlock()
	l.mu.Lock()
	fresh := time.Since(l.sidesAt) < l.Every
	l.mu.Unlock()
	if fresh {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	inspector, ok := l.reader.Target.(rollout.Inspector)
	if !ok {
		return
	}
	sides, err := inspector.Sides(ctx)
	if err != nil {
		if ctx.Err() == nil {
			l.mu.Lock()
			l.fault, l.sides, l.sidesAt = err.Error(), nil, time.Now()
			l.mu.Unlock()
		}
		return
	}
	counts := map[rollout.Side]rollout.Counts{}
	for k := range sides {
		sides[k].SHA256 = l.digest(ctx, sides[k])
		if counter, ok := l.reader.Target.(rollout.Counter); ok {
			if n, err := counter.Count(ctx, sides[k].Side); err == nil {
				counts[sides[k].Side] = n
			} else if sides[k].Usable() {
				sides[k].Remarks = append(sides[k].Remarks, "its counts cannot be read: "+err.Error())
			}
		}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.fault, l.sides, l.sidesAt = "", sides, time.Now()
	for side, n := range counts {
		l.readings[side] = keep(l.readings[side], n)
	}
}

// keep adds a reading and lets go of those that are too old, or of another process.
func keep(all []rollout.Counts, n rollout.Counts) []rollout.Counts {
	if len(all) > 0 {
		if last := all[len(all)-1]; last.Instance != n.Instance || last.Restarts != n.Restarts || n.Requests < last.Requests {
			all = nil
		}
	}
	all = slices.DeleteFunc(all, func(old rollout.Counts) bool { return n.At.Sub(old.At) > Window+10*time.Second })
	return append(all, n)
}

// digest is the SHA-256 of a side's model, which the side is asked for once.
func (l *Looker) digest(ctx context.Context, s rollout.SideState) string {
	asker, ok := l.reader.Target.(rollout.Asker)
	if s.SHA256 != "" || !ok || !s.Usable() {
		return s.SHA256
	}
	key := s.Instance + " " + s.Version + " " + fmt.Sprint(s.Restarts)
	if known, ok := l.digests[key]; ok {
		return known
	}
	d, err := rollout.Describe(ctx, asker, s.Side)
	if err != nil {
		return ""
	}
	if len(l.digests) > 100 {
		clear(l.digests)
	}
	l.digests[key] = d.SHA256
	return d.SHA256
}

// Look says what is known now. Of the sides it says what was read last.
func (l *Looker) Look(ctx context.Context) Snapshot {
	l.moving.Lock()
	defer l.moving.Unlock()
	s := Snapshot{At: time.Now(), Target: l.mover.Name, Busy: rollout.Holder(l.mover.Dir)}
	wrong := func(err error) {
		if err != nil {
			s.Wrong = append(s.Wrong, err.Error())
		}
	}
	var err error
	s.Situation, err = l.mover.Look(ctx)
	wrong(err)
	s.History, err = l.mover.Journal.All()
	wrong(err)
	s.Canary, err = canary.Stands(l.Canary, s.Release)
	wrong(err)
	s.Asked, err = l.mover.Journal.Directive()
	wrong(err)
	s.Compare, err = compare.ReadSaved(l.Compare)
	wrong(err)
	if !s.Release.Open() {
		s.Ended = ended(s.History)
	}
	slices.Reverse(s.History)
	s.History = s.History[:min(len(s.History), mostHistory)]
	l.addSides(&s)
	if s.Left != nil {
		s.Wrong = append(s.Wrong, fmt.Sprintf("rollout left %s; somebody else has made %s of it", *s.Left, s.Split))
	}
	if e := s.Pending; e != nil && s.Busy == "" {
		s.Wrong = append(s.Wrong, fmt.Sprintf("a %s was killed at %s (%s to %s); the next rollout shift, promote or rollback settles it first", e.Verb, e.Time.Format(time.RFC3339), e.From, e.To))
	}
	return s
}

// addSides adds what was read last of the sides.
func (l *Looker) addSides(s *Snapshot) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.fault != "" {
		s.Wrong = append(s.Wrong, l.fault)
	}
	for _, state := range l.sides {
		side := Side{SideState: state, Share: s.Split.Shares[state.Side]}
		if all := l.readings[state.Side]; len(all) > 0 && state.Usable() {
			last := all[len(all)-1]
			side.Total, side.Figures, side.Series = &last, figures(all), rates(all)
		}
		if side.Share > 0 && !state.Usable() {
			s.Wrong = append(s.Wrong, fmt.Sprintf("%s has %s of the traffic and is %s", side.Side, rollout.Percent(side.Share), side.State))
		}
		for _, remark := range state.Remarks {
			s.Wrong = append(s.Wrong, fmt.Sprintf("%s: %s", side.Side, remark))
		}
		s.Sides = append(s.Sides, side)
	}
}

// ended finds what the newest release was decided by, in a history that has the oldest first.
func ended(all []rollout.Entry) *Ended {
	for _, e := range slices.Backward(all) {
		if e.Verb == "deploy" {
			continue
		}
		var r judge.Report
		if len(e.Evidence) > 0 && json.Unmarshal(e.Evidence, &r) == nil && len(r.Checks) > 0 {
			return &Ended{e, r}
		}
		return nil
	}
	return nil
}

// figures are those between the oldest and the newest reading within the window; nil where there is one reading alone.
func figures(all []rollout.Counts) *Figures {
	b := all[len(all)-1]
	k := slices.IndexFunc(all, func(n rollout.Counts) bool { return b.At.Sub(n.At) <= Window })
	a := all[k]
	if k == len(all)-1 {
		return nil
	}
	f := &Figures{Span: b.At.Sub(a.At), Requests: b.Requests - a.Requests, Errors: more(a.Errors, b.Errors), Refused: more(a.Refused, b.Refused),
		P50: rollout.Quantile(0.5, a.Latency, b.Latency), P95: rollout.Quantile(0.95, a.Latency, b.Latency), P99: rollout.Quantile(0.99, a.Latency, b.Latency),
		Scores: map[string]uint64{}}
	for name, n := range b.Scores {
		if d := more(a.Scores[name], n); d > 0 {
			f.Scores[name] = d
		}
	}
	return f
}

func more(a, b uint64) uint64 { return b - min(a, b) }

// rates are the requests a second between readings.
func rates(all []rollout.Counts) []Rate {
	var rates []Rate
	for k := 1; k < len(all); k++ {
		a, b := all[k-1], all[k]
		if seconds := b.At.Sub(a.At).Seconds(); seconds > 0 {
			rates = append(rates, Rate{b.At, float64(more(a.Requests, b.Requests)) / seconds, float64(more(a.Errors, b.Errors)) / seconds})
		}
	}
	return rates
}
