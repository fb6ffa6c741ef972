package main

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"ml-service/rollout"
)

func newDoctor(c *command) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "doctor",
		Short: "Look for what is wrong or will be, each with how to mend it",
		Long: `Look for what is wrong or will be, each with how to mend it. The exit code is 1 where something is wrong, 0 with
warnings alone.`,
		Example: "  rollout doctor\n  rollout doctor --json",
		RunE: func(cmd *cobra.Command, _ []string) error {
			ctl, p, err := c.control(cmd)
			if err != nil {
				return err
			}
			defer p.stop()
			doctor, ok := ctl.Target.(rollout.Doctor)
			if !ok {
				return usage("target %s cannot be examined", c.target)
			}
			p.step("examine")
			found, err := doctor.Examine(cmd.Context())
			if err != nil {
				return err
			}
			if s, err := ctl.Look(cmd.Context()); err == nil {
				found = append(found, drift(s, rollout.Holder(c.stateDir()))...)
			}
			return c.report(found)
		},
	}
	cmd.Flags().BoolVar(&c.json, "json", false, "print a JSON line a finding")
	return cmd
}

// drift is what the history knows to be wrong.
func drift(s rollout.Situation, holder string) []rollout.Finding {
	var found []rollout.Finding
	if s.Left != nil {
		found = append(found, rollout.Finding{Level: "warning", What: fmt.Sprintf("rollout left %s; somebody else has made %s of it", *s.Left, s.Split),
			Mend: "rollout shift --accept-drift goes on from there, rollout rollback goes back to the baseline"})
	}
	if s.Pending != nil && holder == "" {
		found = append(found, rollout.Finding{Level: "error", What: fmt.Sprintf("a %s to %s was killed", s.Pending.Verb, s.Pending.To),
			Mend: "the next rollout shift, promote or rollback settles it"})
	}
	return found
}

func (c *command) report(found []rollout.Finding) error {
	wrong := 0
	for _, f := range found {
		if f.Level == "error" {
			wrong++
		}
		if c.json {
			if err := printJSON(c.stdout, f); err != nil {
				return err
			}
			continue
		}
		colour := yellow
		if f.Level == "error" {
			colour = red
		}
		fmt.Fprintf(c.stdout, "%s %s\n  mend: %s\n", paint(c.stdout, colour, f.Level+":"), f.What, f.Mend)
	}
	if wrong > 0 {
		return errors.New(count(wrong, "thing is wrong", "things are wrong"))
	}
	if !c.json && len(found) == 0 {
		fmt.Fprintln(c.stdout, paint(c.stdout, green, "nothing is wrong"))
	}
	return nil
}

func count(n int, one, more string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, more)
}
