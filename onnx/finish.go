package onnx

import "fmt"

// finish ties the graph's outputs to the plan and describes the model.
func (c *compiler) finish() (*Model, error) {
	m := &Model{metadata: c.proto.metadata, producer: c.proto.producer, opsets: c.proto.opsets}
	if len(c.graph.outputs) == 0 {
		return nil, fmt.Errorf("the graph has no outputs")
	}
	if len(c.graph.outputs) > maxOutputs {
		return nil, fmt.Errorf("%d outputs, want at most %d", len(c.graph.outputs), maxOutputs)
	}
	seen := map[string]bool{}
	var finals []*value
	var names []valueProto
	for _, p := range c.graph.outputs {
		if seen[p.name] {
			return nil, fmt.Errorf("output %q is declared twice", p.name)
		}
		seen[p.name] = true
		v := c.values[p.name]
		if v == nil {
			return nil, fmt.Errorf("output %q is made by nothing", p.name)
		}
		if err := checkOutput(p, v); err != nil {
			return nil, err
		}
		items := []*value{v}
		if v.items != nil {
			items = v.items
		}
		for i, item := range items {
			if item.input >= 0 {
				item = c.copyOf(item)
			}
			m.results = append(m.results, result{item.slot, item.constant})
			finals, names = append(finals, item), append(names, p)
			if v.items != nil { // each tensor of a sequence is an output of its own
				names[len(names)-1] = valueProto{name: fmt.Sprintf("%s[%d]", p.name, i)}
			}
			item.nameIndices()
		}
	}
	if len(finals) > maxOutputs {
		return nil, fmt.Errorf("%d outputs, want at most %d", len(finals), maxOutputs)
	}
	for i, p := range names {
		m.outputs = append(m.outputs, describeOutput(p, finals[i]))
	}
	missing := c.missing()
	for i, v := range c.inputs {
		m.inputs = append(m.inputs, Value{Name: v.name, DType: v.dtype, Shape: v.shape, Missing: missing[i], Rows: v.rowAxis()})
	}
	m.steps, m.memory = c.steps, c.memory()
	for _, v := range c.slots {
		m.slots = append(m.slots, v.dtype)
	}
	m.findColumns(c.slots)
	return m, nil
}

// checkOutput compares what the file declares with what the graph makes.
func checkOutput(p valueProto, v *value) error {
	switch {
	case v.classes != nil && p.kind == "sequence":
		if p.mapKey != 0 && p.mapKey != v.classes.DType {
			return fmt.Errorf("output %q is declared a map from %s, its ZipMap has keys of %s", p.name, p.mapKey, v.classes.DType)
		}
	case v.items != nil && (p.kind == "sequence" || p.kind == "" && p.dtype == 0):
	case v.items != nil:
		return fmt.Errorf("output %q is declared a tensor, the graph makes a sequence", p.name)
	case p.kind != "":
		return fmt.Errorf("output %q is declared a %s; supported: tensors and what ZipMap makes", p.name, p.kind)
	case v.classes != nil && p.dtype != 0:
		return fmt.Errorf("output %q is declared a tensor, a ZipMap makes it", p.name)
	case p.dtype != 0 && p.dtype != v.dtype:
		return fmt.Errorf("output %q is declared %s, the graph makes %s", p.name, p.dtype, v.dtype)
	}
	return nil
}

// copyOf adds a step that copies a graph input, so that an output never is an input's own memory.
func (c *compiler) copyOf(v *value) *value {
	w := *v
	w.input, w.slot = -1, len(c.slots)
	n := &node{op: &operator{name: "Identity", domain: "ai.onnx"}, proto: &nodeProto{name: v.name}, out: []*value{&w}, want: []bool{true}}
	c.slots = append(c.slots, &w)
	c.steps = append(c.steps, step{run: copyTensor, node: n, in: []int{v.slot}, out: []int{w.slot}, constant: []*Tensor{nil}})
	return &w
}

func copyTensor(c *call) error {
	in, out := c.in[0], c.out[0]
	if err := c.resize(out, in.Shape...); err != nil {
		return err
	}
	copy(out.F32, in.F32)
	copy(out.F64, in.F64)
	copy(out.I64, in.I64)
	copy(out.Bool, in.Bool)
	copy(out.Str, in.Str)
	return nil
}

func describeOutput(p valueProto, v *value) Value {
	o := Value{Name: p.name, DType: v.dtype, Shape: v.shape, Classes: v.classes}
	if o.Rows = v.rowAxis(); o.Rows < 0 || v.group != 1 || v.pad != nil {
		o.Rows = -1
	}
	if o.Shape == nil {
		o.Shape = p.shape
	}
	maker := v.maker
	if maker != nil && maker.op.name == "ZipMap" {
		maker = maker.in[0].maker
	}
	if maker != nil {
		o.Operator = maker.op.name
	}
	o.Role, o.Labels = v.outputRole()
	if o.Role == Other && v.regresses() {
		o.Role = Targets
	}
	return o
}
