// Package model is one version of a trained model: loaded from an fs.FS, described, and run on batches of typed columns. It
// knows nothing of requests and of JSON.
package model

import (
	"errors"
	"fmt"
	"io/fs"
	"sync"

	"ml-service/onnx"
)

// Kind is what a model answers.
type Kind uint8

const (
	// Raw is a model that neither classifies nor regresses: its outputs are answered by name.
	Raw Kind = iota
	// Classifier answers a class label for each row.
	Classifier
	// Regressor answers a number for each row, or a list of them where it has several targets.
	Regressor
)

// String gives classifier, regressor or raw.
func (k Kind) String() string {
	switch k {
	case Classifier:
		return "classifier"
	case Regressor:
		return "regressor"
	}
	return "raw"
}

// Input is one input of a model as whoever fills it sees it.
type Input struct {
	Name     string
	DType    onnx.DType
	Width    int      // values a row; -1: any, the same in all rows of a batch
	Rank     int      // of the tensor: 1 is [N], 2 is [N, Width]
	Features []string // the names of the values, where the file has them; else nil
	Missing  bool     // null is a missing value: NaN, or MissingText
	Shape    []int    // of the tensor, as the graph declares it; -1: any; nil: not even the rank is known
	Row      []int    // the shape of one row, at least one dimension: [Width], or more where Rank is above 2

	Categories []string // of an input of one value a row: the categories that the file knows, as text; else nil
	Closed     bool     // no other category is taken

	Columns []Column // what the file says of each value of a row beside its type; nil: nothing

	FixedRows int // the only number of rows the model takes; 0: any
}

// Column is what a model's file says of one value of a row.
type Column struct {
	Categories []string // those that its encoder knows, as text; else nil
	Closed     bool     // no other category is taken
	Typical    float64  // a value that the training data held or lay around, as the mean that a scaler takes off; NaN: it is not known
}

// Encodes says whether the file turns a value of a row, by its place there, into a category that it knows or does not.
func (in *Input) Encodes(k int) bool {
	return k < len(in.Columns) && in.Columns[k].Categories != nil && !in.Columns[k].Closed || in.Width == 1 && in.Columns == nil && in.DType == onnx.String && !in.Closed ||
		in.Width == 1 && in.Categories != nil && !in.Closed
}

// Model is one loaded version. It is immutable and may be used by many goroutines.
type Model struct {
	version, sha256 string
	file, platform  string
	graph           evaluator
	metadata        map[string]string
	inputs          []Input
	kind            Kind
	targets         int // of a regressor; 1: a number rather than a list
	label, scores   int // the outputs of a classifier; scores is -1 where it has none
	columns         *columns
	classNames      []string
	rowWise         bool      // a batch may be run in blocks
	unbounded       bool      // what a run takes is not known from its rows
	beyond, limit   int64     // bytes that a request and a session hold at most where that is so; 0: no limit
	block           int       // of this many rows at most
	pool            sync.Pool // of *Batch
	sessions        sync.Pool // of session, for blocks
}

// Load reads the model file of the folder <version> of fsys. Where there is none, the error is an ErrVersion that says what
// there is.
func Load(fsys fs.FS, version string) (*Model, error) {
	m := &Model{version: version}
	err := m.loadFile(fsys, version)
	if errors.Is(err, ErrVersion) {
		return nil, err
	}
	if err != nil {
		return nil, fmt.Errorf("model %s: %w", version, err)
	}
	if err := m.describe(); err != nil {
		return nil, fmt.Errorf("model %s: %w", version, err)
	}
	m.rowWise, m.block, m.unbounded = m.graph.RowWise(), blockRows(m.graph.Memory()), m.graph.Memory().Unbounded
	return m, nil
}

// Version is the name of the version, as its folder is called.
func (m *Model) Version() string { return m.version }

// SHA256 is the checksum of the file, in hexadecimal.
func (m *Model) SHA256() string { return m.sha256 }

// Kind is what the model answers.
func (m *Model) Kind() Kind { return m.kind }

// Title is the file's metadata title; empty where it has none.
func (m *Model) Title() string { return m.metadata["title"] }

// Inputs are the model's inputs in the order of the file.
func (m *Model) Inputs() []Input { return m.inputs }

// Outputs are the model's outputs in the order of the file.
func (m *Model) Outputs() []onnx.Value { return m.graph.Outputs() }

// Metadata is what the file and metadata.json beside it say, strings by key.
func (m *Model) Metadata() map[string]string { return m.metadata }

// File is the name of the model's file, as model.onnx.
func (m *Model) File() string { return m.file }

// Platform is what the Open Inference Protocol calls the kind of file, as onnx_onnxv1.
func (m *Model) Platform() string { return m.platform }

// Targets is how many numbers a regressor answers a row; 0 for other kinds.
func (m *Model) Targets() int { return m.targets }

// Classes are a classifier's labels in the order of its scores; nil where they are not known.
func (m *Model) Classes() []string {
	if m.columns == nil {
		return nil
	}
	return m.columns.labels
}

// ClassNames are what the labels are called, in the order of Classes, by the metadata class_names; nil without.
func (m *Model) ClassNames() []string { return m.classNames }

// LabelOutput and ScoresOutput are the outputs a classifier is read from; -1: none.
func (m *Model) LabelOutput() int { return m.label }

// ScoresOutput is the output with one score a class; -1: none.
func (m *Model) ScoresOutput() int { return m.scores }
