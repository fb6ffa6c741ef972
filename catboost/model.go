package catboost

import (
	"fmt"
	"math"
	"sync"
)

// Model is a checked and compiled model. It is immutable and may be used by many goroutines.
type Model struct {
	columns  []Column
	kind     Kind
	loss     string
	link     link
	outputs  int // raw values a row
	integers []int64
	texts    []string

	floats, categories []int32 // the columns of the features
	missing            []int8  // per float feature
	ctrs               []ctrFeature
	projections        []*projection
	projectionOf       []int             // per statistic
	counted            map[int]*ctrTable // by column: what was counted of its categories alone, where the file has that
	trees              ensemble
	scale              float64
	bias               []float64
	scratch            sync.Pool
}

// block is how many rows are taken at a time.
const block = 128

type scratch struct {
	rows   []float64
	hashes []uint64
}

// Load reads a .cbm file. It does not keep data.
func Load(data []byte) (*Model, error) {
	m, err := load(data)
	if err != nil {
		return nil, fmt.Errorf("catboost: %w", err)
	}
	return m, nil
}

func load(data []byte) (*Model, error) {
	d, err := parse(data)
	if err != nil {
		return nil, err
	}
	m := &Model{outputs: d.dimension, scale: d.scale, bias: d.bias}
	if m.columns, err = d.columns(); err != nil {
		return nil, err
	}
	if len(m.columns) < 1 || len(m.columns) > maxFeatures {
		return nil, fmt.Errorf("%d features, want 1 to %d", len(m.columns), maxFeatures)
	}
	if err := m.setLoss(d); err != nil {
		return nil, err
	}
	if err := d.link(); err != nil {
		return nil, err
	}
	if m.trees, err = d.ensemble(); err != nil {
		return nil, err
	}
	for _, f := range d.floats {
		m.floats, m.missing = append(m.floats, f.column), append(m.missing, f.missing)
	}
	for _, c := range d.categories {
		m.categories = append(m.categories, c.column)
	}
	m.ctrs = d.ctrs
	place := map[string]int{}
	for i := range m.ctrs {
		p := &m.ctrs[i].projection
		if _, ok := place[p.key]; !ok {
			place[p.key] = len(m.projections)
			m.projections = append(m.projections, p)
		}
		m.projectionOf = append(m.projectionOf, place[p.key])
		if len(p.categories) == 1 && len(p.borders) == 0 && len(p.exact) == 0 {
			if m.counted == nil {
				m.counted = map[int]*ctrTable{}
			}
			m.counted[int(m.categories[p.categories[0]])] = m.ctrs[i].table
		}
	}
	width := m.width()
	m.scratch.New = func() any { return &scratch{make([]float64, block*width), make([]uint64, len(m.projections))} }
	return m, nil
}

// width is the number of columns that the trees read.
func (m *Model) width() int { return max(1, len(m.floats)+len(m.categories)+len(m.ctrs)) }

// Loss is the name of the loss.
func (m *Model) Loss() string { return m.loss }

// Kind is what the model answers.
func (m *Model) Kind() Kind { return m.kind }

// Columns are the values of a row. They are only to be read.
func (m *Model) Columns() []Column { return m.columns }

// Knows says whether a category, by its code, is one that the column was trained with. Where the file does not say, as of columns
// that are only tested for single categories or combined with others, it is taken for known.
func (m *Model) Knows(column int, code float64) bool {
	t := m.counted[column]
	if t == nil {
		return true
	}
	_, known := t.rows[mix(0, uint64(int64(code)))]
	return known
}

// Outputs is the number of raw values a row.
func (m *Model) Outputs() int { return m.outputs }

// Width is the number of scores a row: two of a binary classifier, else one an output.
func (m *Model) Width() int {
	if m.kind == Classifier {
		return max(m.outputs, 2)
	}
	return m.outputs
}

// Integers are the labels of a classifier's classes where all are whole numbers; else nil, and Texts has them.
func (m *Model) Integers() []int64 { return m.integers }

// Texts are the labels of a classifier's classes where not all are whole numbers.
func (m *Model) Texts() []string { return m.texts }

// Trees is the number of trees.
func (m *Model) Trees() int {
	if m.trees == nil {
		return 0
	}
	return m.trees.Trees()
}

// Scratch is how many bytes Raw needs at most beside its arguments for so many rows. They are kept for the next call.
func (m *Model) Scratch(rows int) int {
	if m.trees == nil {
		return 0
	}
	return m.trees.Scratch(rows) + 8*(block*m.width()+len(m.projections))
}

// Raw gives the raw values of rows: rows*Outputs() values of rows*len(Columns()), both row-major. Numbers are rounded to float32;
// NaN is a missing one. A category is its Code.
func (m *Model) Raw(raw, x []float64, rows int) {
	raw, x = raw[:rows*m.outputs], x[:rows*len(m.columns)]
	if m.trees == nil {
		clear(raw)
	} else {
		s := m.scratch.Get().(*scratch)
		for at := 0; at < rows; at += block {
			n := min(block, rows-at)
			for i := range n {
				m.take(s.rows[i*m.width():(i+1)*m.width()], x[(at+i)*len(m.columns):], s.hashes)
			}
			m.trees.Eval(raw[at*m.outputs:(at+n)*m.outputs], s.rows, n)
		}
		m.scratch.Put(s)
	}
	for i, v := range raw {
		raw[i] = float64(v*m.scale) + m.bias[i%m.outputs]
	}
}

// take makes a row of the trees' columns of a row of features.
func (m *Model) take(to, row []float64, hashes []uint64) {
	for i, f := range m.floats {
		to[i] = float64(float32(row[f]))
	}
	categories := to[len(m.floats):]
	for i, c := range m.categories {
		categories[i] = row[c]
	}
	for i, p := range m.projections {
		hashes[i] = m.hash(p, to)
	}
	statistics := categories[len(m.categories):]
	for i := range m.ctrs {
		statistics[i] = float64(m.ctrs[i].value(hashes[m.projectionOf[i]]))
	}
}

// hash is where the tables have a row's combination: its categories, then its numbers beside borders, then its one-hot tests.
func (m *Model) hash(p *projection, row []float64) uint64 {
	hash := uint64(0)
	bit := func(is bool) {
		v := uint64(0)
		if is {
			v = 1
		}
		hash = mix(hash, v)
	}
	categories := row[len(m.floats):]
	for _, c := range p.categories {
		hash = mix(hash, uint64(int64(categories[c])))
	}
	for _, b := range p.borders {
		v := row[b.feature]
		bit(v > float64(b.border) || v != v && m.missing[b.feature] == 2)
	}
	for _, e := range p.exact {
		bit(categories[e.category] == float64(e.value))
	}
	return hash
}

// Scores turns raw values into what predict_proba answers (Classifier, Labels) or predict (Regressor): rows*Width() values.
func (m *Model) Scores(scores, raw []float64, rows int) {
	scores, raw = scores[:rows*m.Width()], raw[:rows*m.outputs]
	switch {
	case m.kind == Classifier && m.outputs == 1:
		for i, v := range raw {
			p := sigmoid(v)
			scores[2*i], scores[2*i+1] = 1-p, p
		}
	case m.link == softmax:
		copy(scores, raw)
		for i := 0; i < len(scores); i += m.outputs {
			softmaxOf(scores[i : i+m.outputs])
		}
	default:
		for i, v := range raw {
			switch {
			case m.link == logistic:
				v = sigmoid(v)
			case m.link == exponential:
				v = math.Exp(v)
			case m.link == uncertainty && i%2 == 1:
				v = math.Exp(2 * v)
			}
			scores[i] = v
		}
	}
}

// Class is the predicted class of a row of raw values.
func (m *Model) Class(raw []float64) int {
	if m.outputs == 1 {
		if raw[0] > 0 {
			return 1
		}
		return 0
	}
	best := 0
	for i, v := range raw[:m.outputs] {
		if v > raw[best] {
			best = i
		}
	}
	return best
}
