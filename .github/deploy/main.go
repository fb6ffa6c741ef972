// Command deploy asks the deployment API to bring an image into service and follows the deployment to its end.
//
// It exits with 0 when the deployment succeeded, 1 when it failed or its end was not seen, 2 when the request, the
// token or the address must be corrected, 4 when it was rolled back, and 5 when another deployment is running.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"
)

const (
	exitFailed     = 1
	exitUsage      = 2
	exitRolledBack = 4
	exitLocked     = 5
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	p := program{getenv: os.Getenv, stdout: os.Stdout, stderr: os.Stderr, sleep: sleep, limit: 30 * time.Second}
	err := p.run(ctx, os.Args[1:])
	stop()
	os.Exit(exitCode(err))
}

// program is what a run needs from outside.
type program struct {
	getenv         func(string) string
	stdout, stderr io.Writer
	sleep          func(context.Context, time.Duration) error
	limit          time.Duration // of one request and its whole answer
}

// run does one deployment. The error that it returns is already written to stderr.
func (p program) run(ctx context.Context, args []string) error {
	secret := p.getenv("CLOUD_TOKEN")
	stdout, stderr := redact(p.stdout, secret), redact(p.stderr, secret)
	cfg, err := parseConfig(args, p.getenv, stdout)
	if errors.Is(err, flag.ErrHelp) {
		return nil
	}
	if err == nil {
		err = newClient(cfg, stdout, p.sleep, p.limit).deploy(ctx)
	}
	if err != nil {
		fmt.Fprintln(stderr, "deploy: "+clean(err.Error()))
	}
	return err
}

// exitError is an error that knows the exit code it ends in; any other error ends in exitFailed.
type exitError struct {
	code int
	text string
}

func (e *exitError) Error() string { return e.text }

func exitf(code int, format string, a ...any) error {
	return &exitError{code, fmt.Sprintf(format, a...)}
}

func exitCode(err error) int {
	var e *exitError
	switch {
	case err == nil:
		return 0
	case errors.As(err, &e):
		return e.code
	default:
		return exitFailed
	}
}
