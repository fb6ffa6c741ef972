package onnx

import "slices"

var controlOperators = []operator{
	{name: "Scan", since: 9, inputs: oneOrMore, outputs: oneOrMore, work: workOfScan, compile: scan,
		attributes: []string{"body", "num_scan_inputs", "scan_input_axes", "scan_input_directions", "scan_output_axes", "scan_output_directions"}},
	{name: "If", since: 1, inputs: exactlyOne, outputs: oneOrMore, work: func(n *node) int64 { return 1 + int64(n.perRow) }, compile: branch,
		attributes: []string{"then_branch", "else_branch"}},
}

// workOfScan is what the body takes, once for each turn.
func workOfScan(n *node) int64 { return 1 + int64(n.perRow)*int64(n.turns) }

// stepsOf is about what running a body once on constants takes.
func stepsOf(m *Model) (steps int) {
	for i := range m.steps {
		st := &m.steps[i]
		for _, v := range append(slices.Clone(st.node.in), st.node.out...) {
			if v != nil {
				steps += 1 + extentOf(v.shape).elements
			}
		}
	}
	return steps
}

// scan runs a graph once for each slice of its scan inputs along their first dimension. States go from turn to turn; the other outputs
// are stacked. skl2onnx writes the distances to all neighbours so: the rows are the state and each neighbour is a slice.
func scan(n *node) (kernel, error) {
	slicesCount := n.int("num_scan_inputs", 0)
	if slicesCount < 1 || slicesCount > int64(len(n.proto.inputs)) {
		return nil, n.invalid("num_scan_inputs is %d of %d inputs", slicesCount, len(n.proto.inputs))
	}
	for _, name := range []string{"scan_input_axes", "scan_input_directions", "scan_output_axes", "scan_output_directions"} {
		for _, v := range n.ints(name) {
			if v != 0 {
				return nil, n.unsupported([]string{"0"}, "%s holds %d", name, v)
			}
		}
	}
	if n.err != nil {
		return nil, n.err
	}
	states := len(n.proto.inputs) - int(slicesCount)
	turns := -1
	var inputs []*value
	for i, v := range n.in[:len(n.proto.inputs)] {
		if v == nil {
			return nil, n.invalid("input %d is absent", i)
		}
		in := &value{dtype: v.dtype, shape: v.shape, batch: v.rowAxis(), group: v.group, slot: -1, input: -1}
		if i >= states {
			if len(v.shape) == 0 {
				return nil, n.unsupported([]string{"inputs whose number of dimensions is known"}, "input %d has shape %s and is scanned", i, ShapeText(v.shape))
			}
			if turns < 0 || v.shape[0] >= 0 {
				turns = v.shape[0]
			}
			in.shape = v.shape[1:]
			if in.batch--; in.batch < 0 && v.rowAxis() != batchless {
				in.batch = batchMixed
			} else if v.rowAxis() == batchless {
				in.batch = batchless
			}
		}
		inputs = append(inputs, in)
	}
	m, outs, err := n.body("body", inputs)
	if err != nil {
		return nil, err
	}
	if len(outs) != len(n.out) || len(outs) < states {
		return nil, n.invalid("the body has %d outputs, the node %d, of which %d are states", len(outs), len(n.out), states)
	}
	n.perRow, n.turns = stepsOf(m), max(1, turns)
	n.setScanned(inputs, outs, states, turns)
	return func(c *call) error { return runScan(c, m, states) }, n.err
}

// setScanned gives the outputs of a Scan their types, shapes and rows.
func (n *node) setScanned(inputs, outs []*value, states, turns int) {
	steady := true // the rows of each state stay where they are from turn to turn
	for i, in := range inputs[:states] {
		if outs[i].dtype != in.dtype {
			n.fail(n.invalid("state %d is %s and becomes %s", i, in.dtype, outs[i].dtype))
		}
		steady = steady && outs[i].rowAxis() == in.rowAxis() && (in.rowAxis() < 0 || outs[i].group == in.group)
	}
	for i, v := range outs {
		axis, shape := v.rowAxis(), v.shape
		switch {
		case i < states && !slices.Equal(shape, inputs[i].shape):
			shape = nil
		case i >= states && shape != nil:
			if shape = append([]int{turns}, shape...); axis >= 0 {
				axis++
			}
		}
		if !steady {
			axis = batchMixed
		}
		if len(shape) > maxRank {
			n.fail(n.invalid("more than %d dimensions", maxRank))
			return
		}
		n.set(i, v.dtype, shape...)
		if n.out[i] != nil && shape == nil {
			n.out[i].shape = nil
		}
		n.rowAxes = append(n.rowAxes, axis)
		if i < states {
			n.scratch = n.scratch.plus(inputs[i].elements().times(int64(v.dtype.HeldBytes())))
		}
	}
}

func runScan(c *call, m *Model, states int) error {
	body, count := c.bodies[0], len(c.node.proto.inputs)
	turns := -1
	for k := states; k < count; k++ {
		s := c.in[k].Shape
		if len(s) == 0 || turns >= 0 && s[0] != turns {
			return c.fault(-1, 0, "input %d has shape %s, want %d slices", k, ShapeText(s), turns)
		}
		turns = s[0]
	}
	for len(c.states) < states {
		c.states = append(c.states, Tensor{})
	}
	for i := range states {
		share(&body.tensors[i], c.in[i], c.in[i].Shape)
	}
	c.lend(body, m, count)
	for t := range turns {
		for k := states; k < count; k++ {
			shareSlice(&body.tensors[k], c.in[k], t)
		}
		if err := inside(body); err != nil {
			return err
		}
		for i := range states {
			if err := c.keepState(i, body); err != nil {
				return err
			}
		}
		for i, out := range c.out[states:] {
			if out == nil {
				continue
			}
			from := body.outputs[states+i]
			if t == 0 {
				c.dims = append(append(c.dims[:0], turns), from.Shape...)
				if err := c.resize(out, c.dims...); err != nil {
					return err
				}
			} else if !slices.Equal(out.Shape[1:], from.Shape) {
				return c.fault(-1, 0, "turn %d makes shape %s, the first made %s", t, ShapeText(from.Shape), ShapeText(out.Shape[1:]))
			}
			copySlice(out, t, from)
		}
	}
	for i, out := range c.out[:states] {
		if out == nil {
			continue
		}
		from := &body.tensors[i]
		if err := c.resize(out, from.Shape...); err != nil {
			return err
		}
		copySlice(out, 0, from)
	}
	for i, out := range c.out[states:] {
		if out != nil && turns == 0 { // the sizes that a turn would have told are not known
			c.dims = append(c.dims[:0], 0)
			for _, d := range c.node.out[states+i].shape[1:] {
				c.dims = append(c.dims, max(d, 0))
			}
			if err := c.resize(out, c.dims...); err != nil {
				return err
			}
		}
	}
	return nil
}

// keepState makes an output of the body its input in the next turn.
func (c *call) keepState(i int, body *Session) error {
	from, to, kept := body.outputs[i], &body.tensors[i], &c.states[i]
	if from == to {
		return nil // it passes through
	}
	kept.DType = from.DType
	if err := c.resize(kept, from.Shape...); err != nil {
		return err
	}
	copySlice(kept, 0, from)
	share(to, kept, kept.Shape)
	return nil
}

// shareSlice lets dst be slice t of src along its first dimension, without copying.
func shareSlice(dst, src *Tensor, t int) {
	dst.Shape = append(dst.Shape[:0], src.Shape[1:]...)
	n := product(dst.Shape)
	dst.F32, dst.F64, dst.I64 = slice(src.F32, t, n), slice(src.F64, t, n), slice(src.I64, t, n)
	dst.Bool, dst.Str = slice(src.Bool, t, n), slice(src.Str, t, n)
}

func slice[T any](s []T, t, n int) []T {
	if len(s) == 0 {
		return nil
	}
	return s[t*n : (t+1)*n : (t+1)*n]
}

// copySlice copies src to place t of the slices of dst.
func copySlice(dst *Tensor, t int, src *Tensor) {
	at := t * src.Len()
	copy(tail(dst.F32, at), src.F32)
	copy(tail(dst.F64, at), src.F64)
	copy(tail(dst.I64, at), src.I64)
	copy(tail(dst.Bool, at), src.Bool)
	copy(tail(dst.Str, at), src.Str)
}

func tail[T any](s []T, at int) []T { return s[min(at, len(s)):] }

// branch runs one of two graphs, which take what they need from around the node.
func branch(n *node) (kernel, error) {
	n.types(0, Bool)
	if n.err != nil {
		return nil, n.err
	}
	then, yes, err := n.body("then_branch", nil)
	if err != nil {
		return nil, err
	}
	otherwise, no, err := n.body("else_branch", nil)
	if err != nil {
		return nil, err
	}
	if len(yes) != len(n.out) || len(no) != len(n.out) {
		return nil, n.invalid("the graphs have %d and %d outputs, the node %d", len(yes), len(no), len(n.out))
	}
	n.perRow = max(stepsOf(then), stepsOf(otherwise))
	for i := range yes {
		if yes[i].dtype != no[i].dtype {
			return nil, n.invalid("output %d is %s or %s", i, yes[i].dtype, no[i].dtype)
		}
		shape, axis := eitherShape(yes[i].shape, no[i].shape), batchMixed
		if t := n.in[0].constant; t != nil && t.Len() == 1 {
			taken := no[i]
			if t.Bool[0] {
				taken = yes[i]
			}
			shape, axis, n.group = taken.shape, taken.rowAxis(), taken.group
		}
		n.set(i, yes[i].dtype, shape...)
		if n.out[i] != nil && shape == nil {
			n.out[i].shape = nil
		}
		n.rowAxes = append(n.rowAxes, axis)
	}
	return func(c *call) error {
		if c.in[0].Len() != 1 {
			return c.fault(-1, 0, "the condition has shape %s, want one element", ShapeText(c.in[0].Shape))
		}
		m, body := otherwise, c.bodies[1]
		if c.in[0].Bool[0] {
			m, body = then, c.bodies[0]
		}
		c.lend(body, m, 0)
		if err := inside(body); err != nil {
			return err
		}
		for i, out := range c.out {
			if out == nil {
				continue
			}
			if err := c.resize(out, body.outputs[i].Shape...); err != nil {
				return err
			}
			copySlice(out, 0, body.outputs[i])
		}
		return nil
	}, nil
}

// eitherShape is what is known of a shape that is one or the other; nil: not even the number of dimensions.
func eitherShape(a, b []int) []int {
	if len(a) != len(b) || a == nil || b == nil {
		return nil
	}
	shape := append([]int{}, a...)
	for i, d := range b {
		if d != shape[i] {
			shape[i] = -1
		}
	}
	return shape
}
