package main

import (
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"ml-service/rollout"
	"ml-service/rollout/nginx"
)

// opener opens a target; flags is where its own flags are declared, if it has any.
type opener struct {
	open  func(c *command, cmd *cobra.Command, progress rollout.Progress) (rollout.Target, error)
	flags func(*pflag.FlagSet)
}

// targets are the places where traffic is split.
var targets = map[string]opener{
	"nginx": {open: func(c *command, _ *cobra.Command, progress rollout.Progress) (rollout.Target, error) {
		t := nginx.New(c.dir, c.stateDir(), progress)
		t.Within = c.within
		return t, nil
	}},
}

func (c *command) open(cmd *cobra.Command, progress rollout.Progress) (rollout.Target, error) {
	return targets[c.target].open(c, cmd, progress)
}
