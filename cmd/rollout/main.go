// Command rollout makes a release of ml-service one command: start the new version beside the old one, check it,
// give it a share of the traffic, all of it, or none.
package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"ml-service/rollout"
	"ml-service/rollout/api"
)

func main() {
	ctx, _ := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	os.Exit(run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}

// run is the whole program; it returns the exit status.
func run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	root := newRoot(stdin, stdout, stderr)
	root.SetArgs(args)
	if err := root.ExecuteContext(ctx); err != nil {
		// A flag's own error repeats what it was given.
		fmt.Fprintf(stderr, "rollout: %s\n", api.Redact(err.Error(), os.Getenv("CLOUD_TOKEN")))
		return rollout.ExitCode(err)
	}
	return 0
}
