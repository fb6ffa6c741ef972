package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"ml-service/rollout"
	"ml-service/rollout/judge"
)

// filter is `rollout judge`: counts in, verdict out.
type filter struct {
	*command
	limits   judge.Limits
	share    share
	old, new string

	simulate bool
	rate     rate
	errors   share
	runs     int
}

func newJudge(c *command) *cobra.Command {
	f := &filter{command: c, share: 0.10, rate: 10, errors: 0.005}
	cmd := &cobra.Command{
		Use:   "judge < counts.jsonl",
		Short: "Judge a release by counts from any other tool",
		Long: `Judge a release by counts from any other tool: an ECS hook, Argo, a workflow. One JSON line a scrape on stdin, with the
counts since the line before:

  {"old":{"requests":90,"errors":0},"new":{"requests":10,"errors":1}}

"slow" on both sides, where latency is judged too, is how many were above the old side's limit (its 95th percentile before
the rollout), and on the new side above 1.5 times that. "slower" is how many of the new side's were above three times it.
"seconds" beside old and new is how long the line covers, ten where it is missing.

The first line that fails ends it. Empty input is hold. Exit codes: 0 pass, 4 fail, 3 hold.`,
		Example: `  rollout judge --share 0.1 < counts.jsonl
  rollout judge --json < counts.jsonl | jq .requests_needed
  rollout judge --simulate --rate 40/min --errors 0.5%`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := f.limits.Validate(); err != nil {
				return usage("%w", err)
			}
			if f.simulate {
				return f.characteristic()
			}
			return f.judge()
		},
	}
	flags := cmd.Flags()
	flags.Var(&f.share, "share", "the new side's share of the traffic in this step")
	flags.StringVar(&f.old, "old", "old", "what the old side is called")
	flags.StringVar(&f.new, "new", "new", "what the new side is called")
	flags.BoolVar(&c.json, "json", false, "print one JSON object")
	flags.BoolVar(&f.simulate, "simulate", false, "say what the judge would notice, and when, instead of reading counts")
	flags.Var(&f.rate, "rate", "requests of both sides to simulate, as 40/min")
	flags.Var(&f.errors, "errors", "rate of errors of both sides to simulate")
	flags.IntVar(&f.runs, "runs", 400, "simulated rollouts of each row")
	limitFlags(flags, &f.limits)
	return cmd
}

// side is one side of a line.
type side struct {
	Requests *int `json:"requests"`
	Errors   *int `json:"errors"`
	Slow     *int `json:"slow"`
	Slower   *int `json:"slower"`
}

// line is one scrape on stdin.
type line struct {
	Old     *side    `json:"old"`
	New     *side    `json:"new"`
	Seconds *float64 `json:"seconds"`
}

// lineSpan is how long a line covers that does not say.
const lineSpan = 10 * time.Second

// mostLine is the longest line that is read.
const mostLine = 64 << 10

func (f *filter) judge() error {
	var j *judge.Judge
	begin := func(latency bool) (err error) {
		if j, err = judge.New(f.limits, judge.Judged{Latency: latency}, f.old, f.new); err == nil {
			err = j.Step(float64(f.share))
		}
		if err != nil {
			err = usage("%w", err)
		}
		return err
	}
	report := judge.Report{}
	lines := bufio.NewScanner(f.stdin)
	lines.Buffer(nil, mostLine)
	latency := false
	for number := 1; report.Verdict != judge.Fail && lines.Scan(); number++ {
		if len(bytes.TrimSpace(lines.Bytes())) == 0 {
			continue
		}
		scrape, timed, err := readLine(lines.Bytes())
		if err == nil && j == nil {
			latency = timed
			err = begin(latency)
		} else if err == nil && timed != latency {
			err = errors.New(`"slow" is in some lines and not in others: which checks are judged is settled by the first`)
		}
		if err == nil {
			err = j.Add(scrape)
		}
		if err != nil {
			return fmt.Errorf("line %d: %w", number, err)
		}
		report = j.Report()
	}
	if err := lines.Err(); err != nil {
		return fmt.Errorf("read counts: %w", err)
	}
	if j == nil {
		if err := begin(false); err != nil {
			return err
		}
		report = j.Report()
	}
	if err := f.print(report); err != nil {
		return err
	}
	return outcome(report)
}

func (f *filter) print(r judge.Report) error {
	if f.json {
		return printJSON(f.stdout, r)
	}
	return r.WriteTable(f.stdout)
}

// outcome is the exit code of a verdict.
func outcome(r judge.Report) error {
	for _, c := range r.Checks {
		if c.Verdict == r.Verdict {
			switch r.Verdict {
			case judge.Fail:
				return &rollout.Fault{Outcome: rollout.ErrRolledBack, Err: fmt.Errorf("fail: %s: %s", c.Name, c.Why)}
			case judge.Hold:
				return &rollout.Fault{Outcome: rollout.ErrHeld, Err: fmt.Errorf("hold: %s: %s", c.Name, c.Why)}
			}
		}
	}
	return nil
}

// readLine decodes a scrape; timed is whether it has slow requests.
func readLine(text []byte) (s judge.Scrape, timed bool, err error) {
	var l line
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields() // a misspelt count is no count
	if err := d.Decode(&l); err != nil {
		return s, false, fmt.Errorf(`want {"old":{"requests":90,"errors":0},"new":{"requests":10,"errors":1}}: %w`, err)
	}
	if _, err := d.Token(); err != io.EOF {
		return s, false, errors.New("want one JSON object a line")
	}
	if l.Old == nil || l.New == nil {
		return s, false, errors.New("want old and new")
	}
	if timed = l.Old.Slow != nil; timed != (l.New.Slow != nil) {
		return s, false, errors.New("slow: want it on both sides, or on neither")
	}
	if l.Old.Slower != nil || l.New.Slower != nil && !timed {
		return s, false, errors.New("slower: want it on the new side alone, and only beside slow")
	}
	if s.Old, err = l.Old.counts("old"); err != nil {
		return s, false, err
	}
	if s.New, err = l.New.counts("new"); err != nil {
		return s, false, err
	}
	s.Elapsed = lineSpan
	if l.Seconds != nil {
		if !(*l.Seconds >= 0 && *l.Seconds < 1e9) {
			return s, false, fmt.Errorf("seconds: want 0 to 1e9, got %g", *l.Seconds)
		}
		s.Elapsed = time.Duration(*l.Seconds * float64(time.Second))
	}
	return s, timed, nil
}

func (s *side) counts(name string) (judge.Counts, error) {
	if s.Requests == nil || s.Errors == nil {
		return judge.Counts{}, fmt.Errorf("%s: want requests and errors", name)
	}
	c := judge.Counts{Requests: *s.Requests, Errors: *s.Errors}
	if s.Slow != nil {
		c.Timed, c.Slow = c.Requests, *s.Slow
		c.Slower = c.Slow // who does not say how much slower has said the worst
		if s.Slower != nil {
			c.Slower = *s.Slower
		}
	}
	return c, nil
}

// characteristic simulates what the judge would notice at a rate of requests, and prints it.
func (f *filter) characteristic() error {
	const fewest, shortest = 20, 5 * time.Second // requests and time between two scrapes
	if f.runs < 1 || f.runs > 100_000 {
		return usage("--runs: want 1 to 100000, got %d", f.runs)
	}
	if !(f.share > 0 && f.share < 1) {
		return usage("--share: want the new side's share, above 0 and below 100 %%, got %s", &f.share)
	}
	tick := max(shortest, time.Duration(fewest/float64(f.rate)*float64(time.Second)))
	base := judge.Cell{Share: float64(f.share), Errors: float64(f.errors), Tick: tick, PerTick: float64(f.rate) * tick.Seconds(), Requests: 5000}
	cells := []judge.Cell{base, base, base, base, base, base, base}
	cells[0].Name = "both sides alike"
	for k, more := range []float64{0.01, 0.02, 0.05} {
		cells[k+1].Name, cells[k+1].More = fmt.Sprintf("errors + %g points", 100*more), more
	}
	cells[4].Name, cells[4].Slower = "alike, latency judged", 1
	cells[5].Name, cells[5].Slower = "twice as slow", 2
	cells[6].Name, cells[6].Dead = "dead, tried once a scrape", true
	var outcomes []judge.Outcome
	for k, cell := range cells {
		o, err := judge.Simulate(f.limits, cell, f.runs, uint64(k))
		if err != nil {
			return err
		}
		outcomes = append(outcomes, o)
	}
	plan := judge.Plan(f.limits, float64(f.rate), []float64{float64(f.share)})[0]
	if f.json {
		return printJSON(f.stdout, struct {
			Plan     judge.StepPlan  `json:"plan"`
			Outcomes []judge.Outcome `json:"outcomes"`
		}{plan, outcomes})
	}
	if err := judge.WriteOutcomes(f.stdout, outcomes); err != nil {
		return err
	}
	fmt.Fprintf(f.stdout, "a step of %s passes after %d requests of the new side at best, about %s; %d rollouts a row, each up to %d requests of the new side\n",
		&f.share, plan.Requests, plan.Takes.Round(time.Second), f.runs, base.Requests)
	return nil
}
