package handler

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"

	"ml-service/handler/predict"
	"ml-service/model"
)

// Stamped at build: -ldflags "-X ml-service/handler.modelVersion=… -X ml-service/handler.revision=…".
var (
	modelVersion = "v1.0.0"
	revision     = "unknown"
)

// Stamped is what the binary was built for: the version it serves where none is configured, and the revision of its source.
func Stamped() (version, source string) { return modelVersion, revision }

// Exit codes of the binaries that serve.
const (
	ExitDone  = 0
	ExitError = 1
	ExitUsage = 2 // the command line or the configuration is wrong
)

// UsageError is a wrong command line or configuration: what the caller of the binary has to change.
type UsageError struct{ error }

// Unwrap gives what is wrong.
func (e UsageError) Unwrap() error { return e.error }

// Usage makes err a UsageError.
func Usage(err error) error { return UsageError{err} }

// ExitCode is what a binary exits with that ends with err.
func ExitCode(err error) int {
	var usage UsageError
	switch {
	case err == nil:
		return ExitDone
	case errors.As(err, &usage):
		return ExitUsage
	}
	return ExitError
}

// Opened is a version that is ready to serve.
type Opened struct {
	Model   *model.Model
	Example []byte // a body of POST /predict that the model was seen to answer, its first golden row; nil: without
}

// Open loads the configured version: from the configured folder first, else from the embedded models. A version whose
// golden.json the model does not reproduce is refused. The error says what ExitCode makes of it.
func Open(cfg Config, embedded fs.FS) (*Opened, error) {
	version := cfg.ModelVersion
	if version == "" {
		version = modelVersion
	}
	places := []fs.FS{embedded}
	if cfg.ModelDir != "" {
		if _, err := os.ReadDir(cfg.ModelDir); err != nil {
			return nil, Usage(fmt.Errorf("MODEL_DIR: want a folder of <version>/model.onnx: %w", err))
		}
		places = []fs.FS{os.DirFS(cfg.ModelDir), embedded}
	}
	found, err := model.Find(version, places...)
	if errors.Is(err, model.ErrVersion) {
		return nil, Usage(err)
	}
	if err != nil {
		return nil, err
	}
	m, err := model.Load(found, version)
	if err != nil {
		return nil, err
	}
	o := &Opened{Model: m}
	golden, err := fs.ReadFile(found, path.Join(version, "golden.json"))
	if errors.Is(err, fs.ErrNotExist) {
		return o, nil
	}
	if err == nil {
		o.Example, err = predict.New(m).CheckGolden(golden)
	}
	if err != nil {
		return nil, fmt.Errorf("model %s: golden.json: %w", version, err)
	}
	return o, nil
}
