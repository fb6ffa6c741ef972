package handler

import (
	"cmp"
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

// Open loads the configured version: of the models in MODEL_DIR where that is set, which turns the embedded ones off, so that a
// version that is not there is an error and never another model. A version whose golden.json the model does not reproduce is
// refused, and so is a RECORD_OMIT that misspells one of its features. ExitCode says what a binary that cannot open its version exits with.
func Open(cfg Config, embedded fs.FS) (*Opened, error) {
	o, err := openConfigured(cfg, embedded)
	if err == nil && cfg.RecordDir != "" {
		if _, wrong := cfg.checkOmit(o.Model); wrong != nil {
			return nil, Usage(fmt.Errorf("RECORD_OMIT: %w", wrong))
		}
	}
	return o, err
}

func openConfigured(cfg Config, embedded fs.FS) (*Opened, error) {
	if cfg.ModelDir == "" {
		return OpenVersion(embedded, cmp.Or(cfg.ModelVersion, modelVersion))
	}
	o, err := openIn(cfg.ModelDir, cfg.ModelVersion)
	if errors.Is(err, fs.ErrPermission) { // mounted into a container, whose user is not who made the folder
		err = fmt.Errorf("%w for user %d: chmod -R a+rX on the folder", err, os.Getuid())
	}
	if err != nil {
		return nil, fmt.Errorf("MODEL_DIR %s: %w", cfg.ModelDir, err)
	}
	return o, nil
}

// openIn loads a version of a folder. Where none is said it is the only one there, or else the one stamped into the binary.
func openIn(dir, version string) (*Opened, error) {
	const want = "want a folder of <version>/ with a model file in each"
	fsys := os.DirFS(dir)
	versions, err := model.Versions(fsys)
	var p *fs.PathError
	switch {
	case errors.As(err, &p):
		return nil, Usage(fmt.Errorf("%s: %w", want, p.Err))
	case err != nil:
		return nil, Usage(fmt.Errorf("%s: %w", want, err))
	case version == "" && len(versions) == 1:
		version = versions[0]
	case version == "":
		version = modelVersion
	}
	return OpenVersion(fsys, version)
}

// OpenVersion loads the version in that folder of fsys and holds it to its golden rows.
func OpenVersion(fsys fs.FS, version string) (*Opened, error) {
	m, err := model.Load(fsys, version)
	if errors.Is(err, model.ErrVersion) || errors.Is(err, fs.ErrPermission) {
		return nil, Usage(err)
	}
	if err != nil {
		return nil, err
	}
	o := &Opened{Model: m}
	golden, err := fs.ReadFile(fsys, path.Join(version, "golden.json"))
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
