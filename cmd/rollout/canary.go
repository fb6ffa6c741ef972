package main

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"ml-service/rollout"
	"ml-service/rollout/canary"
	"ml-service/rollout/judge"
)

// release is `rollout canary`.
type release struct {
	*command
	options canary.Options
	to      string
	from    string
	steps   string
	dryRun  bool
	compare comparison
}

func newCanary(c *command) *cobra.Command {
	r := &release{command: c, compare: comparison{command: c, threshold: math.NaN()}}
	cmd := &cobra.Command{
		Use:   "canary --to SIDE [--steps 10,50,100]",
		Short: "A release that judges itself: step by step, on with a pass, back with a fail",
		Long: `A release that judges itself. Each step gives the new side a larger share; the judge compares both sides' errors and
latency after every scrape, and says pass, fail or hold. A pass goes to the next step, a fail rolls back at once, a hold
waits until --max-wait and then does what --on-hold says. 100 in --steps is the promotion.

With --rows both sides are sent the same rows first, and with --max-disagreement nobody is moved where more than that
changed (rollout compare).

Running it again goes on where it stopped, with the evidence it had. Ctrl-C leaves the weights and says so.`,
		Example: `  rollout canary --to green
  rollout canary --to green --steps 5,25,50,100 --max-wait 2h --on-hold rollback
  rollout canary --to green --dry-run`,
		RunE: func(cmd *cobra.Command, _ []string) error { return r.run(cmd) },
	}
	f := cmd.Flags()
	f.StringVar(&r.to, "to", "", "the new side")
	f.StringVar(&r.from, "from", "", "the side that a rollback goes back to, where a release begins at a split")
	f.StringVar(&r.steps, "steps", "10,50,100", "shares of the traffic in percent, ascending")
	f.DurationVar(&r.options.MaxWait, "max-wait", 30*time.Minute, "how long all steps may take together")
	f.StringVar(&r.options.OnHold, "on-hold", canary.Pause, "what to do with a hold after --max-wait: pause or rollback")
	f.DurationVar(&r.options.Every, "every", 5*time.Second, "time between two scrapes")
	f.DurationVar(&r.options.Measure, "measure", 30*time.Second, "how long the traffic is measured at most before the first step; CloudWatch is some minutes late: 5m on Lambda")
	f.BoolVar(&r.options.Latency, "latency", true, "judge latency too")
	f.DurationVar(&r.options.SlowOver, "slow-over", time.Millisecond, "what takes less is not slow, whatever the old side takes")
	f.BoolVar(&r.options.AcceptSignature, "accept-signature", false, "go on although the model takes or answers something else than the old one")
	f.BoolVar(&r.options.AcceptDrift, "accept-drift", false, "go on from a split that somebody else has made")
	f.StringVar(&r.options.Reason, "reason", "", "why; it stands in the history")
	f.BoolVar(&r.dryRun, "dry-run", false, "measure the traffic, show the plan, and move nobody")
	f.BoolVar(&r.json, "json", false, "print one JSON object after each scrape")
	r.compare.flags(f)
	limitFlags(f, &r.options.Limits)
	return cmd
}

// stepsOf reads "10,50,100".
func stepsOf(text string) ([]float64, error) {
	var steps []float64
	for word := range strings.SplitSeq(text, ",") {
		step, err := strconv.ParseFloat(strings.TrimSuffix(strings.TrimSpace(word), "%"), 64)
		if err != nil {
			return nil, usage("--steps %s: want percents as 10,50,100", text)
		}
		steps = append(steps, step)
	}
	return steps, nil
}

func (r *release) run(cmd *cobra.Command) error {
	var err error
	if r.options.Steps, err = stepsOf(r.steps); err != nil {
		return err
	}
	if err := r.options.Validate(); err != nil {
		return err
	}
	s, end, err := r.begin(cmd)
	if err != nil {
		return err
	}
	return end(r.release(cmd.Context(), s))
}

// newSide is the side that a name stands for, and without a name the one that a release goes to, where the target knows.
func newSide(ctx context.Context, s *rollout.Session, name string) (rollout.Side, error) {
	if name == "" && s.Release.Open() {
		return s.Release.New, nil
	}
	if namer, ok := s.Target.(rollout.Namer); ok {
		return namer.Side(ctx, name)
	}
	return rollout.Side(name), nil
}

func (r *release) release(ctx context.Context, s *rollout.Session) error {
	var err error
	if r.options.To, err = newSide(ctx, s, r.to); err != nil {
		return err
	}
	from, err := named(ctx, s.Target, r.from)
	if err != nil {
		return err
	}
	r.options.From = rollout.Side(from)
	if r.compare.limited() && r.compare.rows == "" {
		return usage("--max-disagreement: of which rows? say --rows FILE")
	}
	r.compare.to, r.compare.from = string(r.options.To), from
	if r.compare.rows != "" {
		if err := r.compare.run(ctx, s); err != nil {
			return r.disagrees(ctx, s, err)
		}
	}
	r.options.State = r.canaryState()
	shown := ""
	r.options.Report = func(p canary.Progress) { shown = r.show(p, shown) }
	if r.options.Limits.Labels > 0 {
		asker, ok := s.Target.(rollout.Asker)
		old, err := r.compare.baseline(ctx, s, r.options.To)
		if err != nil {
			return err
		}
		if !ok {
			return usage("--labels: the sides of target %s cannot be asked", s.Name)
		}
		r.options.Labels = r.labelled(asker, old, r.options.To)
	}
	s.Step("measure the traffic")
	run, err := canary.Prepare(ctx, s, r.options)
	if err != nil {
		if errors.Is(err, context.Canceled) {
			return &rollout.Fault{Outcome: rollout.ErrHeld, Err: fmt.Errorf("interrupted; the weights stay at %s", s.Split)}
		}
		return err
	}
	plan, err := run.Plan()
	if !r.json {
		for _, note := range run.Notes() {
			fmt.Fprintln(r.stdout, note)
		}
		writePlan(r, run.Rate(), plan)
	}
	if err != nil || r.dryRun {
		if r.dryRun && r.json {
			return errors.Join(err, printJSON(r.stdout, plan))
		}
		return err
	}
	s.Step("judge by each scrape; Ctrl-C leaves the weights as they are")
	err = run.Run(ctx)
	for _, note := range run.Notes() {
		r.say("%s", note)
	}
	if err == nil && !r.json {
		if _, sole := s.Split.Sole(); !sole {
			fmt.Fprintln(r.stdout, "all steps have passed: rollout promote, or rollout rollback")
		}
	}
	return err
}

// disagrees ends a release whose sides answer too differently: what has begun is rolled back.
func (r *release) disagrees(ctx context.Context, s *rollout.Session, why error) error {
	if !errors.Is(why, rollout.ErrRolledBack) || !s.Release.Open() {
		return why
	}
	e, err := s.PlanRollback(rollout.Options{Reason: why.Error()})
	if err == nil {
		_, err = s.Do(context.WithoutCancel(ctx), e)
	}
	return errors.Join(why, err)
}

func writePlan(r *release, perSecond float64, plan []judge.StepPlan) {
	rows := [][]string{{"STEP", "REQUESTS", "AT BEST"}}
	for _, p := range plan {
		row := []string{rollout.Percent(100 * p.Share), "-", "promotion"}
		if p.Requests > 0 {
			row[1], row[2] = strconv.Itoa(p.Requests), p.Takes.Round(time.Second).String()
		}
		rows = append(rows, row)
	}
	fmt.Fprintf(r.stdout, "%.3g requests a second\n", perSecond)
	table(r.stdout, rows...)
}

// say prints a line for people; with --json it goes to stderr.
func (r *release) say(format string, args ...any) {
	out := r.stdout
	if r.json {
		out = r.stderr
	}
	fmt.Fprintf(out, format+"\n", args...)
}

// show prints what became known: each report for machines; for people notes, the table where a verdict changed or a step
// began, and a live line on a terminal. It returns what was shown, to compare the next with.
func (r *release) show(p canary.Progress, before string) string {
	if r.json {
		_ = printJSON(r.stdout, p)
		return ""
	}
	live := terminal(r.stdout)
	if live {
		fmt.Fprint(r.stdout, "\r\x1b[K")
	}
	for _, note := range p.Notes {
		fmt.Fprintln(r.stdout, note)
	}
	now := fmt.Sprint(p.Step, p.Report.Verdict)
	for _, c := range p.Report.Checks {
		now += " " + c.Name + string(c.Verdict)
	}
	if now != before {
		_ = p.Report.WriteTable(r.stdout)
		if p.Drift != "" {
			fmt.Fprintln(r.stdout, p.Drift)
		}
	}
	if live {
		fmt.Fprintf(r.stdout, "%s  %s: %d requests of %s, %d errors; %s left", p.Report.Verdict, rollout.Percent(p.Step),
			p.Report.NewAll.Requests, p.Report.New, p.Report.NewAll.Errors, p.Left.Round(time.Second))
	}
	return now
}
