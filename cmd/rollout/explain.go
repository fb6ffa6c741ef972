package main

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"ml-service/rollout"
	"ml-service/rollout/judge"
)

func newExplain(c *command) *cobra.Command {
	cmd := &cobra.Command{
		Use:     "explain ID",
		Short:   "Everything the history knows of one step; last is the newest",
		Example: "  rollout explain last\n  rollout explain 20261126-031500-k3x9",
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) != 1 {
				return usage("explain: want the ID of one step, as rollout history prints it; got %d arguments", len(args))
			}
			return nil
		},
		RunE: func(_ *cobra.Command, args []string) error {
			all, err := rollout.OpenJournal(c.stateDir(), c.target).All()
			if err != nil {
				return err
			}
			i := slices.IndexFunc(all, func(e rollout.Entry) bool { return e.ID == args[0] })
			if args[0] == "last" {
				i = len(all) - 1
			}
			if i < 0 {
				return usage("no step %q in the history of target %s; see rollout history", args[0], c.target)
			}
			if c.json {
				return printJSON(c.stdout, all[i])
			}
			return c.explain(all[i])
		},
	}
	cmd.Flags().BoolVar(&c.json, "json", false, "print one JSON object")
	return cmd
}

func (c *command) explain(e rollout.Entry) error {
	rows := [][]string{
		{"step", e.ID}, {"release", e.Release}, {"verb", e.Verb}, {"result", e.Result}, {"when", e.Time.Format(time.RFC3339)},
		{"who", e.Who}, {"from", e.From.String()}, {"to", target(e)}, {"baseline", string(e.Baseline)}, {"took", fmt.Sprintf("%.1f s", e.Seconds)},
	}
	for _, row := range [][]string{{"why", e.Reason}, {"error", e.Error}} {
		if row[1] != "" {
			rows = append(rows, row)
		}
	}
	for _, note := range e.Notes {
		rows = append(rows, []string{"note", strings.ReplaceAll(note, "\n", " ")})
	}
	for _, side := range []rollout.Side{e.Baseline, e.Side} {
		if n, ok := e.Counts[side]; ok {
			rows = append(rows, []string{"counts of " + string(side), fmt.Sprintf("%d requests, %d errors since it started (%s, %d restarts)", n.Requests, n.Errors, n.Instance, n.Restarts)})
		}
	}
	table(c.stdout, rows...)
	var judged judge.Report
	if json.Unmarshal(e.Evidence, &judged) == nil && len(judged.Checks) > 0 {
		if err := judged.WriteTable(c.stdout); err != nil {
			return err
		}
	}
	if len(e.Evidence) > 0 {
		text, err := json.MarshalIndent(e.Evidence, "", "  ")
		if err != nil {
			return err
		}
		fmt.Fprintf(c.stdout, "evidence\n%s\n", text)
	}
	return nil
}
