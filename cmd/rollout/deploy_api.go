package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/spf13/cobra"

	"ml-service/rollout"
	"ml-service/rollout/api"
)

// remote is `rollout deploy --api`: somebody else's rollout serve does it.
type remote struct {
	address  string
	strategy string
	key      string
	ifBusy   string
	timeout  time.Duration
	poll     time.Duration
	wait     bool
}

func (r *remote) flags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringVar(&r.address, "api", "", "have the deployment API at this address do it, as https://deploy.example.com; the token is read from CLOUD_TOKEN alone")
	f.StringVar(&r.strategy, "strategy", api.Switch, "with --api: switch or canary")
	f.BoolVar(&r.wait, "wait", false, "with --api: follow the deployment to its end, which is the exit code")
	f.StringVar(&r.key, "idempotency-key", "", "with --api: name of this deployment: under one name it is started once; a random one if empty")
	f.DurationVar(&r.timeout, "timeout", 2*time.Hour, "with --api: how long to follow the deployment, a wait for another one included")
	f.DurationVar(&r.poll, "poll", 3*time.Second, "with --api: time between two looks at its state")
	f.StringVar(&r.ifBusy, "if-busy", "wait", "with --api: what to do while another deployment is running: wait or fail")
}

// onlyHere are the flags of rollout deploy that the API has no word for.
var onlyHere = []string{"model", "to", "sha256", "golden", "accept-signature", "start-within", "reason", "json"}

// deploy gives the order and follows it. Nothing that it prints has the token in it.
func (r *remote) deploy(cmd *cobra.Command, c *command, what rollout.Artifact) error {
	token := os.Getenv("CLOUD_TOKEN")
	wrong := func(format string, args ...any) error {
		return usage("%s", api.Line(fmt.Sprintf(format, args...), token))
	}
	for _, name := range onlyHere {
		if cmd.Flags().Changed(name) {
			return wrong("--%s goes with a deployment in this folder, and not with --api", name)
		}
	}
	client := &api.Client{Token: token, Key: r.key, Limit: r.timeout, Poll: r.poll, FailIfBusy: r.ifBusy == "fail", Detached: !r.wait}
	var err error
	if client.Base, err = api.ParseURL(r.address); err != nil {
		return wrong("--api: %v", err)
	}
	if token == "" {
		return wrong("CLOUD_TOKEN is empty: want the token of the deployment API in that variable")
	}
	if err := api.CheckToken(token); err != nil {
		return wrong("CLOUD_TOKEN: %v", err)
	}
	if client.Key == "" {
		client.Key = "by-hand-" + rand.Text()
	}
	if err := api.CheckKey(client.Key); err != nil {
		return wrong("--idempotency-key: %v", err)
	}
	if r.timeout <= 0 || r.poll <= 0 {
		return wrong("--timeout and --poll: want times above zero, as 90s or 15m, got %s and %s", r.timeout, r.poll)
	}
	if r.ifBusy != "wait" && r.ifBusy != "fail" {
		return wrong("--if-busy: want wait or fail, got %q", r.ifBusy)
	}
	order := api.Order{Image: what.Image, Version: what.Version, Strategy: r.strategy}
	var field *api.FieldError
	if err := order.Check(); errors.As(err, &field) { // the token goes before what is repeated is cut
		return wrong("--%v", &api.FieldError{Field: field.Field, Want: field.Want, Got: api.Line(field.Got, token)})
	}
	live := &liveLines{w: c.stdout, live: terminal(c.stdout)}
	defer live.end()
	client.Say = live.say
	err = client.Deploy(cmd.Context(), order)
	if err == nil {
		return nil
	}
	said := errors.New(api.Line(err.Error(), token))
	switch {
	case errors.Is(err, api.ErrRefused):
		return &rollout.Fault{Outcome: rollout.ErrUsage, Err: said}
	case errors.Is(err, api.ErrRolledBack):
		return &rollout.Fault{Outcome: rollout.ErrRolledBack, Err: said}
	case errors.Is(err, api.ErrBusy):
		return &rollout.Fault{Outcome: rollout.ErrLocked, Err: said}
	case errors.Is(err, context.Canceled):
		return fmt.Errorf("stopped: %w", said)
	}
	return said
}
