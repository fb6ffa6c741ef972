package model

import (
	"errors"

	"ml-service/onnx"
)

// Batch is one request on its way through the model: its rows, the session that runs them, and the memory
// for both, which is reused. It must not be used by two goroutines at once.
type Batch struct {
	model   *Model
	session session
	inputs  []*onnx.Tensor
	single  bool // decoded from one row, so it is answered as one

	decoder
}

// Batch takes a batch out of the model's pool. Release gives it back.
func (m *Model) Batch() *Batch {
	if b, ok := m.pool.Get().(*Batch); ok {
		return b
	}
	b := &Batch{model: m, session: m.graph.NewSession()}
	for i := range m.inputs {
		b.inputs = append(b.inputs, b.session.Input(i))
	}
	b.decoder.seen = make([]int, len(m.inputs))
	b.decoder.texts = make(map[string]string)
	return b
}

// Release gives b back to its model. Neither b nor any tensor of it may be used afterwards.
func (b *Batch) Release() {
	b.single, b.objects = false, false
	b.model.pool.Put(b)
}

// Model is the model that b runs.
func (b *Batch) Model() *Model { return b.model }

// Input is the i-th input's tensor: Resize it to [rows, width], then fill it. Decode does both.
func (b *Batch) Input(i int) *onnx.Tensor { return b.inputs[i] }

// Output is the i-th output's tensor, valid until the next Run or Release.
func (b *Batch) Output(i int) *onnx.Tensor { return b.session.Output(i) }

// Rows is the number of rows in the batch, the first dimension of its first input.
func (b *Batch) Rows() int {
	if len(b.inputs) == 0 || len(b.inputs[0].Shape) == 0 {
		return 0
	}
	return b.inputs[0].Shape[0]
}

// Run evaluates the model on all rows. An *InputError is a value that the model refuses; any other error
// is the model's or the program's fault.
func (b *Batch) Run() error {
	err := b.session.Run()
	if err == nil {
		return nil
	}
	var refused *onnx.RunError
	if !errors.As(err, &refused) {
		return err
	}
	message := refused.Message // the field says where
	if refused.Input == "" {
		message = refused.Error()
	}
	return &InputError{Field: b.field(refused), Message: message, cause: refused}
}

// field is where the element that the model refused stands in a body of POST /predict.
func (b *Batch) field(e *onnx.RunError) string {
	for i := range b.model.inputs {
		in := &b.model.inputs[i]
		if in.Name != e.Input || len(e.Element) == 0 {
			continue
		}
		at := b.place(i, 0, 0)
		at.row = -1
		if !b.single {
			at.row = e.Element[0]
		}
		if rest := e.Element[1:]; len(rest) == len(in.dims) && !(b.objects && in.Width == 1) {
			for k, d := range in.dims {
				at.index = at.index*d + rest[k]
			}
			at.depth = len(rest)
		}
		return at.String()
	}
	return "x"
}
