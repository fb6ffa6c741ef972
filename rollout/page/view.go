package page

import (
	"cmp"
	_ "embed" // template and script
	"fmt"
	"html/template"
	"strings"
	"time"

	"ml-service/rollout"
	"ml-service/rollout/canary"
	"ml-service/rollout/judge"
)

//go:embed page.html
var pageText string

//go:embed page.js
var script []byte

var pages = template.Must(template.New("").Funcs(template.FuncMap{
	"stamp": func(t time.Time) string { return t.UTC().Format(time.RFC3339) }, "clock": func(t time.Time) string { return t.Format(time.TimeOnly) },
	"when": when, "percent": rollout.Percent, "short": short, "artifact": artifact, "limits": limits, "mark": mark, "ms": milliseconds, "went": went,
	"side": func(k int) int { return k % 2 }, "share": func(s float64) string { return rollout.Percent(100 * s) },
	"span": func(d time.Duration) string { return d.Round(time.Second).String() },
	"rate": func(f *Figures) string { return fmt.Sprintf("%.1f", float64(f.Requests)/max(f.Span.Seconds(), 1e-9)) },
}).Parse(pageText))

// view is what the template draws.
type view struct {
	Snapshot
	Title, Heading string
	Live           bool // the page itself, not a question
	Now            string
	Bar            template.HTML
	Report         *judge.Report
	ReportTitle    string
	ReportSays     string
	Steps          []step
	Rates          template.HTML
	Quantiles      template.HTML
	ScoreBars      template.HTML
	Scores         []score
	ScoresLeft     int
	Pending        string // asked and not done

	Who   string // has a token; "": nobody
	CSRF  string
	Login bool // show the form for the token
	Moves []move
	Move  *move // that is asked for
	Error string
}

type step struct {
	Share, Says string
	Current     bool
}

// draw makes the view of a snapshot, for whoever looks.
func draw(s Snapshot) view {
	v := view{Snapshot: s, Live: true, Now: now(s), Bar: splitBar(s.Split, s.Sides), Rates: rateLines(s.At, s.Sides), Quantiles: quantileBars(s.Sides)}
	v.Title = "Rollout: " + s.Split.String()
	v.Scores, v.ScoresLeft = scores(s.Sides)
	v.ScoreBars = scoreBars(s.Sides, v.Scores)
	v.Pending = pending(s)
	switch {
	case s.Canary != nil:
		v.Report, v.Steps = &s.Canary.Report, stepsOf(s.Canary)
		v.ReportTitle = fmt.Sprintf("Canary to %s", s.Canary.To)
		v.ReportSays = fmt.Sprintf("%.3g requests a second at present; it holds at %s, if nothing is decided before.", s.Canary.Rate, s.Canary.Until.Format(time.TimeOnly))
		if s.Busy == "" {
			v.ReportSays = fmt.Sprintf("Nobody is at work on it: the same rollout canary goes on. It saw %.3g requests a second.", s.Canary.Rate)
		}
	case s.Ended != nil:
		v.Report = &s.Ended.Report
		v.ReportTitle = fmt.Sprintf("The last release: %s of %s", s.Ended.Entry.Verb, s.Ended.Entry.Side)
		v.ReportSays = strings.TrimSpace(fmt.Sprintf("%s, to %s. %s", when(s.Ended.Entry.Time), s.Ended.Entry.To, s.Ended.Entry.Reason))
	}
	return v
}

// now is where things stand, in one sentence.
func now(s Snapshot) string {
	split := s.Split.String()
	switch {
	case len(s.Split.Shares) == 0:
		return "The split cannot be read."
	case s.Canary != nil && s.Busy == "":
		return fmt.Sprintf("The canary to %s is at rest at %s: %s.", s.Canary.To, rollout.Percent(s.Canary.Step), split)
	case s.Canary != nil:
		return fmt.Sprintf("A canary to %s runs at %s, verdict %s: %s.", s.Canary.To, rollout.Percent(s.Canary.Step), s.Canary.Report.Verdict, split)
	case s.Release.Open():
		return fmt.Sprintf("A release from %s to %s is under way: %s.", s.Release.Baseline, s.Release.New, split)
	case s.Release != nil:
		return fmt.Sprintf("The last release, from %s to %s, was %s: %s.", s.Release.Baseline, s.Release.New, s.Release.Ended, split)
	default:
		return fmt.Sprintf("No release is known here: %s.", split)
	}
}

// stepsOf says of each step whether it is done, under way, or what it takes.
func stepsOf(c *canary.Standing) []step {
	var all []step
	planned := map[float64]judge.StepPlan{}
	for _, p := range c.Plan {
		planned[float64(int(100*100*p.Share+0.5))/100] = p
	}
	for _, share := range c.Steps {
		s := step{Share: rollout.Percent(share), Current: share == c.Step}
		p := planned[share]
		switch {
		case share < c.Step:
			s.Says = "passed"
		case s.Current && c.Report.Verdict == judge.Hold:
			s.Says = fmt.Sprintf("now: %d more requests of %s, about %s", c.Report.Requests, c.To, canary.Rough(p.Takes))
		case s.Current:
			s.Says = "now: " + string(c.Report.Verdict)
		case share >= 100:
			s.Says = "the promotion"
		default:
			s.Says = fmt.Sprintf("%d requests of %s, about %s", p.Requests, c.To, canary.Rough(p.Takes))
		}
		all = append(all, s)
	}
	return all
}

func when(t time.Time) string { return t.Local().Format("2006-01-02 15:04:05") }

// short is the beginning of a digest.
func short(digest string) string {
	if digest == "" {
		return "–"
	}
	return digest[:min(12, len(digest))]
}

// artifact is what a side runs, with the beginning of its digest.
func artifact(name string) string {
	if image, digest, ok := strings.Cut(name, "@sha256:"); ok {
		return image + "@sha256:" + short(digest)
	}
	return cmp.Or(name, "–")
}

// limits is the rate that the new side may still have, and the one that it must be shown to be below.
func limits(c judge.Check) string {
	if c.Limit == 0 {
		return "–"
	}
	return fmt.Sprintf("%s, %s", rollout.Percent(100*c.AtMost), rollout.Percent(100*c.Limit))
}

// mark is a verdict with a sign, so that it is more than a colour.
func mark(v judge.Verdict) string {
	return map[judge.Verdict]string{judge.Pass: "✓ ", judge.Fail: "✗ ", judge.Hold: "… "}[v] + string(v)
}

// went is where an entry went: a split, or what a side was given to run.
func went(e rollout.Entry) string {
	if e.Artifact == nil {
		return e.To.String()
	}
	return fmt.Sprintf("%s: %s", e.Side, e.Artifact)
}
