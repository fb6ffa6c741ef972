// Package judge turns counts of requests into a verdict on a release: pass, fail or hold. It is pure: no clock, no
// network, no file. Its evidence is e-values, which may be looked at as often as one likes: the chance that one ever
// reaches 1/alpha while the new side is no worse is at most alpha (Ville's inequality).
//
// Sources: Lindon and Malek, arXiv 2011.03567; Howard and Ramdas, arXiv 1906.09712; Grünwald et al., arXiv 2011.06931;
// Waudby-Smith and Ramdas, arXiv 2010.09686.
package judge

import (
	"errors"
	"fmt"
	"math"
	"time"
)

// Verdict is what the judge says of a check, a step or a release.
type Verdict string

// The three verdicts. No data is Hold, never Pass.
const (
	Pass Verdict = "pass"
	Fail Verdict = "fail"
	Hold Verdict = "hold"
)

// Limits are what a release is held to. Rates are shares: 0.01 is 1 %.
type Limits struct {
	Alpha       float64 `json:"alpha"`         // the chance of a verdict against two equal sides, over the whole rollout
	ErrorRate   float64 `json:"error_rate"`    // up to this rate of errors nobody minds a difference
	MarginSmall float64 `json:"margin_small"`  // how far above the old side's errors a step passes, up to SmallShare of the traffic
	Margin      float64 `json:"margin"`        // the same above SmallShare
	SmallShare  float64 `json:"small_share"`   // of the traffic
	Slower      float64 `json:"slower"`        // how many times slower the new side may be
	Requests    int     `json:"requests"`      // the fewest requests of the new side in a step that passes
	StepSpan    float64 `json:"step_span_s"`   // the shortest step that passes, in seconds
	PassAt      float64 `json:"pass_at"`       // the e-value at which a step's margin counts as kept
	WindowsAt   float64 `json:"windows_at"`    // the e-value that the windows of the latency check must reach
	Labels      int     `json:"labels"`        // the fewest rows with a known answer before a step passes; 0: not waited for
	FloorAlpha  float64 `json:"floor_alpha"`   // of the lower bound of the old side's errors
	WindowNew   int     `json:"window_new"`    // the fewest requests of the new side in a window
	WindowSpan  float64 `json:"window_span_s"` // the shortest window, in seconds
}

// DefaultLimits are the ones whose operating characteristic `make judge` prints.
func DefaultLimits() Limits {
	return Limits{Alpha: 0.01, ErrorRate: 0.01, MarginSmall: 0.03, Margin: 0.02, SmallShare: 0.10, Slower: 1.5, Requests: 100, StepSpan: 30,
		PassAt: 20, WindowsAt: 20, FloorAlpha: 0.01, WindowNew: 10, WindowSpan: 10}
}

// Validate says which limit cannot be judged by.
func (l Limits) Validate() error {
	for _, c := range []struct {
		name              string
		value, over, upTo float64
	}{
		{"alpha", l.Alpha, 0, 0.5}, {"error rate", l.ErrorRate, 0, 0.5}, {"margin of small steps", l.MarginSmall, 0, 0.5},
		{"margin", l.Margin, 0, 0.5}, {"small share", l.SmallShare, 0, 1}, {"floor alpha", l.FloorAlpha, 0, 0.5},
		{"slower", l.Slower, 1, 100}, {"pass at", l.PassAt, 1, 1e9}, {"windows at", l.WindowsAt, 1, 1e9}, {"window span", l.WindowSpan, 0, 3600},
	} {
		if !(c.value > c.over) || c.value > c.upTo {
			return fmt.Errorf("%s: want more than %g and at most %g, got %g", c.name, c.over, c.upTo, c.value)
		}
	}
	if !(l.StepSpan >= 0 && l.StepSpan <= 1e6) {
		return fmt.Errorf("step span: want 0 to 1e6 seconds, got %g", l.StepSpan)
	}
	if l.Requests < 1 || l.WindowNew < 1 || l.Labels < 0 {
		return fmt.Errorf("want at least one request in a step and in a window, and no negative number of labels; got %d, %d, %d", l.Requests, l.WindowNew, l.Labels)
	}
	return nil
}

// margin is how far above the old side's errors a step of this share passes.
func (l Limits) margin(share float64) float64 {
	if share <= l.SmallShare+1e-9 {
		return l.MarginSmall
	}
	return l.Margin
}

// Counts are one side's requests since the scrape before.
type Counts struct {
	Requests int `json:"requests"`
	Errors   int `json:"errors"`
	Timed    int `json:"timed"`  // those whose time counts: not the first of a process
	Slow     int `json:"slow"`   // of Timed: above the old side's limit, or the new side's, which is Slower times that
	Slower   int `json:"slower"` // of the new side's Timed: above twice its limit
}

// mostCounted is the most requests that one scrape may report; more is a mistake of who reports.
const mostCounted = 1_000_000_000

func (c Counts) validate(side string) error {
	switch {
	case c.Requests < 0 || c.Errors < 0 || c.Timed < 0 || c.Slow < 0 || c.Slower < 0:
		return fmt.Errorf("%s: want counts of at least 0, got %+v", side, c)
	case c.Requests > mostCounted:
		return fmt.Errorf("%s.requests: want at most %d between two scrapes, got %d", side, mostCounted, c.Requests)
	case c.Errors > c.Requests:
		return fmt.Errorf("%s.errors: want at most the %d requests, got %d", side, c.Requests, c.Errors)
	case c.Timed > c.Requests, c.Slow > c.Timed, c.Slower > c.Slow:
		return fmt.Errorf("%s.slow: want at most the %d requests, got %d (%d timed, %d slower still)", side, c.Requests, c.Slow, c.Timed, c.Slower)
	}
	return nil
}

func (c *Counts) add(d Counts) {
	c.Requests += d.Requests
	c.Errors += d.Errors
	c.Timed += d.Timed
	c.Slow += d.Slow
	c.Slower += d.Slower
}

// Scrape is what both sides had since the one before.
type Scrape struct {
	Old     Counts        `json:"old"`
	New     Counts        `json:"new"`
	Elapsed time.Duration `json:"elapsed"` // since the scrape before
}

// Judged says which checks a release is held to beside its errors. It is settled before the first scrape, since the
// chance of a false verdict is shared out among the checks.
type Judged struct {
	Latency  bool `json:"latency"`
	Accuracy bool `json:"accuracy"`

	// Of who counts, for the report alone. Unjudged is why latency is not judged. Slow and Slower, in seconds, are what the new
	// side's counts are above where they are not what its Slower limit makes of the old side's: because the old side is quicker
	// than anybody minds.
	Unjudged string  `json:"latency_not_judged,omitempty"`
	Slow     float64 `json:"slow_above_s,omitempty"`
	Slower   float64 `json:"slower_above_s,omitempty"`
}

func (j Judged) checks() int {
	n := 1
	if j.Latency {
		n++
	}
	if j.Accuracy {
		n++
	}
	return n
}

// State is everything the judge knows of a release; it survives as JSON, so that a rollout can be taken up again.
type State struct {
	Limits Limits `json:"limits"`
	Judged Judged `json:"judged"`
	Old    string `json:"old"` // the sides' names
	New    string `json:"new"`

	Share   float64       `json:"share"` // the new side's share of the step
	Scrapes int           `json:"scrapes"`
	InStep  Counts        `json:"in_step"` // the new side's since the step began
	StepAge time.Duration `json:"step_age"`
	OldAll  Counts        `json:"old_all"` // carried over all steps
	NewAll  Counts        `json:"new_all"`

	Open         Stratum   `json:"open"` // not closed yet
	Closed       Counts    `json:"closed"`
	Errors       []float64 `json:"errors_log"` // of Relative, by alternative
	MostRelative float64   `json:"most_relative"`
	MostAbove    float64   `json:"most_above"`

	OpenSlow    Stratum   `json:"open_slow"`
	Latency     []float64 `json:"latency_log"`
	MostLatency float64   `json:"most_latency"`
	Window      Stratum   `json:"window"`
	WindowAge   float64   `json:"window_age_s"`
	WindowsNew  int       `json:"windows_new"` // windows in which the new side had more slow ones
	WindowsOld  int       `json:"windows_old"`
	MostWindows float64   `json:"most_windows"`

	NewWrong  int     `json:"new_wrong"` // of the rows with a known answer, those where the new side alone is wrong
	OldWrong  int     `json:"old_wrong"`
	Labelled  int     `json:"labelled"`
	MostWrong float64 `json:"most_wrong"`

	Condemned string `json:"condemned,omitempty"` // a failure that needs no statistics
}

// Judge weighs one release.
type Judge struct {
	s       State
	errors  *Relative
	latency *Relative
}

// New is a judge that has seen nothing. old and new are the sides' names.
func New(l Limits, j Judged, old, new string) (*Judge, error) {
	return Resume(State{Limits: l, Judged: j, Old: old, New: new})
}

// Resume goes on from a state.
func Resume(s State) (*Judge, error) {
	if err := s.Limits.Validate(); err != nil {
		return nil, err
	}
	j := &Judge{s: s, errors: NewRelative(ErrorGrid), latency: NewRelative(LatencyGrid)}
	for _, r := range []struct {
		kept []float64
		to   *Relative
	}{{s.Errors, j.errors}, {s.Latency, j.latency}} {
		if r.kept == nil {
			continue
		}
		if len(r.kept) != len(r.to.logs) {
			return nil, fmt.Errorf("resume: want %d alternatives in the state, got %d", len(r.to.logs), len(r.kept))
		}
		copy(r.to.logs, r.kept)
	}
	return j, nil
}

// State is what Resume takes.
func (j *Judge) State() State {
	s := j.s
	s.Errors = append([]float64(nil), j.errors.logs...)
	s.Latency = append([]float64(nil), j.latency.logs...)
	return s
}

// ErrShare is a share of the traffic outside 0 to 1.
var ErrShare = errors.New("want the new side's share of the traffic, above 0 and at most 1")

// Step begins a step at which the new side gets this share of the traffic. Evidence is carried over.
func (j *Judge) Step(share float64) error {
	if !(share > 0 && share <= 1) {
		return fmt.Errorf("%w; got %g", ErrShare, share)
	}
	j.s.Share, j.s.InStep, j.s.StepAge = share, Counts{}, 0
	return nil
}

// Condemn fails the release for a reason that needs no statistics: a container that changed, a counter that went down.
func (j *Judge) Condemn(reason string) {
	if j.s.Condemned == "" {
		j.s.Condemned = reason
	}
}

// Add takes a scrape. When a stratum closes depends on how many requests there were, never on how many were bad.
func (j *Judge) Add(c Scrape) error {
	if err := errors.Join(c.Old.validate("old"), c.New.validate("new")); err != nil {
		return err
	}
	if c.Elapsed < 0 {
		return fmt.Errorf("elapsed: want at least 0, got %s", c.Elapsed)
	}
	s := &j.s
	s.Scrapes++
	s.StepAge += c.Elapsed
	s.InStep.add(c.New)
	s.OldAll.add(c.Old)
	s.NewAll.add(c.New)

	s.Open.add(Stratum{c.Old.Errors, c.Old.Requests, c.New.Errors, c.New.Requests})
	if s.Open.closes() {
		j.errors.Add(s.Open)
		s.Closed.add(Counts{Requests: s.Open.New, Errors: s.Open.BadNew})
		s.Open = Stratum{}
		s.MostRelative = max(s.MostRelative, j.errors.Log())
		s.MostAbove = max(s.MostAbove, Above(s.Closed.Errors, s.Closed.Requests, s.Limits.ErrorRate))
	}
	if s.Judged.Latency {
		j.addLatency(Stratum{c.Old.Slow, c.Old.Timed, c.New.Slow, c.New.Timed}, c.Elapsed)
	}
	return nil
}

func (j *Judge) addLatency(c Stratum, elapsed time.Duration) {
	s := &j.s
	s.OpenSlow.add(c)
	if s.OpenSlow.closes() {
		j.latency.Add(s.OpenSlow)
		s.OpenSlow = Stratum{}
		s.MostLatency = max(s.MostLatency, j.latency.Log())
	}
	s.Window.add(c)
	s.WindowAge += elapsed.Seconds()
	if s.Window.New < s.Limits.WindowNew || s.Window.Old == 0 || s.WindowAge < s.Limits.WindowSpan {
		return
	}
	switch oldSlow, newSlow := s.Window.thinned(uint64(s.Scrapes)); {
	case newSlow > oldSlow:
		s.WindowsNew++
	case newSlow < oldSlow:
		s.WindowsOld++
	}
	s.Window, s.WindowAge = Stratum{}, 0
	s.MostWindows = max(s.MostWindows, Paired(s.WindowsNew, s.WindowsOld))
}

// AddLabels takes rows whose right answer became known: how many there were, and in how many one side alone was wrong.
func (j *Judge) AddLabels(rows, newWrong, oldWrong int) error {
	if newWrong < 0 || oldWrong < 0 || newWrong+oldWrong > rows {
		return fmt.Errorf("labels: want at most the %d rows, got %d and %d", rows, newWrong, oldWrong)
	}
	s := &j.s
	s.Labelled += rows
	s.NewWrong += newWrong
	s.OldWrong += oldWrong
	s.MostWrong = max(s.MostWrong, Paired(s.NewWrong, s.OldWrong))
	return nil
}

// alarm is the logarithm of the e-value at which a check fails.
func (s *State) alarm() float64 {
	return math.Log(float64(s.Judged.checks()) / s.Limits.Alpha)
}
