// Command bootstrap is the service as an AWS Lambda function: the router of cmd/local, behind API Gateway, a Function
// URL or an Application Load Balancer.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"

	"github.com/aws/aws-lambda-go/lambda"

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
	exitError = 1
	exitUsage = 2
)

func main() {
	os.Exit(run(os.Getenv, os.Stdout, os.Stderr))
}

// usageError is a wrong configuration.
type usageError struct{ error }

// run is the whole program. It only returns where the function cannot start: it says why on stderr and to the runtime
// API, and its result is the exit code. The configuration is cmd/local's environment and METRICS_NAMESPACE, which turns
// the metrics on.
func run(getenv func(string) string, stdout, stderr io.Writer) int {
	api := getenv("AWS_LAMBDA_RUNTIME_API")
	if api != "" {
		connect(api)
	}
	f, err := start(getenv, stdout)
	if err == nil && api == "" {
		err = usageError{errors.New("AWS_LAMBDA_RUNTIME_API is not set: this binary runs on AWS Lambda, or under sam local and the runtime interface emulator; cmd/local is the server")}
	}
	if err == nil {
		lambda.StartWithOptions(f)
	}
	fmt.Fprintf(stderr, "bootstrap: %v\n", err)
	code, kind := exitError, "Runtime.ModelNotLoaded"
	var usage usageError
	if errors.As(err, &usage) || errors.Is(err, model.ErrVersion) {
		code, kind = exitUsage, "Runtime.Configuration"
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
	cfg, err := handler.ParseConfig(nil, getenv)
	if err != nil {
		return nil, usageError{err}
	}
	if cfg.ModelVersion == "" {
		cfg.ModelVersion = modelVersion
	}
	m, err := openModel(cfg, getenv("LAMBDA_TASK_ROOT"))
	if err != nil {
		return nil, err
	}
	from := instance{
		function:  getenv("AWS_LAMBDA_FUNCTION_NAME"),
		version:   getenv("AWS_LAMBDA_FUNCTION_VERSION"),
		model:     m.Version(),
		namespace: getenv("METRICS_NAMESPACE"),
	}
	logger := newLogger(stdout, cfg.LogLevel, from)
	service := handler.New(handler.Options{
		Model: m, Name: cfg.ModelName, Color: cfg.Color, MaxBodyBytes: cfg.MaxBodyBytes, Logger: logger,
		Concurrency: cfg.MaxConcurrency, Queue: cfg.MaxQueue,
	})
	logger.LogAttrs(context.Background(), slog.LevelDebug, "ready", slog.String("version", m.Version()),
		slog.String("kind", m.Kind().String()), slog.String("sha256", m.SHA256()), slog.String("revision", revision))
	return newFunction(service.Engine(), from, logger), nil
}

// openModel loads the configured version: from MODEL_DIR, or else from the models that were put beside the bootstrap,
// or else from the embedded ones.
func openModel(cfg handler.Config, taskRoot string) (*model.Model, error) {
	dir := cfg.ModelDir
	if dir == "" && taskRoot != "" {
		dir = filepath.Join(taskRoot, "models")
		if _, err := os.Stat(dir); errors.Is(err, fs.ErrNotExist) {
			dir = ""
		}
	}
	if dir == "" {
		return model.Open(cfg.ModelVersion, models.FS)
	}
	if _, err := os.ReadDir(dir); err != nil {
		return nil, usageError{fmt.Errorf("MODEL_DIR: want a folder of <version>/model.onnx: %w", err)}
	}
	return model.Open(cfg.ModelVersion, os.DirFS(dir), models.FS)
}
