package main

import (
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"ml-service/rollout"
	"ml-service/rollout/canary"
)

func newRollback(c *command) *cobra.Command {
	m := &move{command: c}
	cmd := &cobra.Command{
		Use:   "rollback",
		Short: "Give all the traffic back to the side where the release began",
		Long: `Give all the traffic back to the side where the release began, whatever steps lay between, also after promote, and
also while the new side is dead or gone. Where a canary, or the watch after a promotion, is at work in this folder, that one
is asked to do it, which it does at its next scrape; the call returns when it is done.`,
		Example: `  rollout rollback --reason "errors from green"
  rollout rollback --to blue`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			m.from = m.to
			rollback := func() error {
				return m.run(cmd, func(s *rollout.Session) (rollout.Entry, error) { return s.PlanRollback(m.options) })
			}
			err := rollback()
			if errors.Is(err, rollout.ErrLocked) && !m.dryRun {
				return m.direct(cmd, err, rollback)
			}
			return err
		},
	}
	cmd.Flags().StringVar(&m.to, "to", "", "the side to go back to; needed where no release is known")
	m.flags(cmd)
	return cmd
}

// directed is how long a rollback that was asked for is waited for: some scrapes, and the move itself.
const directed = 2 * time.Minute

// direct asks who holds the lock to roll back and waits until that is done. Where the holder ends first, the rollback is made here.
func (m *move) direct(cmd *cobra.Command, locked error, rollback func() error) error {
	ctl, p, err := m.control(cmd)
	if err != nil {
		return err
	}
	p.stop()
	before, err := ctl.Look(cmd.Context())
	if err != nil {
		return errors.Join(locked, err)
	}
	standing, err := canary.Stands(m.canaryState(), before.Release)
	if err != nil {
		return errors.Join(locked, err)
	}
	if !canary.Follows(before.Release, standing) {
		return locked
	}
	d := rollout.Directive{Verb: "rollback", Release: before.Release.ID, Who: ctl.Who, Reason: m.options.Reason, Time: ctl.Now()}
	if err := ctl.Journal.Direct(d); err != nil {
		return errors.Join(locked, err)
	}
	fmt.Fprintf(m.stderr, "at work is %s: it is asked to roll back, and does so at its next scrape\n", rollout.Holder(m.stateDir()))
	for until := time.Now().Add(directed); time.Now().Before(until); {
		select {
		case <-cmd.Context().Done():
			return cmd.Context().Err()
		case <-time.After(200 * time.Millisecond):
		}
		now, err := ctl.Look(cmd.Context())
		if err != nil {
			return err
		}
		switch {
		case now.Release == nil || now.Release.ID != d.Release:
			return errors.New("another release has begun meanwhile, and it was not touched")
		case now.Release.Ended == "rolled back":
			if m.json {
				all, err := ctl.Journal.All()
				if err != nil || len(all) == 0 {
					return err
				}
				return printJSON(m.stdout, all[len(all)-1])
			}
			fmt.Fprintf(m.stdout, "%s  ->  %s\n", before.Split, now.Split)
			return nil
		case rollout.Holder(m.stateDir()) == "":
			if err := rollback(); !errors.Is(err, rollout.ErrLocked) {
				return err
			}
		}
	}
	return fmt.Errorf("%w; it was asked to roll back and has not within %s", locked, directed)
}
