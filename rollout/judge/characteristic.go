package judge

import (
	"fmt"
	"io"
	"text/tabwriter"
	"time"
)

// Expected is a cell with what the judge must do in it.
type Expected struct {
	Cell
	MostFailed  float64 // of runs; where both sides are alike
	LeastWithin float64 // of runs that fail within 500 requests of the new side
	LeastFailed float64 // of runs
	MostScrapes int     // within which every run has failed; 0: any number
}

// Characteristic is the operating characteristic: what the judge does where both sides are alike, and how soon it
// notices where they are not.
func Characteristic() []Expected {
	base := Cell{Share: 0.10, PerTick: 40, Tick: 5 * time.Second, Requests: 5000}
	with := func(name string, change func(*Cell)) Cell {
		c := base
		c.Name = name
		change(&c)
		return c
	}
	var all []Expected
	for _, rate := range []float64{0, 0.001, 0.01, 0.03, 0.05} {
		all = append(all, Expected{Cell: with("alike", func(c *Cell) { c.Errors = rate }), MostFailed: 0.01})
	}
	all = append(all,
		Expected{Cell: with("alike, common shocks of 20 times", func(c *Cell) { c.Errors, c.Shock = 0.01, 20 }), MostFailed: 0.01},
		Expected{Cell: with("alike, half the traffic", func(c *Cell) { c.Errors, c.Share = 0.01, 0.5 }), MostFailed: 0.01},
		Expected{Cell: with("alike, latency judged, spells", func(c *Cell) { c.Errors, c.Slower, c.Spells = 0.01, 1, 0.05 }), MostFailed: 0.01},
	)
	for _, rate := range []float64{0, 0.001, 0.01} {
		all = append(all, Expected{Cell: with("five points more errors", func(c *Cell) { c.Errors, c.More, c.Requests = rate, 0.05, within }),
			MostFailed: 1, LeastWithin: 0.95})
	}
	all = append(all,
		Expected{Cell: with("five points more errors", func(c *Cell) { c.Errors, c.More, c.Requests = 0.03, 0.05, within }), MostFailed: 1, LeastWithin: 0.85},
		Expected{Cell: with("five points more, half the traffic", func(c *Cell) { c.Errors, c.More, c.Share, c.Requests = 0.01, 0.05, 0.5, within }), MostFailed: 1, LeastWithin: 0.85},
		Expected{Cell: with("twice the latency", func(c *Cell) { c.Errors, c.Slower = 0.01, 2 }), MostFailed: 1, LeastFailed: 0.90},
		Expected{Cell: with("twice the latency, spells", func(c *Cell) { c.Errors, c.Slower, c.Spells = 0.01, 2, 0.05 }), MostFailed: 1, LeastFailed: 0.90},
		Expected{Cell: with("dead behind max_fails", func(c *Cell) { c.Dead, c.PerTick, c.Requests = true, 90, 10 }), MostFailed: 1, LeastFailed: 1, MostScrapes: 2},
		Expected{Cell: with("dead, latency judged", func(c *Cell) { c.Dead, c.Slower, c.PerTick, c.Requests = true, 1, 90, 10 }), MostFailed: 1, LeastFailed: 1, MostScrapes: 2},
		Expected{Cell: with("dead behind max_fails", func(c *Cell) { c.Errors, c.Dead, c.PerTick, c.Requests = 0.01, true, 90, 10 }), MostFailed: 1, LeastFailed: 1, MostScrapes: 4},
	)
	return all
}

// Holds says what of a cell's expectation an outcome breaks; nil: nothing.
func (e Expected) Holds(o Outcome) error {
	switch {
	case o.Failed > e.MostFailed:
		return fmt.Errorf("%s at %s errors: %.4f of the runs fail, want at most %g", e.Name, percent(e.Errors), o.Failed, e.MostFailed)
	case o.Failed < e.LeastFailed:
		return fmt.Errorf("%s at %s errors: %.4f of the runs fail, want at least %g", e.Name, percent(e.Errors), o.Failed, e.LeastFailed)
	case o.Within < e.LeastWithin:
		return fmt.Errorf("%s at %s errors: %.4f of the runs fail within %d requests, want at least %g", e.Name, percent(e.Errors), o.Within, within, e.LeastWithin)
	case e.MostScrapes > 0 && o.Scrapes > e.MostScrapes:
		return fmt.Errorf("%s at %s errors: fails after %d scrapes, want %d", e.Name, percent(e.Errors), o.Scrapes, e.MostScrapes)
	}
	return nil
}

// WriteOutcomes prints what came of the cells.
func WriteOutcomes(out io.Writer, outcomes []Outcome) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintf(w, "situation\terrors\tshare\trolled back\twithin %d requests\tpassed first\tmedian requests\ttime\n", within)
	for _, o := range outcomes {
		median, takes := "-", "-"
		if o.Requests > 0 {
			median, takes = thousands(o.Requests), span(o.Takes.Seconds())
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%.4f\t%.4f\t%.4f\t%s\t%s\n", o.Name, percent(o.Errors), percent(o.Share), o.Failed, o.Within, o.Passed, median, takes)
	}
	return w.Flush()
}
