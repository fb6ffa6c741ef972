package main

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"ml-service/rollout"
	"ml-service/rollout/canary"
	"ml-service/rollout/nginx"
)

// status is the answer of the verb, for machines.
type status struct {
	Target string `json:"target"`
	rollout.Situation
	Busy  string              `json:"busy,omitempty"` // who moves traffic at this moment
	Sides []rollout.SideState `json:"sides,omitempty"`
	Seen  *nginx.Sightings    `json:"seen,omitempty"`
	Wrong []string            `json:"wrong,omitempty"`

	Canary *canary.Standing `json:"canary,omitempty"` // where a canary under way stands
}

func newStatus(c *command) *cobra.Command {
	var watch bool
	var every time.Duration
	cmd := &cobra.Command{
		Use:   "status",
		Short: "Who has which share, how each side is, and whether what runs is what was asked for",
		Example: `  rollout status
  rollout status --watch
  rollout status --json | jq .split.shares`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			ctl, p, err := c.control(cmd)
			if err != nil {
				return err
			}
			defer p.stop()
			if watch {
				return c.watch(cmd.Context(), ctl, every)
			}
			s, err := c.status(cmd.Context(), ctl)
			if err != nil {
				return err
			}
			if c.json {
				return printJSON(c.stdout, s)
			}
			s.print(c.stdout)
			return nil
		},
	}
	cmd.Flags().BoolVar(&c.json, "json", false, "print one JSON object")
	cmd.Flags().BoolVar(&watch, "watch", false, "print a line every --every until Ctrl-C: split, requests, errors, p95")
	cmd.Flags().DurationVar(&every, "every", 2*time.Second, "how often --watch looks")
	return cmd
}

func (c *command) status(ctx context.Context, ctl *rollout.Control) (status, error) {
	s := status{Target: c.target, Busy: rollout.Holder(c.stateDir())}
	ctl.Step("look")
	var err error
	if s.Situation, err = ctl.Look(ctx); err != nil {
		return s, err
	}
	if s.Canary, err = canary.Stands(c.canaryState(), s.Release); err != nil {
		s.Wrong = append(s.Wrong, err.Error())
	}
	if in, ok := ctl.Target.(rollout.Inspector); ok {
		if s.Sides, err = in.Sides(ctx); err != nil {
			return s, err
		}
	}
	if n, ok := ctl.Target.(*nginx.Target); ok {
		seen, err := n.See(ctx, s.Split)
		if err != nil {
			s.Wrong = append(s.Wrong, err.Error())
		} else {
			s.Seen = &seen
			s.Wrong = append(s.Wrong, seen.Remarks...)
		}
	}
	for _, side := range s.Sides {
		if s.Split.Shares[side.Side] > 0 && !side.Usable() {
			s.Wrong = append(s.Wrong, fmt.Sprintf("%s has %s of the traffic and is %s", side.Side, rollout.Percent(s.Split.Shares[side.Side]), side.State))
		}
		for _, r := range side.Remarks {
			s.Wrong = append(s.Wrong, fmt.Sprintf("%s: %s", side.Side, r))
		}
	}
	if s.Left != nil {
		s.Wrong = append(s.Wrong, fmt.Sprintf("rollout left %s; somebody else has made %s of it", *s.Left, s.Split))
	}
	if e := s.Pending; e != nil && s.Busy == "" {
		s.Wrong = append(s.Wrong, fmt.Sprintf("a %s was killed at %s (%s to %s); the next rollout shift, promote or rollback settles it first", e.Verb, e.Time.Format(time.RFC3339), e.From, e.To))
	}
	return s, nil
}

func (s status) print(w io.Writer) {
	rows := [][]string{{"SIDE", "SHARE", "STATE", "VERSION", "RUNS", "RESTARTS", "SEEN", "TRIES/MIN", "FAILED"}}
	for _, side := range s.Sides {
		row := []string{string(side.Side), rollout.Percent(s.Split.Shares[side.Side]), side.State, dash(side.Version), dash(side.Artifact), fmt.Sprint(side.Restarts)}
		if s.Seen != nil {
			row = append(row, fmt.Sprintf("%d/%d", s.Seen.Answers[side.Side], s.Seen.Sent), fmt.Sprint(s.Seen.Tries[side.Side]), fmt.Sprint(s.Seen.Failed[side.Side]))
		}
		rows = append(rows, row)
	}
	if len(s.Sides) == 0 {
		fmt.Fprintln(w, s.Split)
	}
	table(w, rows...)
	switch r := s.Release; {
	case r.Open():
		fmt.Fprintf(w, "release %s began at %s and moves traffic to %s: rollout promote, or rollout rollback\n", r.ID, r.Baseline, r.New)
	case r != nil:
		fmt.Fprintf(w, "release %s, from %s to %s, was %s\n", r.ID, r.Baseline, r.New, r.Ended)
	default:
		fmt.Fprintln(w, "no release is known here")
	}
	if s.Canary != nil {
		writeStanding(w, s.Canary)
	}
	if s.Busy != "" {
		fmt.Fprintf(w, "at work: %s\n", s.Busy)
	}
	for _, line := range s.Wrong {
		fmt.Fprintf(w, "%s %s\n", paint(w, red, "wrong:"), line)
	}
}

func dash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}

// watch prints a line each time, over the last one on a terminal.
func (c *command) watch(ctx context.Context, ctl *rollout.Control, every time.Duration) error {
	counter, ok := ctl.Target.(rollout.Counter)
	inspector, ok2 := ctl.Target.(rollout.Inspector)
	if !ok || !ok2 {
		return usage("target %s cannot count what its sides answer", c.target)
	}
	last := map[rollout.Side]rollout.Counts{}
	ticker := time.NewTicker(max(every, 100*time.Millisecond))
	defer ticker.Stop()
	for {
		split, err := ctl.Target.Read(ctx)
		if err == nil {
			var sides []rollout.SideState
			if sides, err = inspector.Sides(ctx); err == nil {
				parts := []string{time.Now().Format("15:04:05"), split.String()}
				for _, side := range sides {
					n, err := counter.Count(ctx, side.Side)
					if err != nil {
						parts = append(parts, fmt.Sprintf("%s %s: no counts", side.Side, side.State))
						delete(last, side.Side)
						continue
					}
					parts = append(parts, since(side, last[side.Side], n))
					last[side.Side] = n
				}
				c.live(strings.Join(parts, "  |  "))
			}
		}
		if ctx.Err() != nil {
			fmt.Fprintln(c.stdout)
			return nil
		}
		if err != nil {
			c.live(time.Now().Format("15:04:05") + "  " + err.Error())
		}
		select {
		case <-ctx.Done():
			fmt.Fprintln(c.stdout)
			return nil
		case <-ticker.C:
		}
	}
}

// live writes a line over the last one on a terminal, below it elsewhere.
func (c *command) live(line string) {
	if terminal(c.stdout) {
		fmt.Fprintf(c.stdout, "\r\x1b[K%s", line)
		return
	}
	fmt.Fprintln(c.stdout, line)
}

// since says what a side answered between two counts.
func since(side rollout.SideState, a, b rollout.Counts) string {
	if a.Instance != b.Instance || b.Requests < a.Requests {
		return fmt.Sprintf("%s %s: counting", side.Side, side.State)
	}
	seconds := b.At.Sub(a.At).Seconds()
	text := fmt.Sprintf("%s %s %.1f/s %d errors (%d tries failed)", side.Side, side.State, float64(b.Requests-a.Requests)/seconds, b.Errors-min(a.Errors, b.Errors), b.FailedTries-min(a.FailedTries, b.FailedTries))
	if p := rollout.Quantile(0.95, a.Latency, b.Latency); p > 0 {
		text += fmt.Sprintf(" p95 %.1f ms", 1000*p)
	}
	return text
}
