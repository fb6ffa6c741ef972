package onnx

var constantOperators = []operator{
	{name: "Constant", since: 1, until: 11, outputs: exactlyOne, attributes: []string{"value"}, compile: constantNode},
	{name: "Constant", since: 12, outputs: exactlyOne, compile: constantNode,
		attributes: []string{"value", "value_float", "value_floats", "value_int", "value_ints", "value_string", "value_strings"}},
	{name: "ConstantOfShape", since: 9, inputs: exactlyOne, outputs: exactlyOne, rows: rowsOfShape, attributes: []string{"value"}, compile: constantOfShape},
}

// constantNode vanishes into its value.
func constantNode(n *node) (kernel, error) {
	if len(n.proto.attributes) != 1 {
		return nil, n.invalid("%d values, want one", len(n.proto.attributes))
	}
	var t *Tensor
	switch a := n.proto.attributes[0]; a.name {
	case "value":
		t = n.tensor("value")
	case "value_float":
		t = &Tensor{DType: Float32, Shape: []int{}, F32: []float32{n.float(a.name, 0)}}
	case "value_floats":
		t = &Tensor{DType: Float32, Shape: []int{len(a.floats)}, F32: n.floats(a.name)}
	case "value_int":
		t = &Tensor{DType: Int64, Shape: []int{}, I64: []int64{n.int(a.name, 0)}}
	case "value_ints":
		t = &Tensor{DType: Int64, Shape: []int{a.ints.len()}, I64: n.ints(a.name)}
	case "value_string":
		t = &Tensor{DType: String, Shape: []int{}, Str: []string{n.string(a.name, "")}}
	case "value_strings":
		t = &Tensor{DType: String, Shape: []int{a.strings.len()}, Str: n.strings(a.name)}
	}
	if n.err != nil {
		return nil, n.err
	}
	v := *n.out[0]
	v.dtype, v.shape, v.constant = t.DType, t.Shape, t
	n.alias = []*value{&v}
	return nil, nil
}

// constantOfShape fills a shape with one value, by default a float32 zero.
func constantOfShape(n *node) (kernel, error) {
	n.types(0, Int64)
	t := n.tensor("value")
	if t == nil {
		t = &Tensor{DType: Float32, Shape: []int{1}, F32: []float32{0}}
	}
	if t.Len() != 1 && n.err == nil {
		return nil, n.invalid("value has shape %s, want one element", ShapeText(t.Shape))
	}
	s := n.in[0].shape
	if len(s) != 1 || s[0] < 0 || s[0] > maxRank {
		return nil, n.unsupported([]string{"a list of dimensions whose length is known"}, "input 0 has shape %s", ShapeText(s))
	}
	shape := make([]int, s[0])
	for i := range shape {
		if shape[i] = -1; n.in[0].constant != nil {
			d := n.in[0].constant.I64[i]
			if d < 0 || d > maxTensor {
				return nil, n.invalid("a dimension of %d", d)
			}
			shape[i] = int(d)
		}
	}
	for i, d := range n.in[0].dimensions() {
		shape[i] = max(d, -1) // as many as there are rows, or unknown: -1
	}
	n.set(0, t.DType, shape...)
	return func(c *call) error {
		c.dims = c.dims[:0]
		for _, d := range c.in[0].I64 {
			if d < 0 || d > maxTensor {
				return c.fault(-1, 0, "a dimension of %d", d)
			}
			c.dims = append(c.dims, int(d))
		}
		out := c.out[0]
		if err := c.resize(out, c.dims...); err != nil {
			return err
		}
		fill(out.F32, t.F32)
		fill(out.F64, t.F64)
		fill(out.I64, t.I64)
		fill(out.Bool, t.Bool)
		fill(out.Str, t.Str)
		return nil
	}, nil
}

func fill[T any](dst, one []T) {
	for i := range dst {
		dst[i] = one[0]
	}
}
