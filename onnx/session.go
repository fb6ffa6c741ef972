package onnx

import "errors"

// Session runs a model. It owns all memory a run needs and reuses it, so it allocates nothing once
// it has seen its largest batch. It must not be used by two goroutines at once.
type Session struct {
	model           *Model
	inputs, outputs []*Tensor
}

// NewSession makes a session for m.
func (m *Model) NewSession() *Session { return &Session{model: m} }

// Input is the i-th input's tensor, owned by the session. Resize it, then fill the slice of its type; Run reads it.
func (s *Session) Input(i int) *Tensor { return s.inputs[i] }

// Run evaluates the model on the inputs. A *RunError says which operator refused which value.
func (s *Session) Run() error { return errors.New("onnx: not implemented yet") }

// Output is the i-th output's tensor, valid until the next Run. It is only to be read.
func (s *Session) Output(i int) *Tensor { return s.outputs[i] }
