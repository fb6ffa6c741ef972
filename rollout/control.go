package rollout

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strings"
	"time"
)

// Control moves the traffic of one target.
type Control struct {
	Target  Target
	Journal *Journal
	Dir     string // of the lock
	Name    string // of the target, as "nginx"
	Who     string
	Progress
	Now func() time.Time
}

// Progress is how a long action is followed.
type Progress struct {
	Step func(what string) // a step begins; shown where it takes long
	Tell func(what string) // a person has to know this
}

// Release is what the history says of the last release.
type Release struct {
	ID       string    `json:"id"`
	Baseline Side      `json:"baseline"`
	New      Side      `json:"new"`
	Began    time.Time `json:"began"`
	Ended    string    `json:"ended,omitempty"` // promoted, rolled back; "" while it goes on
	// Replaced is what was deployed to the baseline since: there is nothing left to go back to. "" is a release with its way back.
	Replaced string `json:"replaced,omitempty"`
}

// Open says whether a release is under way.
func (r *Release) Open() bool { return r != nil && r.Ended == "" }

// Situation is what is known before anything is done.
type Situation struct {
	Split   Split    `json:"split"`
	Release *Release `json:"release,omitempty"`
	Pending *Entry   `json:"pending,omitempty"` // begun and not ended
	Left    *Split   `json:"left,omitempty"`    // what was left the last time, where that is another split now
}

// Look reads the situation and changes nothing.
func (c *Control) Look(ctx context.Context) (Situation, error) {
	split, err := c.Target.Read(ctx)
	if err != nil {
		return Situation{}, err
	}
	return c.situation(split)
}

func (c *Control) situation(split Split) (Situation, error) {
	s := Situation{Split: split}
	all, err := c.Journal.All()
	if err != nil {
		return s, err
	}
	if s.Pending, err = c.Journal.Pending(); err != nil {
		return s, err
	}
	var left *Split
	for _, e := range all {
		if e.Result != "done" {
			continue
		}
		if e.Verb == "deploy" {
			if s.Release != nil && s.Release.Baseline == e.Side && e.Artifact != nil {
				s.Release.Replaced = e.Artifact.String()
			}
			continue
		}
		left = &e.To
		switch {
		case s.Release == nil || s.Release.ID != e.Release:
			s.Release = &Release{ID: e.Release, Baseline: e.Baseline, New: e.Side, Began: e.Time}
		default:
			s.Release.New = e.Side
		}
		switch e.Verb {
		case "promote":
			s.Release.Ended = "promoted"
		case "rollback":
			s.Release.Ended = "rolled back"
		}
	}
	// Another machine's release stands beside the split.
	if m := split.Mark; m.Release != "" && (s.Release == nil || s.Release.ID != m.Release) {
		s.Release = &Release{ID: m.Release, Baseline: m.Baseline}
		for _, side := range split.Sides() {
			if side != m.Baseline {
				s.Release.New = side
			}
		}
		left = nil
	}
	if left != nil && !left.Same(split) && s.Pending == nil {
		s.Left = left
	}
	return s, nil
}

// Session is the time in which one process alone moves traffic.
type Session struct {
	Situation
	*Control
	lock *Lock
	// Settled says what an earlier call that was killed had left, and what became of it.
	Settled string
}

// Begin takes the lock and settles what an earlier call that was killed has left.
func (c *Control) Begin(ctx context.Context) (*Session, error) {
	lock, err := TakeLock(c.Dir, fmt.Sprintf("%s, since %s", c.Who, c.Now().Format(time.RFC3339)))
	if err != nil {
		return nil, err
	}
	s := &Session{Control: c, lock: lock}
	if err := s.settle(ctx); err != nil {
		return nil, errors.Join(err, lock.Release())
	}
	split, err := c.Target.Read(ctx)
	if err == nil {
		s.Situation, err = c.situation(split)
	}
	if err != nil {
		return nil, errors.Join(err, lock.Release())
	}
	return s, nil
}

// Close gives the lock back.
func (s *Session) Close() error { return s.lock.Release() }

// settle finds out what became of an action that was killed, and ends it.
func (s *Session) settle(ctx context.Context) error {
	e, err := s.Journal.Pending()
	if e == nil || err != nil {
		return err
	}
	s.Step(fmt.Sprintf("settle the %s that was killed at %s", e.Verb, e.Time.Format(time.RFC3339)))
	if e.Verb == "deploy" {
		return s.settleDeploy(ctx, *e)
	}
	now := Split{}
	if settler, ok := s.Target.(Settler); ok {
		now, err = settler.Settle(ctx, e.From, e.To)
	} else {
		now, err = s.Target.Read(ctx)
	}
	if err != nil {
		return fmt.Errorf("settle the %s that was killed at %s (%s to %s): %w", e.Verb, e.Time.Format(time.RFC3339), e.From, e.To, err)
	}
	e.Result = "unfinished"
	became := "somebody has changed it since: " + now.String()
	switch {
	case now.Same(e.To):
		e.Result = "done"
		became = "it is finished: " + now.String()
	case now.Same(e.From):
		became = "nothing is changed: " + now.String()
	}
	s.Settled = fmt.Sprintf("a %s was killed at %s (%s to %s); %s", e.Verb, e.Time.Format(time.RFC3339), e.From, e.To, became)
	e.Notes = append(e.Notes, "killed; the next call found that "+became)
	return s.Journal.End(*e)
}

// settleDeploy takes a deployment that was killed back: what it started was not checked.
func (s *Session) settleDeploy(ctx context.Context, e Entry) error {
	became := fmt.Sprintf("%s was not checked; deploy again", e.Side)
	if undoer, ok := s.Target.(Undoer); ok {
		undone, err := undoer.Undo(ctx, e.Side)
		if err != nil {
			return fmt.Errorf("settle the deploy that was killed at %s: %w", e.Time.Format(time.RFC3339), err)
		}
		became = "nothing had been changed"
		if undone {
			became = fmt.Sprintf("%s runs what it ran before", e.Side)
		}
	}
	e.Result = "unfinished"
	s.Settled = fmt.Sprintf("a deploy to %s was killed at %s; %s", e.Side, e.Time.Format(time.RFC3339), became)
	e.Notes = append(e.Notes, "killed; the next call found that "+became)
	return s.Journal.End(e)
}

// drifted is the error for a split that is not the one that was left.
func (s *Session) drifted() error {
	return &Fault{ErrDrifted, fmt.Errorf("the split is %s, but rollout left %s: somebody else has changed it. "+
		"To go on from what is there now, say --accept-drift; to see what was done, rollout history", s.Split, *s.Left)}
}

// Options are what the verbs have in common.
type Options struct {
	From        Side // the baseline of a release that begins at a split
	Reason      string
	AcceptDrift bool
	Evidence    []byte // JSON of a judge
}

func usage(format string, args ...any) error { return &Fault{ErrUsage, fmt.Errorf(format, args...)} }

// PlanShift gives percent of the traffic to a side, the rest to the other one. Where no release is under way, one begins.
func (s *Session) PlanShift(to Side, percent float64, o Options) (Entry, error) {
	e, err := s.plan("shift", to, o)
	if err != nil {
		return e, err
	}
	if !(percent >= 0 && percent <= 100) { // a NaN too
		return e, usage("weight: want 0 to 100 percent, got %v", percent)
	}
	rest := e.Baseline
	if to == e.Baseline {
		if rest = s.newSide(); rest == "" {
			return e, usage("%s has all the traffic and is where a release begins; shift to the other side", to)
		}
		e.Side = rest
	}
	e.To = Between(to, percent, rest)
	return e, nil
}

func (s *Session) newSide() Side {
	if s.Release.Open() {
		return s.Release.New
	}
	return ""
}

// PlanPromote gives everything to the new side. With no side named it is the one of the release under way.
func (s *Session) PlanPromote(to Side, o Options) (Entry, error) {
	if to == "" {
		if to = s.newSide(); to == "" {
			return Entry{}, usage("no release is under way, so nobody knows whom to promote: say --to")
		}
	}
	e, err := s.plan("promote", to, o)
	if err != nil {
		return e, err
	}
	if to == e.Baseline && s.Release.Open() {
		return e, usage("%s is where this release began: rollback gives it all the traffic", to)
	}
	e.To = All(to)
	return e, nil
}

// plan is what shift and promote have in common: the release, its baseline, and drift.
func (s *Session) plan(verb string, to Side, o Options) (Entry, error) {
	if to == "" {
		return Entry{}, usage("to which side? say --to")
	}
	e := s.entry(verb, o)
	if s.Left != nil {
		if !o.AcceptDrift {
			return e, s.drifted()
		}
		e.Notes = append(e.Notes, fmt.Sprintf("began at %s, where rollout had left %s", s.Split, *s.Left))
	}
	e.Side = to
	switch sole, ok := s.Split.Sole(); {
	case s.Release.Open():
		e.Release, e.Baseline = s.Release.ID, s.Release.Baseline
		if o.From != "" && o.From != e.Baseline {
			return e, usage("release %s began at %s; end it by promote or rollback before another begins at %s", e.Release, e.Baseline, o.From)
		}
		if to != e.Baseline && s.Release.New != "" && to != s.Release.New {
			return e, usage("release %s moves traffic to %s; end it by promote or rollback before another goes to %s", e.Release, s.Release.New, to)
		}
	case o.From != "":
		if s.Split.Shares[o.From] == 0 {
			return e, usage("--from %s: it has no traffic (%s)", o.From, s.Split)
		}
		e.Baseline = o.From
	case ok:
		e.Baseline = sole
	default:
		return e, usage("the split is %s and no release is under way: say --from, the side that a rollback goes back to", s.Split)
	}
	return e, nil
}

// PlanRollback gives everything back to the baseline of the last release, whatever lies between.
func (s *Session) PlanRollback(o Options) (Entry, error) {
	e := s.entry("rollback", o)
	if s.Release == nil {
		if o.From == "" {
			return e, usage("no release is known here, so nobody knows what to go back to; say --to, or shift")
		}
		e.Baseline = o.From
	} else {
		e.Release, e.Baseline, e.Side = s.Release.ID, s.Release.Baseline, s.Release.New
		if s.Release.Replaced != "" && o.From == "" {
			return e, usage("release %s began at %s, to which %s was deployed since: there is nothing left to go back to (%s). To give %s all the traffic none the less, say --to %s",
				e.Release, e.Baseline, s.Release.Replaced, s.Split, e.Baseline, e.Baseline)
		}
		if o.From != "" {
			e.Baseline = o.From
		}
	}
	e.To = All(e.Baseline)
	if s.Release != nil && s.Release.Ended == "rolled back" && e.To.Same(s.Split) {
		return e, usage("release %s is rolled back already: %s", s.Release.ID, s.Split)
	}
	if s.Left != nil { // named, but a rollback does not wait for it
		e.Notes = append(e.Notes, fmt.Sprintf("began at %s, where rollout had left %s", s.Split, *s.Left))
	}
	return e, nil
}

func (s *Session) entry(verb string, o Options) Entry {
	id := s.Now().UTC().Format("20060102-150405-") + strings.ToLower(rand.Text()[:4])
	return Entry{ID: id, Release: id, Target: s.Name, Time: s.Now(), Who: s.Who, Verb: verb, From: s.Split,
		Reason: o.Reason, Evidence: o.Evidence}
}

// Do makes a planned move. After an error the entry says what became of it.
func (s *Session) Do(ctx context.Context, e Entry) (Entry, error) {
	e.To.Revision, e.To.Back = s.Split.Revision, e.Verb == "rollback"
	if e.Verb == "shift" {
		e.To.Mark = Mark{e.Release, e.Baseline}
	}
	if err := s.Journal.Begin(e); err != nil {
		return e, fmt.Errorf("journal: %w", err)
	}
	began := s.Now()
	now, err := s.Target.Write(ctx, e.To)
	e.Seconds = s.Now().Sub(began).Seconds()
	if err != nil {
		e.Result, e.Error = "failed", err.Error()
		return e, errors.Join(fmt.Errorf("%s: %w", e.Verb, err), s.Journal.End(e))
	}
	e.Result, e.To = "done", now
	e.Counts = s.counts(ctx, e)
	if err := s.Journal.End(e); err != nil {
		return e, fmt.Errorf("%s is done (%s), but not in the history: %w", e.Verb, e.To, err)
	}
	if e.Verb != "shift" { // what was asked of this release is done, or past
		if err := s.Journal.Dismiss(); err != nil {
			s.Tell(fmt.Sprintf("the directive for release %s cannot be removed, and no other release follows it: %v", e.Release, err))
		}
	}
	s.Situation, err = s.situation(now)
	return e, err
}

// counts are what both sides had answered at this moment; a side that cannot say is left out.
func (s *Session) counts(ctx context.Context, e Entry) map[Side]Counts {
	counter, ok := s.Target.(Counter)
	if !ok {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	all := map[Side]Counts{}
	for _, side := range []Side{e.Baseline, e.Side} {
		if side == "" {
			continue
		}
		if n, err := counter.Count(ctx, side); err == nil {
			n.Latency, n.Scores = nil, nil
			all[side] = n
		}
	}
	return all
}
