package onnx

import (
	"fmt"
	"slices"
)

// call is one step of a session: a kernel with its tensors and its scratch memory.
type call struct {
	run     kernel
	node    *node
	in, out []*Tensor // nil: absent, or an output nobody asks for
	limit   int       // elements an output may have
	tally   *tally    // the session's; nil: nothing is counted
	scratch int64     // bytes in tally that the scratch memory has

	bodies []*Session // of the graphs in the node's attributes
	states []Tensor   // of a Scan, between two turns

	// Scratch memory of the kernel; what each is for is said where it is used.
	f32, one, more []float32
	one64          []float64
	reached        []bool
	dims, index    []int
	numbers        []int64

	watched   bool  // an encoder of values of the graph's inputs
	strange   []int // the elements that it did not know in this run, the first of them
	strangers int   // how many those were
}

func newCall(run kernel, n *node, limit int, r *tally) call {
	c := call{run: run, node: n, limit: limit, tally: r}
	if r != nil {
		c.run = n.counted(run)
	}
	for _, m := range n.bodies {
		c.bodies = append(c.bodies, m.newSession(r))
	}
	return c
}

// resize gives an output its shape, refusing what is too large.
func (c *call) resize(t *Tensor, dims ...int) error {
	n, ok := volume(dims)
	if !ok || n > c.limit || len(dims) > maxRank {
		return c.fault(-1, 0, "a tensor of shape %s has more than %d elements or %d dimensions", ShapeText(slices.Clone(dims)), c.limit, maxRank)
	}
	if c.tally != nil {
		if err := c.holdOutput(t, n); err != nil {
			return err
		}
	}
	t.Resize(dims...)
	return nil
}

// fault refuses element `element` (flat) of input k; k < 0: no element in particular.
func (c *call) fault(k, element int, format string, args ...any) error {
	e := &RunError{Operator: c.node.key(), Node: c.node.proto.label(), Message: fmt.Sprintf(format, args...), source: -1}
	if k >= 0 {
		e.source, e.element = k, element
	}
	return e
}

// matrix gives rows and columns of input k, which must have two dimensions.
func (c *call) matrix(k int) (rows, columns int, err error) {
	s := c.in[k].Shape
	if len(s) != 2 {
		return 0, 0, c.fault(-1, 0, "input %d has shape %s, want two dimensions", k, ShapeText(s))
	}
	return s[0], s[1], nil
}

// share lets out be in under another shape, without copying. c.dims holds the shape.
func share(out, in *Tensor, dims []int) {
	out.Shape = append(out.Shape[:0], dims...)
	out.F32, out.F64, out.I64, out.Bool, out.Str = in.F32, in.F64, in.I64, in.Bool, in.Str
}
