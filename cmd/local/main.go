// Command ml-service serves a tabular model over HTTP: GET /health and POST /predict.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"runtime/debug"

	"ml-service/handler"
)

func main() {
	os.Exit(run(context.Background(), os.Args[1:], os.Getenv, os.Stdout, os.Stderr))
}

// run is the whole program; its result is the exit code. A failure is one line on stderr. Cancelling ctx is Ctrl-C.
func run(ctx context.Context, args []string, getenv func(string) string, stdout, stderr io.Writer) int {
	err := dispatch(ctx, args, getenv, stdout, stderr)
	if err != nil {
		fmt.Fprintf(stderr, "ml-service: %v\n", err)
	}
	return handler.ExitCode(err)
}

func dispatch(ctx context.Context, args []string, getenv func(string) string, stdout, stderr io.Writer) error {
	healthcheck := len(args) > 0 && args[0] == "healthcheck"
	if healthcheck {
		args = args[1:]
	}
	cfg, err := parseConfig(args, getenv)
	switch {
	case errors.Is(err, flag.ErrHelp):
		usage(stdout)
		return nil
	case err != nil:
		return handler.Usage(err)
	case cfg.showVersion:
		version, source := handler.Stamped()
		_, err := fmt.Fprintf(stdout, "ml-service %s (revision %s)\n", version, source)
		return err
	case healthcheck:
		return checkHealth(ctx, cfg)
	}
	if getenv("GOGC") == "" {
		debug.SetGCPercent(collectAt)
	}
	return serve(ctx, cfg, stderr)
}

// collectAt is the GC percentage: the heap at rest is 2 MB, so this trades a few more for fewer collections.
const collectAt = 200

func usage(w io.Writer) {
	fmt.Fprint(w, `ml-service serves a tabular ONNX model over HTTP: GET /health, POST /predict.

  ml-service [flags]              serve
  ml-service healthcheck [flags]  ask the instance on this machine for /health; exit 0 if it is ok
  ml-service --version

Exit codes: 0 done, 1 error, 2 usage or configuration.
Each flag over its environment variable over its default:
`)
	handler.WriteUsage(w, new(config).settings())
}
