// Command ml-service serves a tabular model over HTTP: GET /health and POST /predict.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"os"
	"runtime/debug"

	"ml-service/handler"
	"ml-service/model"
	"ml-service/models"
)

// Stamped at build by -ldflags "-X main.modelVersion=… -X main.revision=…".
var (
	modelVersion = "v1.0.0"
	revision     = "unknown"
)

// Exit codes of all our binaries.
const (
	exitDone  = 0
	exitError = 1
	exitUsage = 2
)

func main() {
	os.Exit(run(context.Background(), os.Args[1:], os.Getenv, os.Stdout, os.Stderr))
}

// usageError is a wrong command line or configuration.
type usageError struct{ error }

// run is the whole program; its result is the exit code. A failure is one line on stderr. Cancelling ctx is Ctrl-C.
func run(ctx context.Context, args []string, getenv func(string) string, stdout, stderr io.Writer) int {
	err := dispatch(ctx, args, getenv, stdout, stderr)
	if err == nil {
		return exitDone
	}
	fmt.Fprintf(stderr, "ml-service: %v\n", err)
	var usage usageError
	if errors.As(err, &usage) || errors.Is(err, model.ErrVersion) {
		return exitUsage
	}
	return exitError
}

func dispatch(ctx context.Context, args []string, getenv func(string) string, stdout, stderr io.Writer) error {
	healthcheck := len(args) > 0 && args[0] == "healthcheck"
	if healthcheck {
		args = args[1:]
	}
	cfg, err := handler.ParseConfig(args, getenv)
	switch {
	case errors.Is(err, flag.ErrHelp):
		usage(stdout)
		return nil
	case err != nil:
		return usageError{err}
	case cfg.ShowVersion:
		_, err := fmt.Fprintf(stdout, "ml-service %s (revision %s)\n", modelVersion, revision)
		return err
	case healthcheck:
		return checkHealth(ctx, cfg)
	}
	if cfg.ModelVersion == "" {
		cfg.ModelVersion = modelVersion
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
	handler.WriteUsage(w, modelVersion)
}

// openModel loads the configured version, from the user's folder first.
func openModel(cfg handler.Config) (*model.Model, error) {
	places := []fs.FS{models.FS}
	if cfg.ModelDir != "" {
		info, err := os.Stat(cfg.ModelDir)
		if err != nil {
			return nil, usageError{fmt.Errorf("MODEL_DIR: %w", err)}
		}
		if !info.IsDir() {
			return nil, usageError{fmt.Errorf("MODEL_DIR: want a folder of <version>/model.onnx, got the file %s", cfg.ModelDir)}
		}
		places = []fs.FS{os.DirFS(cfg.ModelDir), models.FS}
	}
	return model.Open(cfg.ModelVersion, places...)
}
