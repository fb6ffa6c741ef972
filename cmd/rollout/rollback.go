package main

import (
	"github.com/spf13/cobra"

	"ml-service/rollout"
)

func newRollback(c *command) *cobra.Command {
	m := &move{command: c}
	cmd := &cobra.Command{
		Use:   "rollback",
		Short: "Give all the traffic back to the side where the release began",
		Long: `Give all the traffic back to the side where the release began, whatever steps lay between, also after promote, and
also while the new side is dead or gone.`,
		Example: `  rollout rollback --reason "errors from green"
  rollout rollback --to blue`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			m.from = m.to
			return m.run(cmd, func(s *rollout.Session) (rollout.Entry, error) { return s.PlanRollback(m.options) })
		},
	}
	cmd.Flags().StringVar(&m.to, "to", "", "the side to go back to; needed where no release is known")
	m.flags(cmd)
	return cmd
}
