package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"ml-service/rollout"
)

// move is what shift, promote and rollback have in common.
type move struct {
	*command
	options rollout.Options
	to      string
	from    string
	dryRun  bool
}

func (m *move) flags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringVar(&m.options.Reason, "reason", "", "why; it stands in the history")
	f.BoolVar(&m.dryRun, "dry-run", false, "show what would be done, and do nothing")
	f.BoolVar(&m.json, "json", false, "print one JSON object")
}

func (m *move) driftFlags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringVar(&m.from, "from", "", "the side that a rollback goes back to, where a release begins at a split")
	f.BoolVar(&m.options.AcceptDrift, "accept-drift", false, "go on from a split that somebody else has made")
}

func newShift(c *command) *cobra.Command {
	m := &move{command: c}
	var weight float64
	cmd := &cobra.Command{
		Use:   "shift --to SIDE --weight PERCENT",
		Short: "Give one side a share of the traffic, the other one the rest",
		Long: `Give one side a share of the traffic, the other one the rest, and return when it is seen to be so. The first shift
begins a release: the side that had all the traffic is its baseline, which rollback goes back to.`,
		Example: `  rollout shift --to green --weight 10
  rollout shift --to green --weight 2.5 --dry-run`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if !cmd.Flags().Changed("weight") {
				return usage("which share? say --weight, 0 to 100 percent")
			}
			return m.run(cmd, func(s *rollout.Session) (rollout.Entry, error) {
				return s.PlanShift(rollout.Side(m.to), weight, m.options)
			})
		},
	}
	cmd.Flags().StringVar(&m.to, "to", "", "the side whose share is given")
	cmd.Flags().Float64Var(&weight, "weight", 0, "its share in percent")
	m.driftFlags(cmd)
	m.flags(cmd)
	return cmd
}

// run plans a move, and makes it unless it is a dry run.
func (m *move) run(cmd *cobra.Command, plan func(*rollout.Session) (rollout.Entry, error)) error {
	s, end, err := m.begin(cmd)
	if err != nil {
		return err
	}
	for _, name := range []*string{&m.to, &m.from} {
		if *name, err = named(cmd.Context(), s.Target, *name); err != nil {
			return end(err)
		}
	}
	m.options.From = rollout.Side(m.from)
	e, err := plan(s)
	if err != nil {
		return end(err)
	}
	for _, note := range e.Notes {
		fmt.Fprintf(m.stderr, "note: %s\n", note)
	}
	if m.dryRun {
		return end(m.show(cmd.Context(), s, e))
	}
	done, err := s.Do(cmd.Context(), e)
	if err = end(err); err != nil {
		return err
	}
	if m.json {
		return printJSON(m.stdout, done)
	}
	fmt.Fprintf(m.stdout, "%s  ->  %s   seen after %.1f s\n", done.From, done.To, done.Seconds)
	switch done.Verb {
	case "shift":
		fmt.Fprintf(m.stdout, "release %s began at %s: rollout promote, or rollout rollback\n", done.Release, done.Baseline)
	case "promote":
		fmt.Fprintf(m.stdout, "%s still runs, and rollout rollback gives it all the traffic\n", done.Baseline)
	}
	if adviser, ok := s.Target.(rollout.Adviser); ok {
		for _, line := range adviser.Advise(cmd.Context(), done.To) {
			fmt.Fprintln(m.stdout, line)
		}
	}
	return nil
}

// show is the dry run.
func (m *move) show(ctx context.Context, s *rollout.Session, e rollout.Entry) error {
	plan := ""
	if planner, ok := s.Target.(rollout.Planner); ok {
		var err error
		if plan, err = planner.Plan(ctx, e.To); err != nil {
			return err
		}
	}
	if m.json {
		return printJSON(m.stdout, struct {
			Entry rollout.Entry `json:"entry"`
			Plan  string        `json:"plan,omitempty"`
		}{e, plan})
	}
	fmt.Fprintf(m.stdout, "%s would make of %s: %s\n%s", e.Verb, e.From, e.To, plan)
	return nil
}
