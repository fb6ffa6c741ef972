package model

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"path"

	"ml-service/onnx"
)

// evaluator is a compiled model file of any format. It describes itself by ONNX's values and types, whatever it was made
// from, and is immutable: many goroutines use it at once.
type evaluator interface {
	Inputs() []onnx.Value        // in the order that Session.Input counts; the first dimension of a shape is the batch
	Outputs() []onnx.Value       // in the order that Session.Output counts; Role says which is the label, which the scores
	Metadata() map[string]string // title, feature_names, class_names, missing_values; docs/models.md
	NewSession() session
	// RowWise says whether each row of the outputs depends on the same row of the inputs alone, and lies in the first
	// dimension: then a batch is run in blocks, whose answers, one after another, are those of the whole.
	RowWise() bool
	// Memory bounds what a session holds after a batch.
	Memory() onnx.Memory
}

// session runs an evaluator in memory of its own, which it reuses. It is used by one goroutine at a time.
type session interface {
	// Input is the tensor of an input: resized to [rows, width] and filled before Run.
	Input(i int) *onnx.Tensor
	// Run evaluates all rows. A value that the model refuses is an *onnx.RunError with its input and element.
	Run() error
	// Output is the tensor of an output, valid until the next Run; it is only read.
	Output(i int) *onnx.Tensor
	// Unknown is what the last Run met that is not a category of the model and was taken all the same, the first values of a column at
	// least, and how many there were in all.
	Unknown() (found []onnx.Unknown, count int)
}

// format is a kind of model file.
type format struct {
	file     string // its name in the version's folder
	platform string // what the Open Inference Protocol calls it
	load     func(data []byte, beside map[string]string) (evaluator, error)
}

// formats are the model files that a version's folder may hold, one of them. A new format is one more entry here and an
// adapter beside graph below.
var formats = []format{
	{"model.onnx", "onnx_onnxv1", loadONNX},
	{"model.ubj", "xgboost", loadXGBoost},
	{"model.json", "xgboost", loadXGBoost},
	{"model.txt", "lightgbm", loadLightGBM},
	{"model.cbm", "catboost", loadCatBoost},
}

func loadONNX(data []byte, beside map[string]string) (evaluator, error) {
	if beside["class_labels"] != "" {
		return nil, errors.New("metadata class_labels: an ONNX file has its own labels")
	}
	m, err := onnx.Load(data)
	if err != nil {
		return nil, err
	}
	return newGraph(m), nil
}

// loadFile reads and compiles the model file of a version's folder, with what metadata.json beside it says.
func (m *Model) loadFile(fsys fs.FS, version string) error {
	var found *format
	var data []byte
	for i := range formats {
		f := &formats[i]
		read, err := fs.ReadFile(fsys, path.Join(version, f.file))
		switch {
		case errors.Is(err, fs.ErrNotExist):
			continue
		case err != nil:
			return err
		case found != nil:
			return fmt.Errorf("want one model file, got %s and %s", found.file, f.file)
		}
		found, data = f, read
	}
	if found == nil {
		return missing(fsys, version)
	}
	beside, err := metadataBeside(fsys, version)
	if err != nil {
		return err
	}
	e, err := found.load(data, beside)
	if err != nil {
		return err
	}
	sum := sha256.Sum256(data)
	m.graph, m.file, m.platform, m.sha256 = e, found.file, found.platform, hex.EncodeToString(sum[:])
	m.metadata = merged(e.Metadata(), beside)
	return nil
}
