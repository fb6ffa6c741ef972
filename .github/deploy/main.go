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

	"ml-service/rollout/api"
)

const (
	exitFailed     = 1
	exitUsage      = 2
	exitRolledBack = 4
	exitLocked     = 5
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := exitCode(run(ctx, os.Args[1:], os.Getenv, os.Stdout, os.Stderr))
	stop()
	os.Exit(code)
}

// run does one deployment. The error that it returns is already written to stderr.
func run(ctx context.Context, args []string, getenv func(string) string, stdout, stderr io.Writer) error {
	client, order, err := parseConfig(args, getenv, stdout)
	if errors.Is(err, flag.ErrHelp) {
		return nil
	}
	if err == nil {
		client.Say = func(line string) { fmt.Fprintln(stdout, "deploy: "+line) }
		err = client.Deploy(ctx, order)
	}
	if err != nil {
		fmt.Fprintln(stderr, "deploy: "+api.Line(err.Error(), getenv("CLOUD_TOKEN")))
	}
	return err
}

func exitCode(err error) int {
	var usage usageError
	switch {
	case err == nil:
		return 0
	case errors.As(err, &usage), errors.Is(err, api.ErrRefused):
		return exitUsage
	case errors.Is(err, api.ErrRolledBack):
		return exitRolledBack
	case errors.Is(err, api.ErrBusy):
		return exitLocked
	default:
		return exitFailed
	}
}
