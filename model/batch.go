package model

import (
	"slices"

	"ml-service/onnx"
)

// Batch is rows on their way through a model: typed columns in, typed answers out. It holds the memory for both and for the
// run, which is reused. It must not be used by two goroutines at once.
//
// Fill the inputs, Run, then read what a row is answered: Class of a classifier and its Label, Value of a regressor, the
// outputs by name of any model. A large batch runs in blocks, so that its memory is that of a block, and what it keeps of each
// row is the typed answer alone; what else is to be read afterwards is named by Keep before.
type Batch struct {
	model   *Model
	session session
	inputs  []*onnx.Tensor // the session's
	rows    int
	perRow  bool
	classes []Class

	unknown  []onnx.Unknown // by row
	unknowns int            // how many there were

	keep   []bool // the outputs that are read afterwards
	blocks bool   // the last run was in blocks: outputs are in kept, not in the session
	kept   []onnx.Tensor
}

// Class is what a classifier says of one row beside the label.
type Class struct {
	// Column is the column of the scores that holds the predicted class; -1: it is not known.
	Column int
	// Confidence is the score of the predicted class, where the row's scores are a distribution: they lie in [0, 1] and sum
	// to 1, both within 1e-3. It lies in [0, 1] itself. Elsewhere it is -1.
	Confidence float64
}

// unknown is the Class of a row whose model says no more than the label.
var unknown = Class{Column: -1, Confidence: -1}

// Batch takes a batch out of the model's pool. Release gives it back.
func (m *Model) Batch() *Batch {
	if b, ok := m.pool.Get().(*Batch); ok {
		m.limitSession(b.session)
		return b
	}
	b := &Batch{model: m, session: m.graph.NewSession()}
	for i := range m.inputs {
		b.inputs = append(b.inputs, b.session.Input(i))
	}
	b.keep = make([]bool, len(m.Outputs()))
	b.keepAnswers()
	m.limitSession(b.session)
	return b
}

// Release gives b back to its model. Neither b nor any tensor of it may be used afterwards. The memory of a large batch is
// not kept for the next.
func (b *Batch) Release() {
	if b.Renew() {
		b.model.pool.Put(b)
	}
}

// Renew makes b ready for other rows, for who keeps it instead of giving it back. It is false for a large batch, which is to be
// forgotten.
func (b *Batch) Renew() bool {
	if b.rows = max(b.rows, b.Rows()); b.large() {
		return false
	}
	b.keepAnswers()
	return true
}

// mostKept is how many bytes a batch of several blocks may keep for the next.
const mostKept = 1 << 20

// large says whether b holds too much to be kept: more than its rows and answers in a few blocks do.
func (b *Batch) large() bool {
	if b.model.holdsTooMuch(b.session) {
		return true
	}
	if b.rows <= b.model.block {
		return false
	}
	const bytesOfClass = 16
	bytes, texts := cap(b.classes)*bytesOfClass, 0
	add := func(t *onnx.Tensor) {
		bytes += 4*cap(t.F32) + 8*cap(t.F64) + 8*cap(t.I64) + cap(t.Bool)
		texts += cap(t.Str)
	}
	for _, t := range b.inputs {
		add(t)
	}
	for i := range b.kept {
		add(&b.kept[i])
	}
	return !b.blocks || texts > 0 || bytes > mostKept
}

// keepAnswers keeps what the typed answer is made of, and nothing else.
func (b *Batch) keepAnswers() {
	for i := range b.keep {
		b.keep[i] = b.model.answers(i)
	}
}

// answers says whether output i is part of the typed answer: the scores of a classifier are not, but for the Class of each row.
func (m *Model) answers(i int) bool {
	switch m.kind {
	case Classifier:
		return i == m.label
	case Regressor:
		return i == 0
	}
	return true
}

// Keep says that output i is read after the next Run.
func (b *Batch) Keep(i int) { b.keep[i] = true }

// Model is the model that b runs.
func (b *Batch) Model() *Model { return b.model }

// Input is the i-th input's tensor: Resize it to the number of rows and the dimensions of a row, then fill it.
func (b *Batch) Input(i int) *onnx.Tensor { return b.inputs[i] }

// Rows is the number of rows in the batch, the first dimension of its first input.
func (b *Batch) Rows() int {
	if len(b.inputs) == 0 || len(b.inputs[0].Shape) == 0 {
		return 0
	}
	return b.inputs[0].Shape[0]
}

// Run evaluates the model on all rows. An *onnx.RunError is a value that the model refuses; any other error is the model's or
// the program's fault. A large batch runs on the cores that are lent to it beside its own; nil: on its own alone.
func (b *Batch) Run(lent Cores) error {
	b.rows, b.perRow, b.blocks, b.classes = b.Rows(), false, false, b.classes[:0]
	b.unknown, b.unknowns = nil, 0
	if b.model.limit > 0 {
		lent = nil // each core would hold as much again
	}
	if size := b.blockFor(b.rows, lent); b.rows > size {
		answered, err := b.runBlocks(size, lent)
		if answered || err != nil {
			return err
		}
	}
	if err := b.session.Run(); err != nil {
		return err
	}
	found, count := b.session.Unknown()
	b.note(found, count, 0)
	b.perRow = b.model.answersRows(b.session, b.rows)
	if b.perRow && b.model.scores >= 0 {
		b.classes = slices.Grow(b.classes, b.rows)[:b.rows]
		b.model.classify(b.session, b.classes)
	}
	return nil
}

// Output is the i-th output's tensor, valid until the next Run or Release. It is that of the typed answer, or one to Keep.
func (b *Batch) Output(i int) *onnx.Tensor {
	if b.blocks {
		return &b.kept[i]
	}
	return b.session.Output(i)
}

// Blocks says whether the last Run was in blocks: what the batch holds then is the typed answers alone.
func (b *Batch) Blocks() bool { return b.blocks }

// PerRow says whether the outputs hold a prediction for each row, as the model's kind promises: Class, Label and Value are
// only to be asked for where they do. A graph may break the promise, as one that reduces over the batch; its outputs are
// then answered by name, like those of a Raw model.
func (b *Batch) PerRow() bool { return b.perRow }

// answersRows says whether the outputs of a session that ran so many rows hold a prediction for each.
func (m *Model) answersRows(s session, rows int) bool {
	switch m.kind {
	case Regressor:
		return s.Output(0).Len() == rows*m.targets
	case Classifier:
		if s.Output(m.label).Len() != rows {
			return false
		}
		if m.scores < 0 {
			return true
		}
		scores := s.Output(m.scores)
		return len(scores.Shape) == 2 && scores.Shape[0] == rows
	}
	return false
}

// Class is what a classifier says of a row beside its label; of other models, and without scores, it knows nothing.
func (b *Batch) Class(row int) Class {
	if row < len(b.classes) {
		return b.classes[row]
	}
	return unknown
}

// Label is the tensor with the predicted class of each row: strings, or integers.
func (b *Batch) Label() *onnx.Tensor { return b.Output(b.model.label) }

// Value is what a regressor answers for a target of a row.
func (b *Batch) Value(row, target int) float64 {
	t, i := b.Output(0), row*b.model.targets+target
	if t.DType.IsInteger() {
		return float64(t.I64[i])
	}
	return floatAt(t, i)
}
