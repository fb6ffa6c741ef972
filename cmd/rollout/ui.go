package main

import (
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"ml-service/rollout"
	"ml-service/rollout/api"
	"ml-service/rollout/page"
)

func newUI(c *command) *cobra.Command {
	listen := ""
	cmd := &cobra.Command{
		Use:   "ui",
		Short: "The page of rollout serve, on this machine alone and without the deployment API",
		Long: `The page that shows a rollout as it happens, on this machine alone: what runs where, the split, requests, errors and latency of
both sides, a canary's steps and checks, the last comparison, and what was done. Who can reach the address may look. The buttons
are for those with a token, as rollout serve takes them: CLOUD_TOKEN or CLOUD_TOKENS_FILE; without one of them there are none.`,
		Example: "  rollout ui\n  CLOUD_TOKEN=$(cat token) rollout -C /srv/ml-service ui --listen 127.0.0.1:9000",
		RunE:    func(cmd *cobra.Command, _ []string) error { return c.ui(cmd, listen) },
	}
	cmd.Flags().StringVar(&listen, "listen", "127.0.0.1:8091", "address of this machine")
	return cmd
}

func (c *command) ui(cmd *cobra.Command, listen string) error {
	if err := loopback(listen); err != nil {
		return err
	}
	var tokens *api.Tokens
	if os.Getenv("CLOUD_TOKEN") != "" || os.Getenv("CLOUD_TOKENS_FILE") != "" {
		var err error
		if tokens, err = api.OpenTokens(os.Getenv("CLOUD_TOKEN"), os.Getenv("CLOUD_TOKENS_FILE")); err != nil {
			return err
		}
	}
	audit := slog.New(slog.NewJSONHandler(c.stderr, nil))
	door := api.NewDoor(tokens, nil, audit)
	o := page.Options{Open: true}
	if tokens != nil {
		o.Check, o.Wrong = visitor(door), door.Wrong
	}
	shown, err := c.page(cmd, o)
	if err != nil {
		return err
	}
	defer shown.Close()
	listener, err := new(net.ListenConfig).Listen(cmd.Context(), "tcp", listen)
	if err != nil {
		return err
	}
	audit.Info("listening", "address", listener.Addr().String(), "folder", c.dir)
	return serveUntil(cmd.Context(), listener, door.Around(shown), shown.Close)
}

// loopback refuses an address that others could reach.
func loopback(listen string) error {
	host, _, err := net.SplitHostPort(listen)
	if ip := net.ParseIP(host); err != nil || ip == nil && host != "localhost" || ip != nil && !ip.IsLoopback() {
		return usage("--listen %s: want an address of this machine alone, as 127.0.0.1:8090; TLS and the outside are the reverse proxy's", listen)
	}
	return nil
}

// visitor says what a token may do on the page.
func visitor(door *api.Door) func(string) (page.Visitor, bool) {
	return func(token string) (page.Visitor, bool) {
		who, valid := door.Check(token)
		return page.Visitor{Name: who.Name, Look: who.May(api.ScopeDeploy, api.ScopeRead, api.ScopeUI), Move: who.May(api.ScopeDeploy, api.ScopeUI)}, valid
	}
}

// page opens the page of this folder and target, which must be readable.
func (c *command) page(cmd *cobra.Command, o page.Options) (*page.Handler, error) {
	ctl, p, err := c.control(cmd)
	if err != nil {
		return nil, err
	}
	p.stop()
	if _, err := ctl.Look(cmd.Context()); err != nil {
		return nil, err
	}
	o.Source = c.source(cmd, ctl)
	return page.New(o)
}

// source is where the page and status --watch read.
func (c *command) source(cmd *cobra.Command, ctl *rollout.Control) page.Source {
	every := 2 * time.Second
	if c.target != "nginx" {
		every = time.Minute // CloudWatch counts by the minute, and each question costs
	}
	return page.Source{Canary: c.canaryState(), Compare: c.compareSaved(), Every: every, Control: func(progress rollout.Progress) (*rollout.Control, error) {
		target, err := c.open(cmd, progress)
		fresh := *ctl
		fresh.Target, fresh.Progress = target, progress
		return &fresh, err
	}}
}

// compareSaved is the file of the last comparison.
func (c *command) compareSaved() string {
	return filepath.Join(c.stateDir(), "compare-"+c.target+".json")
}
