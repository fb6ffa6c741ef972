package onnx

import (
	"errors"
	"fmt"
	"math"
	"slices"
)

// Session runs a model. It owns all memory a run needs and reuses it, so it allocates nothing once
// it has seen its largest batch. It must not be used by two goroutines at once.
type Session struct {
	model   *Model
	tensors []Tensor // by slot; the inputs come first
	calls   []call
	outputs []*Tensor

	encoders []int  // the calls that tell of values that they do not know
	tally    *tally // nil: the inputs' shapes tell what it holds
}

// NewSession makes a session for m.
func (m *Model) NewSession() *Session {
	var r *tally
	if m.memory.Unbounded {
		r = &tally{limit: math.MaxInt64}
	}
	return m.newSession(r)
}

// newSession makes a session that counts in r what it holds, unless r is nil.
func (m *Model) newSession(r *tally) *Session {
	s := &Session{model: m, tensors: make([]Tensor, len(m.slots)), calls: make([]call, len(m.steps)), tally: r}
	for i, d := range m.slots {
		s.tensors[i].DType = d
	}
	for i, st := range m.steps {
		c := newCall(st.run, st.node, maxTensor, r)
		c.in, c.out = make([]*Tensor, len(st.in)), make([]*Tensor, len(st.out))
		for k, slot := range st.in {
			if c.in[k] = st.constant[k]; slot >= 0 {
				c.in[k] = &s.tensors[slot]
			}
		}
		for k, slot := range st.out {
			if slot >= 0 {
				c.out[k] = &s.tensors[slot]
			}
		}
		if c.watched = st.watched; c.watched {
			s.encoders = append(s.encoders, i)
		}
		s.calls[i] = c
	}
	for _, r := range m.results {
		t := r.constant
		if t == nil {
			t = &s.tensors[r.slot]
		}
		s.outputs = append(s.outputs, t)
	}
	return s
}

// Input is the i-th input's tensor, owned by the session. Resize it, then fill the slice of its type; Run reads it.
func (s *Session) Input(i int) *Tensor { return &s.tensors[i] }

// Run evaluates the model on the inputs. A *RunError says which operator refused which value.
func (s *Session) Run() error {
	for i := range s.model.inputs {
		if err := s.check(i); err != nil {
			return err
		}
	}
	for _, i := range s.encoders {
		c := &s.calls[i]
		c.strange, c.strangers = c.strange[:0], 0
	}
	for i := range s.calls {
		c := &s.calls[i]
		if err := c.run(c); err != nil {
			return s.locate(i, err)
		}
	}
	return nil
}

// Output is the i-th output's tensor, valid until the next Run. It is only to be read.
func (s *Session) Output(i int) *Tensor { return s.outputs[i] }

// check compares an input with the signature.
func (s *Session) check(i int) error {
	t, want := &s.tensors[i], &s.model.inputs[i]
	if t.DType != want.DType {
		return &RunError{Input: want.Name, Message: fmt.Sprintf("want %s, got %s", want.DType, t.DType)}
	}
	fits := want.Shape == nil || len(t.Shape) == len(want.Shape)
	if fits {
		for k, d := range want.Shape {
			fits = fits && (d < 0 || d == t.Shape[k])
		}
	}
	n, ok := volume(t.Shape)
	if !fits || !ok || len(t.Shape) > maxRank {
		return &RunError{Input: want.Name, Message: fmt.Sprintf("want shape %s, got %s", ShapeText(want.Shape), ShapeText(t.Shape))}
	}
	if t.size() != n {
		return &RunError{Input: want.Name, Message: fmt.Sprintf("shape %s wants %d elements, got %d", ShapeText(t.Shape), n, t.size())}
	}
	return nil
}

// locate says which element of which graph input a kernel refused, as far as it can be followed back.
func (s *Session) locate(i int, err error) error {
	var e *RunError
	if !errors.As(err, &e) || e.source < 0 {
		return err
	}
	if input, element, ok := s.follow(i, e.source, e.element, anyNode); ok {
		e.Input, e.Element = s.model.inputs[input].Name, unravel(s.tensors[input].Shape, element)
	}
	return err
}

// follow goes from an element of input k of step i back to the input of the graph that it came from, through steps that pass says it may
// go through.
func (s *Session) follow(i, k, element int, pass func(*node) bool) (input, from int, ok bool) {
	for {
		slot := -1
		if k >= 0 && k < len(s.model.steps[i].in) {
			slot = s.model.steps[i].in[k]
		}
		if slot < 0 {
			return 0, 0, false
		}
		if slot < len(s.model.inputs) {
			return slot, element, true
		}
		i = slices.IndexFunc(s.model.steps, func(st step) bool { return slices.Contains(st.out, slot) })
		if i < 0 || !pass(s.model.steps[i].node) {
			return 0, 0, false
		}
		k, element = s.calls[i].trace(element)
	}
}

func anyNode(*node) bool { return true }

// keepsValue says whether the elements of the output are those of the input: moved, put in place of missing ones, or encoded.
func (n *node) keepsValue() bool {
	return n.op.moves != movesNothing || n.op.name == "Imputer" || n.op.name == "LabelEncoder"
}

// trace follows an element of the output back to an input.
func (c *call) trace(element int) (k, from int) {
	switch {
	case c.node.trace != nil:
		return c.node.trace(c, element)
	case (c.node.op.elementwise || c.node.op.moves == movesFirst) && c.out[0].Len() == c.in[0].Len():
		return 0, element
	}
	return -1, 0
}

// unravel gives the index of a flat element.
func unravel(shape []int, element int) []int {
	index := make([]int, len(shape))
	for k, d := range slices.Backward(shape) {
		index[k], element = element%d, element/d
	}
	return index
}
