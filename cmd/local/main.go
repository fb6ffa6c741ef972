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
	"slices"

	"ml-service/handler"
)

func main() {
	os.Exit(run(context.Background(), os.Args[1:], os.Getenv, os.Stdin, os.Stdout, os.Stderr))
}

// run is the whole program; its result is the exit code. A failure is one line on stderr. Cancelling ctx is Ctrl-C.
func run(ctx context.Context, args []string, getenv func(string) string, stdin io.Reader, stdout, stderr io.Writer) int {
	err := dispatch(ctx, args, getenv, stdin, stdout, stderr)
	if err != nil {
		fmt.Fprintf(stderr, "ml-service: %v\n", err)
	}
	return handler.ExitCode(err)
}

func dispatch(ctx context.Context, args []string, getenv func(string) string, stdin io.Reader, stdout, stderr io.Writer) error {
	if len(args) > 0 {
		if usage, ok := verbUsage[args[0]]; ok && asksHelp(args[1:]) {
			_, err := fmt.Fprint(stdout, "Usage:\n"+usage)
			return err
		}
		switch args[0] {
		case "check":
			return check(args[1:], stdout)
		case "score":
			return score(ctx, args[1:], stdin, stdout, stderr)
		}
	}
	healthcheck := len(args) > 0 && args[0] == "healthcheck"
	if healthcheck {
		args = args[1:]
	}
	args, getenv, err := handler.OnPlatform(args, getenv)
	if err != nil {
		return err
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

// verbUsage says what the verbs are that take no settings.
var verbUsage = map[string]string{
	"check": `  ml-service check DIR            say what a model file, its folder or a folder of such is, and whether it can be served
`,
	"score": `  ml-service score --model DIR [--format csv|jsonl] [--cores N] < rows.csv > answers.csv
                                  answer a file of rows, of any length: CSV with a header, or JSON lines
`,
}

// asksHelp says whether arguments ask what to write, as package flag understands it.
func asksHelp(args []string) bool {
	return slices.ContainsFunc(args, func(arg string) bool { return slices.Contains([]string{"-h", "--h", "-help", "--help"}, arg) })
}

func usage(w io.Writer) {
	fmt.Fprint(w, `ml-service serves a tabular model over HTTP: GET /health, POST /predict.

  ml-service [serve] [flags]      serve; with the word as SageMaker has it: models from /opt/ml/model where they are
  ml-service healthcheck [flags]  ask the instance on this machine for /health; exit 0 if it is ok
`+verbUsage["check"]+verbUsage["score"]+`  ml-service --version

Exit codes: 0 done, 1 error, 2 usage or configuration.
Each flag over its environment variable over its default:
`)
	handler.WriteUsage(w, new(config).settings())
}
