package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"ml-service/rollout"
	"ml-service/rollout/api"
	"ml-service/rollout/canary"
	"ml-service/rollout/page"
)

// server is `rollout serve`.
type server struct {
	*command
	listen     string
	repository string
	verifyKey  string
	hosts      []string
	steps      string
	onHold     string
	disagree   share
	plan       api.Plan
}

func newServe(c *command) *cobra.Command {
	s := &server{command: c, plan: api.DefaultPlan(), disagree: 1}
	cmd := &cobra.Command{
		Use:   "serve --repository IMAGE",
		Short: "The deployment API that CLOUD_TOKEN opens: deploys what CI has pushed, judges it, and rolls it back",
		Long: `The deployment API, in the folder of the compose files: POST /v1/deployments brings an image of one repository onto the side
without traffic, checks it as rollout deploy does, compares it on the record, moves users, and rolls back on a fail.
It listens on this machine alone: a reverse proxy with TLS stands in front. At / is the page of rollout ui, for those with a token.

Tokens: CLOUD_TOKEN, and CLOUD_TOKENS_FILE, whose lines are a name, its scopes (deploy, read, ui, joined by commas) and a token, as
"ci deploy 9f3b…"; it is read again once it has changed. A token has at least 32 characters.`,
		Example: `  CLOUD_TOKEN=$(cat token) rollout serve --repository ghcr.io/owner/repo
  CLOUD_TOKENS_FILE=tokens rollout -C /srv/ml-service serve --repository ghcr.io/owner/repo --host deploy.example.com`,
		RunE: func(cmd *cobra.Command, _ []string) error { return s.run(cmd) },
	}
	f := cmd.Flags()
	f.StringVar(&s.listen, "listen", "127.0.0.1:8090", "address of this machine")
	f.StringVar(&s.repository, "repository", "", "the one repository that images may come from, as ghcr.io/owner/repo")
	f.StringVar(&s.verifyKey, "verify-key", "", "public key of cosign, which must be on PATH: images without its signature are refused")
	f.StringSliceVar(&s.hosts, "host", nil, "name by which the reverse proxy calls this server; may be repeated")
	f.DurationVar(&s.plan.Watch, "watch", s.plan.Watch, "how long a switch is watched")
	f.DurationVar(&s.plan.Every, "every", s.plan.Every, "time between two scrapes")
	f.DurationVar(&s.plan.StartWithin, "start-within", s.plan.StartWithin, "how long a side may take to become healthy")
	f.DurationVar(&s.plan.PullWithin, "pull-within", s.plan.PullWithin, "how long a pull may take")
	f.StringVar(&s.steps, "steps", "10,50,100", "shares of a canary in percent, ascending")
	f.DurationVar(&s.plan.MaxWait, "max-wait", s.plan.MaxWait, "how long all steps of a canary may take together")
	f.StringVar(&s.onHold, "on-hold", canary.Rollback, "what a canary does with a hold after --max-wait: pause or rollback")
	f.Var(&s.disagree, "max-disagreement", "the largest share of the record's predictions that may change; 100%: any")
	limitFlags(f, &s.plan.Limits)
	return cmd
}

func (s *server) run(cmd *cobra.Command) error {
	t, err := api.OpenTokens(os.Getenv("CLOUD_TOKEN"), os.Getenv("CLOUD_TOKENS_FILE"))
	if err != nil {
		return err
	}
	if s.plan.Steps, err = stepsOf(s.steps); err != nil {
		return err
	}
	s.plan.OnHold = s.onHold
	check := canary.Options{Steps: s.plan.Steps, OnHold: s.onHold, Every: s.plan.Every, Measure: s.plan.Every, MaxWait: s.plan.MaxWait, Limits: s.plan.Limits}
	if err := check.Validate(); err != nil {
		return err
	}
	if s.plan.MaxDisagreement = float64(s.disagree); s.disagree >= 1 {
		s.plan.MaxDisagreement = math.NaN()
	}
	if s.verifyKey != "" {
		if s.verifyKey, err = filepath.Abs(s.verifyKey); err != nil {
			return err
		}
	}
	if err := loopback(s.listen); err != nil {
		return err
	}
	ctl, p, err := s.control(cmd)
	if err != nil {
		return err
	}
	p.stop()
	if _, err := ctl.Look(cmd.Context()); err != nil {
		return err
	}
	// Two servers in one folder would take each other's deployments for left ones.
	alone, err := rollout.TakeLock(filepath.Join(s.stateDir(), "serve"), who()+", rollout serve")
	if err != nil {
		return err
	}
	defer alone.Release() //nolint:errcheck // the process ends
	audit := slog.New(slog.NewJSONHandler(s.stderr, nil))
	door := api.NewDoor(t, s.hosts, audit)
	shown, err := s.page(cmd, page.Options{Check: visitor(door), Wrong: door.Wrong})
	if err != nil {
		return err
	}
	defer shown.Close()
	served, err := api.NewServer(api.Options{Dir: s.dir, State: s.stateDir(), Repository: s.repository, VerifyKey: s.verifyKey, Tokens: t, Hosts: s.hosts, Plan: s.plan, Audit: audit, Page: shown,
		Control: func(progress rollout.Progress) (*rollout.Control, error) {
			target, err := s.open(cmd, progress)
			fresh := *ctl
			fresh.Target, fresh.Progress = target, progress
			return &fresh, err
		}})
	if err != nil {
		return usage("%w", err)
	}
	defer served.Close()
	listener, err := new(net.ListenConfig).Listen(cmd.Context(), "tcp", s.listen)
	if err != nil {
		return err
	}
	audit.Info("listening", "address", listener.Addr().String(), "repository", s.repository, "folder", s.dir)
	return serveUntil(cmd.Context(), listener, served, func() {
		shown.Close()
		served.Close()
	})
}

// serveUntil answers until the context ends, and then ends what streams by end; a deployment under way stays where it is, and the next
// server goes on with it.
func serveUntil(ctx context.Context, l net.Listener, served http.Handler, end func()) error {
	hs := &http.Server{Handler: served, ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 10 * time.Second, IdleTimeout: time.Minute, MaxHeaderBytes: 16 << 10,
		ErrorLog: slog.NewLogLogger(slog.DiscardHandler, slog.LevelDebug)}
	hs.RegisterOnShutdown(end) // streams of events end, too
	failed := make(chan error, 1)
	go func() { failed <- hs.Serve(l) }()
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	if err := hs.Shutdown(ctx); err != nil && !errors.Is(err, context.DeadlineExceeded) {
		return fmt.Errorf("stop: %w", err)
	}
	return nil
}
