package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"ml-service/rollout"
)

func newHistory(c *command) *cobra.Command {
	limit := 0
	cmd := &cobra.Command{
		Use:     "history",
		Short:   "What was done, newest last: who, when, from, to, why",
		Example: "  rollout history --last 20\n  rollout history --json",
		RunE: func(*cobra.Command, []string) error {
			all, err := rollout.OpenJournal(c.stateDir(), c.target).All()
			if err != nil {
				return err
			}
			if limit > 0 {
				all = all[max(0, len(all)-limit):]
			}
			if c.json {
				for _, e := range all {
					if err := printJSON(c.stdout, e); err != nil {
						return err
					}
				}
				return nil
			}
			if len(all) == 0 {
				fmt.Fprintf(c.stdout, "nothing was done here yet with target %s\n", c.target)
				return nil
			}
			rows := [][]string{{"ID", "WHO", "VERB", "FROM", "TO", "RESULT", "WHY"}}
			for _, e := range all {
				who, _, _ := strings.Cut(e.Who, " ")
				rows = append(rows, []string{e.ID, who, e.Verb, e.From.String(), target(e), e.Result, e.Reason})
			}
			table(c.stdout, rows...)
			return nil
		},
	}
	cmd.Flags().IntVar(&limit, "last", 0, "only the last N")
	cmd.Flags().BoolVar(&c.json, "json", false, "print the JSON lines")
	return cmd
}

// target is where an entry went: a split, or what a side was given to run.
func target(e rollout.Entry) string {
	if e.Artifact == nil {
		return e.To.String()
	}
	what := e.Artifact.Image
	if e.Artifact.Model != "" {
		what = e.Artifact.Model
	}
	return fmt.Sprintf("%s: %s %s", e.Side, what, e.Artifact.Version)
}
