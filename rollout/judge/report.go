package judge

import (
	"fmt"
	"io"
	"math"
	"strings"
	"text/tabwriter"
	"time"
)

// Check is one thing that was judged.
type Check struct {
	Name    string  `json:"name"` // errors, latency, accuracy, health
	Old     string  `json:"old"`  // what was seen of each side, for people
	New     string  `json:"new"`
	Verdict Verdict `json:"verdict"`
	Why     string  `json:"why"`

	Evidence map[string]float64 `json:"evidence,omitempty"` // decimal logarithms of the e-values, by the formula's name
	Alarm    float64            `json:"alarm,omitempty"`    // the decimal logarithm at which the check fails
	Limit    float64            `json:"limit,omitempty"`    // the rate that the new side must be shown to be below
	AtMost   float64            `json:"at_most,omitempty"`  // the rate that it may still have
	Requests int                `json:"requests_needed,omitempty"`
	Seconds  float64            `json:"seconds_needed,omitempty"`
}

// Report is the verdict on a step, and why.
type Report struct {
	Verdict  Verdict `json:"verdict"`
	Old      string  `json:"old"`
	New      string  `json:"new"`
	Share    float64 `json:"share"`
	Checks   []Check `json:"checks"`
	Unjudged string  `json:"latency_not_judged,omitempty"` // why
	Requests int     `json:"requests_needed"`              // of the new side, at least
	Seconds  float64 `json:"seconds_needed,omitempty"`
	OldAll   Counts  `json:"old_counts"`
	NewAll   Counts  `json:"new_counts"`
	Limits   Limits  `json:"limits"`
	Note     string  `json:"note"`
}

// Report judges what is there now.
func (j *Judge) Report() Report {
	s := &j.s
	r := Report{Old: s.Old, New: s.New, Share: s.Share, OldAll: s.OldAll, NewAll: s.NewAll, Limits: s.Limits, Unjudged: s.Judged.Unjudged,
		Note: fmt.Sprintf("a verdict against two equal sides comes in less than %s rollouts", oneIn(s.Limits.Alpha))}
	if s.Condemned != "" {
		r.Checks = append(r.Checks, Check{Name: "health", Verdict: Fail, Why: s.Condemned})
	}
	r.Checks = append(r.Checks, j.judgeErrors())
	if s.Judged.Latency {
		r.Checks = append(r.Checks, j.judgeLatency())
	}
	if s.Judged.Accuracy {
		r.Checks = append(r.Checks, j.judgeAccuracy())
	}
	r.Verdict = Pass
	for _, c := range r.Checks {
		switch {
		case c.Verdict == Fail:
			r.Verdict = Fail
		case c.Verdict == Hold && r.Verdict == Pass:
			r.Verdict = Hold
		}
		r.Requests = max(r.Requests, c.Requests)
		r.Seconds = max(r.Seconds, c.Seconds)
	}
	if r.Verdict != Hold {
		r.Requests, r.Seconds = 0, 0
	}
	return r
}

func (j *Judge) judgeErrors() Check {
	s := &j.s
	alarm := s.alarm()
	limit := s.limit(s.OldAll.Errors, s.OldAll.Requests)
	c := Check{Name: "errors", Old: fraction(s.OldAll.Errors, s.OldAll.Requests), New: fraction(s.NewAll.Errors, s.NewAll.Requests),
		Alarm: alarm / math.Ln10, Limit: limit}
	below := Below(s.NewAll.Errors, s.NewAll.Requests, limit)
	c.Evidence = decimal(map[string]float64{"relative": s.MostRelative, "above": s.MostAbove, "below": below})
	c.AtMost = atMost(s.NewAll.Errors, s.NewAll.Requests, s.Limits.PassAt)
	if s.MostRelative >= alarm && s.MostAbove >= alarm {
		c.Verdict, c.Why = Fail, fmt.Sprintf("%s fails more often than %s and more often than %s: chance alone shows this in less than %s rollouts",
			s.New, s.Old, percent(s.Limits.ErrorRate), oneIn(math.Exp(-min(s.MostRelative, s.MostAbove))))
		return c
	}
	passed := below >= math.Log(s.Limits.PassAt)
	switch {
	case s.NewAll.Requests == 0:
		c.Verdict, c.Why = Hold, fmt.Sprintf("no request of %s yet", s.New)
	case !passed:
		c.Verdict, c.Why = Hold, fmt.Sprintf("%s may still be at %s (limit %s)", s.New, percent(c.AtMost), percent(limit))
	case s.InStep.Requests < s.Limits.Requests:
		c.Verdict, c.Why = Hold, fmt.Sprintf("%s is below %s; %d of %d requests of this step", s.New, percent(limit), s.InStep.Requests, s.Limits.Requests)
	case s.StepAge.Seconds() < s.Limits.StepSpan:
		c.Seconds = s.Limits.StepSpan - s.StepAge.Seconds()
		c.Verdict, c.Why = Hold, fmt.Sprintf("%s is below %s; a step takes at least %s: %s more", s.New, percent(limit), span(s.Limits.StepSpan), span(c.Seconds))
		c.Requests = 1
		return c
	default:
		c.Verdict, c.Why = Pass, fmt.Sprintf("%s is at most at %s (limit %s)", s.New, percent(c.AtMost), percent(limit))
		return c
	}
	s.need(&c, max(s.Limits.Requests-s.InStep.Requests, needed(s.NewAll.Errors, s.NewAll.Requests, limit, s.Limits.PassAt)), "without an error")
	return c
}

// limit is the rate that the new side must be shown to be below: the step's margin above what the old side is known to have.
func (s *State) limit(bad, n int) float64 {
	return min(s.Limits.margin(s.Share)+Floor(bad, n, s.Limits.FloorAlpha), mostRate)
}

func (j *Judge) judgeLatency() Check {
	s := &j.s
	alarm := s.alarm()
	limit := s.limit(s.OldAll.Slow, s.OldAll.Timed)
	slower := Below(s.NewAll.Slower, s.NewAll.Timed, limit)
	c := Check{Name: "latency", Old: fraction(s.OldAll.Slow, s.OldAll.Timed) + " slow", New: fraction(s.NewAll.Slow, s.NewAll.Timed) + " slow",
		Alarm: alarm / math.Ln10, Limit: limit, AtMost: atMost(s.NewAll.Slower, s.NewAll.Timed, s.Limits.PassAt)}
	c.Evidence = decimal(map[string]float64{"relative": s.MostLatency, "windows": s.MostWindows, "below": slower})
	twice := 2 * s.Limits.Slower
	// Where the old side is quicker than anybody minds, a new side that is many times slower may pass: its words are of times.
	slow, still := fmt.Sprintf("is more than %g times slower than %s", s.Limits.Slower, s.Old), fmt.Sprintf("be %g times slower: above that", twice)
	passes := fmt.Sprintf("is not %g times slower: above that in at most %s of requests (limit %s)", twice, percent(c.AtMost), percent(limit))
	if s.Judged.Slow > 0 {
		slow, still = fmt.Sprintf("takes more than %s more often than %s", times(s.Judged.Slow), s.Old), fmt.Sprintf("take more than %s:", times(s.Judged.Slower))
		passes = fmt.Sprintf("takes more than %s in at most %s of requests (limit %s); up to %s nothing is slow, however quick %s is",
			times(s.Judged.Slower), percent(c.AtMost), percent(limit), times(s.Judged.Slow), s.Old)
	}
	switch {
	case s.MostLatency >= alarm && s.MostWindows >= math.Log(s.Limits.WindowsAt):
		c.Verdict, c.Why = Fail, fmt.Sprintf("%s %s: more slow requests in %d of %d windows that differ",
			s.New, slow, s.WindowsNew, s.WindowsNew+s.WindowsOld)
	case s.NewAll.Timed == 0:
		c.Verdict, c.Why = Hold, fmt.Sprintf("no timed request of %s yet", s.New)
		s.need(&c, needed(0, 0, limit, s.Limits.PassAt), "none of them slow")
	case slower < math.Log(s.Limits.PassAt):
		c.Verdict, c.Why = Hold, fmt.Sprintf("%s may still %s in up to %s of requests (limit %s)", s.New, still, percent(c.AtMost), percent(limit))
		s.need(&c, needed(s.NewAll.Slower, s.NewAll.Timed, limit, s.Limits.PassAt), "none of them slow")
	case s.suspect():
		c.Verdict, c.Why = Hold, fmt.Sprintf("%s has more slow requests than %s, in %d of %d windows that differ: more windows of %g s decide whether that is its own doing",
			s.New, s.Old, s.WindowsNew, s.WindowsNew+s.WindowsOld, s.Limits.WindowSpan)
		c.Requests = max(1, s.Limits.WindowNew-s.Window.New)
		c.Seconds = max(0, s.Limits.WindowSpan-s.WindowAge)
	default:
		c.Verdict, c.Why = Pass, s.New+" "+passes
	}
	return c
}

// acquitted is the share of windows with more slow requests of the new side that must be ruled out before its slow requests
// count as anybody's.
const acquitted = 0.8

// suspect says whether single requests speak against the new side's latency and the windows have not decided yet.
func (s *State) suspect() bool {
	return s.MostLatency >= s.alarm() && Below(s.WindowsNew, s.WindowsNew+s.WindowsOld, acquitted) < math.Log(s.Limits.PassAt)
}

func (j *Judge) judgeAccuracy() Check {
	s := &j.s
	alarm := s.alarm()
	c := Check{Name: "accuracy", Old: fmt.Sprintf("%d wrong alone", s.OldWrong), New: fmt.Sprintf("%d wrong alone", s.NewWrong), Alarm: alarm / math.Ln10,
		Evidence: decimal(map[string]float64{"paired": s.MostWrong})}
	switch {
	case s.MostWrong >= alarm:
		c.Verdict, c.Why = Fail, fmt.Sprintf("%s is wrong more often: alone in %d of %d rows where one side is", s.New, s.NewWrong, s.NewWrong+s.OldWrong)
	case s.Labelled < s.Limits.Labels:
		c.Verdict, c.Why = Hold, fmt.Sprintf("%d of %d rows with a known answer", s.Labelled, s.Limits.Labels)
	default:
		c.Verdict, c.Why = Pass, fmt.Sprintf("%d rows with a known answer say nothing against %s", s.Labelled, s.New)
	}
	return c
}

// need adds to a check that holds how many requests decide it at best, and how long they take at the step's rate.
func (s *State) need(c *Check, requests int, how string) {
	c.Requests = requests
	c.Why += fmt.Sprintf(": %s more requests decide", thousands(requests))
	if c.Name != "errors" || s.NewAll.Errors > 0 {
		c.Why = strings.TrimSuffix(c.Why, " decide") + ", " + how + ", decide"
	}
	if s.InStep.Requests > 0 && s.StepAge > 0 {
		c.Seconds = float64(requests) * s.StepAge.Seconds() / float64(s.InStep.Requests)
		c.Why += ", about " + span(c.Seconds)
	}
}

// needed is how many more requests, none of them bad, make Below reach passAt; 0 where it has.
func needed(bad, n int, limit, passAt float64) int {
	reached := func(more int) bool { return Below(bad, n+more, limit) >= math.Log(passAt) }
	if reached(0) {
		return 0
	}
	most := 1
	for !reached(most) {
		if most > mostCounted {
			return most
		}
		most *= 2
	}
	least := most / 2
	for least+1 < most {
		if middle := (least + most) / 2; reached(middle) {
			most = middle
		} else {
			least = middle
		}
	}
	return most
}

// atMost is the smallest limit that Below shows the rate to be under; 1 where there is none.
func atMost(bad, n int, passAt float64) float64 {
	if n == 0 || Below(bad, n, mostRate) < math.Log(passAt) {
		return 1
	}
	least, most := float64(bad)/float64(n), mostRate
	for range 60 {
		if middle := (least + most) / 2; middle > 0 && Below(bad, n, middle) >= math.Log(passAt) {
			most = middle
		} else {
			least = middle
		}
	}
	return most
}

// StepPlan is what a step takes at best: no error, the present rate.
type StepPlan struct {
	Share    float64       `json:"share"`
	Requests int           `json:"requests"` // of the new side
	Takes    time.Duration `json:"takes"`
}

// longest is what Takes says of requests that do not come.
const longest = 100 * 365 * 24 * time.Hour

// Takes is how long so many requests take at a rate of requests a second; at most 100 years, as where none come.
func Takes(requests int, rate float64) time.Duration {
	if seconds := float64(requests) / rate; seconds < longest.Seconds() {
		return time.Duration(seconds * float64(time.Second))
	}
	return longest
}

// Plan says how long steps of these shares take at best at a rate of requests a second, of both sides together. A share
// of 1 is the promotion and takes nothing: the old side has no requests to compare with.
func Plan(l Limits, rate float64, shares []float64) []StepPlan {
	var plan []StepPlan
	carried := 0
	for _, share := range shares {
		p := StepPlan{Share: share}
		if share < 1 {
			p.Requests = max(l.Requests, needed(0, carried, l.margin(share), l.PassAt))
			carried += p.Requests
			p.Takes = max(Takes(p.Requests, rate*share), time.Duration(l.StepSpan*float64(time.Second)))
		}
		plan = append(plan, p)
	}
	return plan
}

// WriteTable prints the report for people.
func (r Report) WriteTable(out io.Writer) error {
	w := tabwriter.NewWriter(out, 0, 0, 3, ' ', 0)
	fmt.Fprintf(w, "check\t%s (%s)\t%s (%s)\tverdict\n", r.Old, percent(1-r.Share), r.New, percent(r.Share))
	for _, c := range r.Checks {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s   %s\n", c.Name, c.Old, c.New, c.Verdict, c.Why)
	}
	if err := w.Flush(); err != nil {
		return err
	}
	if r.Unjudged != "" {
		fmt.Fprintf(out, "latency is not judged: %s\n", r.Unjudged)
	}
	_, err := fmt.Fprintln(out, r.Note)
	return err
}

func decimal(logs map[string]float64) map[string]float64 {
	for name, l := range logs {
		logs[name] = math.Round(l/math.Ln10*1000) / 1000
	}
	return logs
}

func fraction(bad, n int) string { return thousands(bad) + "/" + thousands(n) }

// thousands is a count with commas.
func thousands(n int) string {
	digits := fmt.Sprint(n)
	for k := len(digits) - 3; k > 0; k -= 3 {
		digits = digits[:k] + "," + digits[k:]
	}
	return digits
}

// percent is a share as people read it, to two digits.
func percent(share float64) string {
	p := 100 * share
	switch {
	case p == 0 || p >= 10:
		return fmt.Sprintf("%.0f %%", p)
	case p >= 0.1:
		return strings.TrimSuffix(fmt.Sprintf("%.1f", p), ".0") + " %"
	}
	return fmt.Sprintf("%.1g %%", p)
}

// oneIn is a chance as 1 of so many.
func oneIn(chance float64) string {
	if n := 1 / chance; n < 1e6 {
		return "1 of " + thousands(int(math.Round(n)))
	}
	return "1 of 1,000,000"
}

// times is how long a request takes, as people read it.
func times(seconds float64) string {
	return time.Duration(math.Round(seconds*1e9) * float64(time.Nanosecond)).String()
}

// span is a time as people say it.
func span(seconds float64) string {
	switch {
	case seconds < 90:
		return fmt.Sprintf("%.0f s", math.Ceil(seconds))
	case seconds < 90*60:
		return fmt.Sprintf("%.0f min", math.Ceil(seconds/60))
	case seconds < 48*3600:
		return fmt.Sprintf("%.0f h", math.Ceil(seconds/3600))
	}
	return fmt.Sprintf("%s days", thousands(int(math.Ceil(seconds/86400))))
}
