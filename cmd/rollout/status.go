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
	"ml-service/rollout/page"
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
				return c.watch(cmd, ctl, every)
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
	cmd.Flags().BoolVar(&watch, "watch", false, "draw what rollout ui shows, in text, every --every until Ctrl-C")
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
		writeStanding(w, s.Canary, s.Busy != "")
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

// watch draws the page of rollout ui in text each time, over the last one on a terminal, below it elsewhere.
func (c *command) watch(cmd *cobra.Command, ctl *rollout.Control, every time.Duration) error {
	_, ok := ctl.Target.(rollout.Counter)
	_, ok2 := ctl.Target.(rollout.Inspector)
	if !ok || !ok2 {
		return usage("target %s cannot count what its sides answer", c.target)
	}
	every = max(every, 100*time.Millisecond)
	source := c.source(cmd, ctl)
	if cmd.Flags().Changed("every") {
		source.Every = every / 2 // each look is one at the sides, too
	}
	looker, err := page.NewLooker(source)
	if err != nil {
		return err
	}
	ctx := cmd.Context()
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	for {
		looker.Read(ctx)
		seen := looker.Look(ctx)
		if ctx.Err() != nil {
			return nil
		}
		var text strings.Builder
		if err := seen.WriteText(&text); err != nil {
			return err
		}
		c.screen(text.String())
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
	}
}

// screen shows a text in the place of the last one on a terminal, below it and an empty line elsewhere.
func (c *command) screen(text string) {
	if !terminal(c.stdout) {
		fmt.Fprintln(c.stdout, text)
		return
	}
	// From the first line, each cleared to its end, and all that is left below: nothing flickers.
	fmt.Fprint(c.stdout, "\x1b[H", strings.ReplaceAll(text, "\n", "\x1b[K\n"), "\x1b[J")
}
