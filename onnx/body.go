package onnx

import (
	"errors"
	"fmt"
	"slices"
)

// body compiles the graph in an attribute of n. Its inputs are the values given, of which only type, shape and rows count, and, behind
// them, what it takes from around the node; it gives the values of its outputs, and is run by a session of its own.
func (n *node) body(attribute string, inputs []*value) (*Model, []*value, error) {
	a := n.attribute(attribute, attrGraph)
	if a == nil {
		return nil, nil, n.invalid("attribute %s is absent", attribute)
	}
	if len(a.g.inputs) != len(inputs) {
		return nil, nil, n.invalid("the graph in %s has %d inputs, want %d", attribute, len(a.g.inputs), len(inputs))
	}
	c := &compiler{proto: n.compiler.proto, graph: a.g, values: map[string]*value{}, spent: n.compiler.spent, resolve: n.compiler.resolve}
	ops, versions, err := c.resolve(a.g, c.proto.opsets)
	if err != nil {
		return nil, nil, err
	}
	if err := c.bodySources(n, inputs); err != nil {
		return nil, nil, n.invalid("the graph in %s: %v", attribute, err)
	}
	if err := c.allNodes(ops, versions); err != nil {
		return nil, nil, err
	}
	m, outs, err := c.finishBody()
	if err != nil {
		return nil, nil, n.invalid("the graph in %s: %v", attribute, err)
	}
	for i := range c.steps {
		n.scratch = n.scratch.plus(c.steps[i].node.bytes())
	}
	n.scratch.fixed += int64(256 * (len(m.slots) + 1))
	for _, name := range a.g.free() {
		if k := len(n.proto.inputs) + slices.Index(n.proto.captures, name); n.in[k].constant == nil {
			m.captured = append(m.captured, k)
		}
	}
	n.bodies = append(n.bodies, m)
	return m, outs, nil
}

// bodySources declares what a graph in an attribute starts from. Its tensors lie in slots in this order: inputs, captures.
func (c *compiler) bodySources(n *node, inputs []*value) error {
	for _, t := range c.graph.initializers {
		v := &value{name: t.name, dtype: t.tensor.DType, shape: t.tensor.Shape, constant: t.tensor, input: -1, slot: -1}
		if err := c.declare(v); err != nil {
			return err
		}
	}
	for i, p := range c.graph.inputs {
		if p.dtype != 0 && p.dtype != inputs[i].dtype {
			return fmt.Errorf("input %q is %s and gets %s", p.name, p.dtype, inputs[i].dtype)
		}
		if err := c.enter(p.name, inputs[i]); err != nil {
			return err
		}
	}
	for _, name := range c.graph.free() {
		k := slices.Index(n.proto.captures, name)
		if err := c.enter(name, n.in[len(n.proto.inputs)+k]); err != nil {
			return err
		}
	}
	return nil
}

// enter declares a value of the graph around as one of this graph: a constant, or a tensor in a slot.
func (c *compiler) enter(name string, from *value) error {
	v := &value{name: name, dtype: from.dtype, shape: from.shape, constant: from.constant, input: -1, slot: -1, batch: from.rowAxis(), group: from.group}
	if v.constant == nil {
		v.slot = len(c.slots)
		c.slots = append(c.slots, v)
	}
	return c.declare(v)
}

// finishBody ties the outputs of a graph in an attribute to its plan.
func (c *compiler) finishBody() (*Model, []*value, error) {
	m := &Model{steps: c.steps}
	var outs []*value
	for _, p := range c.graph.outputs {
		v := c.values[p.name]
		switch {
		case v == nil:
			return nil, nil, fmt.Errorf("output %q is made by nothing", p.name)
		case v.classes != nil || v.items != nil:
			return nil, nil, fmt.Errorf("output %q is no tensor", p.name)
		case p.dtype != 0 && p.dtype != v.dtype:
			return nil, nil, fmt.Errorf("output %q is declared %s, the graph makes %s", p.name, p.dtype, v.dtype)
		}
		m.results = append(m.results, result{v.slot, v.constant})
		outs = append(outs, v)
	}
	for _, v := range c.slots {
		m.slots = append(m.slots, v.dtype)
	}
	return m, outs, nil
}

// lend gives the session of a body the tensors that its graph takes from around the node, without copying.
func (c *call) lend(body *Session, m *Model, first int) {
	for i, k := range m.captured {
		from := c.in[k]
		share(&body.tensors[first+i], from, from.Shape)
	}
}

// inside runs the session of a body. An element that it refuses is not one of this graph's values.
func inside(body *Session) error {
	err := body.Run()
	if err == nil {
		return nil
	}
	var e *RunError
	if errors.As(err, &e) {
		e.source = -1
	}
	return err
}
