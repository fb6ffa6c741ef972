package lightgbm

import (
	"fmt"
	"sync"

	"ml-service/tree"
)

// Model is a checked and compiled model. It is immutable and may be used by many goroutines.
type Model struct {
	columns   []Column
	kind      Kind
	objective string
	link      link
	steepness float64
	outputs   int     // raw scores a row
	average   float64 // predict divides by it; 1: nothing to divide
	trees     *tree.Ensemble[float64]
	count     int
	sources   []source // of the trees' columns; nil: the features as they are
	linear    []linearTree
	scratch   sync.Pool
}

// block is how many rows are taken at a time where they must be copied.
const block = 128

type scratch struct{ rows, leaves []float64 }

// Load reads a text file. It does not keep data.
func Load(data []byte) (*Model, error) {
	m, err := load(data)
	if err != nil {
		return nil, fmt.Errorf("lightgbm: %w", err)
	}
	return m, nil
}

func load(data []byte) (*Model, error) {
	d, err := parse(data)
	if err != nil {
		return nil, err
	}
	m := &Model{outputs: d.perRound, average: 1, count: len(d.trees)}
	if m.columns, err = d.columns(); err != nil {
		return nil, err
	}
	if d.perRound < 1 || d.perRound > len(data) || len(d.trees)%d.perRound != 0 {
		return nil, fmt.Errorf("%d trees are not iterations of %d", len(d.trees), d.perRound)
	}
	if err := m.setObjective(d.objective); err != nil {
		return nil, err
	}
	if len(d.trees) == 0 {
		return m, nil
	}
	if d.average {
		m.average = float64(len(d.trees) / d.perRound)
	}
	linear := false
	for i := range d.trees {
		linear = linear || d.trees[i].linear
	}
	if linear {
		if m.linear, err = d.linearTrees(); err != nil {
			return nil, err
		}
	}
	m.trees, m.sources, err = d.ensemble(linear)
	m.scratch.New = func() any {
		return &scratch{make([]float64, block*len(m.sources)), make([]float64, block*len(m.linear))}
	}
	return m, err
}

// Objective is the name of the objective; empty where the file has none.
func (m *Model) Objective() string { return m.objective }

// Kind is what the model answers.
func (m *Model) Kind() Kind { return m.kind }

// Columns are the values of a row. They are only to be read.
func (m *Model) Columns() []Column { return m.columns }

// Outputs is the number of raw scores a row.
func (m *Model) Outputs() int { return m.outputs }

// Width is the number of scores a row: two of a binary classifier, else one an output.
func (m *Model) Width() int {
	if m.kind == Classifier {
		return max(m.outputs, 2)
	}
	return m.outputs
}

// Trees is the number of trees.
func (m *Model) Trees() int { return m.count }

// Scratch is how many bytes Raw needs at most beside its arguments for so many rows. They are kept for the next call.
func (m *Model) Scratch(rows int) int {
	if m.trees == nil {
		return 0
	}
	return m.trees.Scratch(rows) + 8*block*(len(m.sources)+len(m.linear))
}

// Raw gives the raw scores of rows: rows*Outputs() values of rows*len(Columns()), both row-major. NaN is a missing value; a category is its code.
func (m *Model) Raw(raw, x []float64, rows int) {
	width := len(m.columns)
	raw, x = raw[:rows*m.outputs], x[:rows*width]
	switch {
	case m.trees == nil:
		clear(raw)
		return
	case m.sources == nil && m.linear == nil:
		m.trees.Eval(raw, x, rows)
		return
	}
	s := m.scratch.Get().(*scratch)
	for at := 0; at < rows; at += block {
		n := min(block, rows-at)
		from := x[at*width : (at+n)*width]
		to := from
		if m.sources != nil {
			to = s.rows
			for i := range n {
				take(to[i*len(m.sources):], from[i*width:(i+1)*width], m.sources)
			}
		}
		m.block(raw[at*m.outputs:(at+n)*m.outputs], to, from, s.leaves, n)
	}
	m.scratch.Put(s)
}

// block evaluates rows of the trees' columns; x are the rows as they came.
func (m *Model) block(raw, columns, x, leaves []float64, rows int) {
	if m.linear == nil {
		m.trees.Eval(raw, columns, rows)
		return
	}
	m.trees.Eval(leaves, columns, rows)
	clear(raw)
	width := len(m.columns)
	for i := range rows {
		row := x[i*width : (i+1)*width]
		for t := range m.linear {
			raw[i*m.outputs+t%m.outputs] += m.linear[t].value(int(leaves[i*len(m.linear)+t]), row)
		}
	}
}

// Scores turns raw scores into what predict answers, two of them for a binary classifier: rows*Width() values.
func (m *Model) Scores(scores, raw []float64, rows int) {
	scores, raw = scores[:rows*m.Width()], raw[:rows*m.outputs]
	if m.kind == Classifier && m.outputs == 1 {
		for i, v := range raw {
			p := m.answer(v / m.average)
			scores[2*i], scores[2*i+1] = 1-p, p
		}
		return
	}
	if m.link == softmax {
		for i, v := range raw {
			scores[i] = v / m.average
		}
		for i := 0; i < len(scores); i += m.outputs {
			softmaxOf(scores[i : i+m.outputs])
		}
		return
	}
	for i, v := range raw {
		scores[i] = m.answer(v / m.average)
	}
}

// Class is the predicted class of a row of scores: the largest, or else the first NaN, as numpy has it.
func (m *Model) Class(scores []float64) int {
	if m.outputs == 1 {
		if scores[1] > 0.5 {
			return 1
		}
		return 0
	}
	best := 0
	for i, v := range scores[:m.outputs] {
		if v != v {
			return i
		}
		if v > scores[best] {
			best = i
		}
	}
	return best
}
