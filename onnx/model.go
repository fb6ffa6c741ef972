package onnx

import "fmt"

// Role says what an output is to somebody who asks for a prediction.
type Role uint8

const (
	// Other is an output that is none of those below.
	Other Role = iota
	// Label is the predicted class, one a row.
	Label
	// Scores are one number a class, [N, classes].
	Scores
	// Targets are what a regression answers, one number a target: [N, targets].
	Targets
)

// Value describes an input or output of a model.
type Value struct {
	Name  string
	DType DType
	Shape []int // -1: symbolic (the batch) or unknown; nil: the rank is unknown
	// Classes are the labels of the columns where a ZipMap was compiled away, in the ZipMap's own order; else nil.
	Classes *Tensor
	// Labels are, for Scores, the labels of the columns where the classifier that made them is known, ZipMap or not; else nil.
	Labels *Tensor
	// Role is found by following the graph back to the node that decides: a classifier operator or an ArgMax.
	Role Role
	// Operator is the operator that made an output, as LinearClassifier; empty for an input.
	Operator string
	// Missing says, for an input, that the model handles NaN there: an Imputer for NaN or a tree
	// node with nodes_missing_value_tracks_true reads it.
	Missing bool
	// Rows is, of an output, the axis along which its rows lie, each of which depends on the same row of the inputs alone; -1: there
	// is none, as where a graph reduces over the batch or takes batches of one size only. Of an input it is 0, or -1 where its first
	// dimension is fixed.
	Rows int
}

// Model is a parsed, checked and compiled model. It is immutable and may be used by many goroutines.
type Model struct {
	inputs, outputs []Value
	metadata        map[string]string
	producer        string
	opsets          map[string]int64

	steps    []step
	slots    []DType // the session's tensors; the inputs come first
	results  []result
	captured []int // of a graph in an attribute: the inputs of its node that it takes from around it
	memory   Memory
	columns  []Column
}

// result is where an output lies: in a slot, or in a constant.
type result struct {
	slot     int
	constant *Tensor
}

// Load parses and compiles an ONNX file. It refuses what it does not implement, naming the operator,
// the node and what is supported. It does not keep data.
func Load(data []byte) (*Model, error) {
	if len(data) > maxFile {
		return nil, fmt.Errorf("onnx: a file of %d bytes is larger than %d", len(data), maxFile)
	}
	p, err := parseModel(data)
	if err != nil {
		return nil, fmt.Errorf("onnx: %w", err)
	}
	m, err := compile(p)
	if err != nil {
		return nil, fmt.Errorf("onnx: %w", err)
	}
	return m, nil
}

// RowWise says whether every output has a row, along its first dimension, for each row of the inputs that depends on that row
// alone: then a batch may be run in pieces, whose answers, one after another, are those of the whole, to the bit.
func (m *Model) RowWise() bool {
	for _, v := range append(m.Inputs(), m.Outputs()...) {
		if v.Rows != 0 {
			return false
		}
	}
	return true
}

// Memory bounds what one session holds after a batch, for budgets: Fixed + rows*(Row + columns*Column).
func (m *Model) Memory() Memory { return m.memory }

// Inputs are the graph's inputs, in its order, without those that have an initializer.
func (m *Model) Inputs() []Value { return m.inputs }

// Outputs are the graph's outputs, in its order. Each tensor of a sequence is one of its own, as name[0], name[1].
func (m *Model) Outputs() []Value { return m.outputs }

// Columns are the values of a row of which the graph says something beside their type, in the order of the inputs.
func (m *Model) Columns() []Column { return m.columns }

// Metadata is the file's metadata_props.
func (m *Model) Metadata() map[string]string { return m.metadata }

// Producer is who wrote the file: producer_name and producer_version.
func (m *Model) Producer() string { return m.producer }

// Opsets are the imported versions by domain; "ai.onnx" is spelt so.
func (m *Model) Opsets() map[string]int64 { return m.opsets }
