package main

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"ml-service/rollout"
	"ml-service/rollout/compare"
)

// comparison is `rollout compare`, and what canary takes of it.
type comparison struct {
	*command
	to, from  string
	rows      string
	most      share
	limited   func() bool // --max-disagreement was given
	threshold float64
	tolerance float64
	rate      rate
	html      string
}

func (c *comparison) flags(f *pflag.FlagSet) {
	c.rate = 100
	f.StringVar(&c.rows, "rows", "", "file of rows: a golden.json, JSON lines of {\"x\":…} with \"y\" where the answer is known, or a folder of the service's record")
	f.Var(&c.most, "max-disagreement", "the share of predictions that may change; more is a fail")
	c.limited = func() bool { return f.Changed("max-disagreement") }
}

func newCompare(c *command) *cobra.Command {
	x := &comparison{command: c}
	cmd := &cobra.Command{
		Use:   "compare --to SIDE --rows FILE",
		Short: "Send the same rows to both sides and say what changed, before anybody meets it",
		Long: `Send the same rows to both sides and say what changed: how many predictions and which way, the rows that changed most,
refusals, latency, and with the right answers in the rows ("y") accuracy, log loss or RMSE of both. All rows are sent, so
the share is exact and no test is needed. Nobody is moved.

--max-disagreement has no default: a better model is meant to differ.

Exit codes: 0, or 4 where more changed than may, or the known answers say that the new side is worse.`,
		Example: `  rollout compare --to green --rows rows.jsonl
  rollout compare --to green --rows record/ --max-disagreement 3% --html report.html`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			ctl, p, err := c.control(cmd)
			if err != nil {
				return err
			}
			defer p.stop()
			s, err := ctl.Look(cmd.Context())
			if err != nil {
				return err
			}
			return x.run(cmd.Context(), &rollout.Session{Situation: s, Control: ctl})
		},
	}
	f := cmd.Flags()
	f.StringVar(&x.to, "to", "", "the new side")
	f.StringVar(&x.from, "from", "", "the side to compare with; the one that has the traffic, or where the release began")
	x.flags(f)
	f.Float64Var(&x.threshold, "threshold", math.NaN(), "count rows whose score, or value, is on another side of it")
	f.Float64Var(&x.tolerance, "tolerance", compare.DefaultTolerance, "numbers that differ by less are the same")
	f.Var(&x.rate, "rate", "rows a second to each side, as 100/s")
	f.StringVar(&x.html, "html", "", "write the report with its pictures to this file, too")
	f.BoolVar(&c.json, "json", false, "print one JSON object")
	return cmd
}

// significant is the decimal logarithm of the e-value at which known answers speak against the new side: 1 of 100.
const significant = 2

// run compares, prints, and says whether it is too much.
func (c *comparison) run(ctx context.Context, s *rollout.Session) error {
	asker, ok := s.Target.(rollout.Asker)
	if !ok {
		return usage("the sides of target %s cannot be asked", s.Name)
	}
	if c.rows == "" {
		return usage("which rows? say --rows FILE: a golden.json, JSON lines, or a folder of the record")
	}
	to, err := newSide(ctx, s, c.to)
	if err != nil {
		return err
	}
	from, err := c.baseline(ctx, s, to)
	if err != nil {
		return err
	}
	rows, err := compare.ReadFile(c.rows)
	if err != nil {
		return usage("--rows: %w", err)
	}
	r, err := compare.Run(ctx, asker, rows, compare.Options{Old: from, New: to, Pace: time.Duration(float64(time.Second) / float64(c.rate)),
		Threshold: c.threshold, Tolerance: c.tolerance, Progress: func(done, all int) { s.Step(fmt.Sprintf("%d of %d rows", done, all)) }})
	if err != nil {
		return err
	}
	if err := compare.Save(c.compareSaved(), r, time.Now()); err != nil {
		fmt.Fprintf(c.stderr, "note: the page will not show this comparison: %v\n", err)
	}
	if c.html != "" {
		if err := c.writeHTML(r); err != nil {
			return err
		}
	}
	if c.json {
		err = printJSON(c.stdout, r)
	} else {
		err = r.WriteText(c.stdout)
	}
	return errors.Join(err, c.verdict(r))
}

// baseline is the side to compare with.
func (c *comparison) baseline(ctx context.Context, s *rollout.Session, to rollout.Side) (rollout.Side, error) {
	name, err := named(ctx, s.Target, c.from)
	if err != nil {
		return "", err
	}
	from := rollout.Side(name)
	if from == "" && s.Release.Open() {
		from = s.Release.Baseline
	}
	if from == "" {
		from, _ = s.Split.Sole()
	}
	switch {
	case to == "":
		return "", usage("to which side? say --to")
	case from == "" || from == to:
		return "", usage("with which side is %s compared? say --from", to)
	}
	return from, nil
}

func (c *comparison) verdict(r *compare.Result) error {
	fail := func(format string, args ...any) error {
		return &rollout.Fault{Outcome: rollout.ErrRolledBack, Err: fmt.Errorf(format, args...)}
	}
	if c.limited() && r.Share > float64(c.most) {
		return fail("fail: %d of %d predictions change, %s, and at most %s may", r.Changed, r.Rows, rollout.Percent(100*r.Share), &c.most)
	}
	if l := r.Labels; l != nil && l.Log10EValue >= significant {
		return fail("fail: %s is worse: alone wrong, or further off, in %d of %d rows where the sides differ", r.New, l.NewWrong, l.NewWrong+l.OldWrong)
	}
	return nil
}

func (c *comparison) writeHTML(r *compare.Result) error {
	limit := math.NaN()
	if c.limited() {
		limit = float64(c.most)
	}
	path := c.html
	if !filepath.IsAbs(path) {
		var err error
		if path, err = filepath.Abs(path); err != nil {
			return err
		}
	}
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	title := fmt.Sprintf("%s %s against %s %s", r.New, r.NewVersion, r.Old, r.OldVersion)
	return errors.Join(r.WriteHTML(f, title, limit), f.Close())
}
