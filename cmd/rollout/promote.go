package main

import (
	"github.com/spf13/cobra"

	"ml-service/rollout"
)

func newPromote(c *command) *cobra.Command {
	m := &move{command: c}
	cmd := &cobra.Command{
		Use:   "promote [--to SIDE]",
		Short: "Give the new side all the traffic, which ends the release",
		Example: `  rollout promote
  rollout promote --to green --reason "two days at 10 %, no difference"`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return m.run(cmd, func(s *rollout.Session) (rollout.Entry, error) {
				return s.PlanPromote(rollout.Side(m.to), m.options)
			})
		},
	}
	cmd.Flags().StringVar(&m.to, "to", "", "the new side; needed where no release is under way")
	m.driftFlags(cmd)
	m.flags(cmd)
	return cmd
}
