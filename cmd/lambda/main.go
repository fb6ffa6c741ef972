// Command bootstrap is the service as an AWS Lambda function: the router of cmd/local, behind API Gateway, a Function
// URL or an Application Load Balancer.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"

	"github.com/aws/aws-lambda-go/lambda"

	"ml-service/handler"
	"ml-service/models"
)

func main() {
	os.Exit(run(os.Getenv, os.Stdout, os.Stderr))
}

// run is the whole program. It only returns where the function cannot start: it says why on stderr and to the runtime
// API, and its result is the exit code. The configuration is cmd/local's environment and METRICS_NAMESPACE, which turns
// the metrics on.
func run(getenv func(string) string, stdout, stderr io.Writer) int {
	api := getenv("AWS_LAMBDA_RUNTIME_API")
	f, err := start(getenv, stdout)
	if err == nil && api == "" {
		err = handler.Usage(errors.New("AWS_LAMBDA_RUNTIME_API is not set: this binary runs on AWS Lambda, or under sam local and the runtime interface emulator; cmd/local is the server"))
	}
	if err == nil {
		lambda.StartWithOptions(f)
	}
	fmt.Fprintf(stderr, "bootstrap: %v\n", err)
	code, kind := handler.ExitCode(err), "Runtime.ModelNotLoaded"
	if code == handler.ExitUsage {
		kind = "Runtime.Configuration"
	}
	if api != "" {
		if err := reportInit(api, kind, err); err != nil {
			fmt.Fprintf(stderr, "bootstrap: report the error above: %v\n", err)
		}
	}
	return code
}

// start reads the configuration, loads the model and makes the function of it.
func start(getenv func(string) string, stdout io.Writer) (*function, error) {
	var cfg handler.Config
	if err := handler.Configure(cfg.Settings(), flag.NewFlagSet("", flag.ContinueOnError), nil, getenv); err != nil {
		return nil, handler.Usage(err)
	}
	if cfg.ModelDir == "" {
		cfg.ModelDir = besideBootstrap(getenv("LAMBDA_TASK_ROOT"))
	}
	if cfg.ModelDir != "" {
		dir, err := download(cfg.ModelDir, os.TempDir(), getenv)
		if err != nil {
			return nil, err
		}
		cfg.ModelDir = dir
	}
	opened, err := handler.Open(cfg, models.FS)
	if err != nil {
		return nil, err
	}
	m := opened.Model
	from := instance{
		function:  getenv("AWS_LAMBDA_FUNCTION_NAME"),
		version:   getenv("AWS_LAMBDA_FUNCTION_VERSION"),
		model:     m.Version(),
		namespace: getenv("METRICS_NAMESPACE"),
		mapping:   getenv("API_MAPPING"),
	}
	logger := newLogger(stdout, cfg.LogLevel, from)
	adopt(logger)
	options := cfg.Options(opened)
	options.Logger, options.Memory = logger, cfg.ShareMemory().Requests
	if cfg.RecordDir != "" {
		options.Record = cfg.Recorder(toLog{stdout}, m, logger)
	}
	service := handler.New(options)
	_, source := handler.Stamped()
	logger.LogAttrs(context.Background(), slog.LevelDebug, "ready", slog.String("version", m.Version()),
		slog.String("kind", m.Kind().String()), slog.String("sha256", m.SHA256()), slog.String("revision", source))
	return newFunction(service.Engine(), from, logger), nil
}

// toLog writes the record's lines to the function's log; nobody closes that.
type toLog struct{ io.Writer }

func (toLog) Close() error { return nil }

// besideBootstrap is the folder of models that the package of the function brought along; empty: it has none.
func besideBootstrap(taskRoot string) string {
	if taskRoot == "" {
		return ""
	}
	dir := filepath.Join(taskRoot, "models")
	if _, err := os.Stat(dir); errors.Is(err, fs.ErrNotExist) {
		return ""
	}
	return dir
}
