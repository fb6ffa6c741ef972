package onnx

import "slices"

var movingOperators = []operator{
	{name: "Identity", since: 1, inputs: exactlyOne, outputs: exactlyOne, moves: movesFirst, elementwise: true, rows: rowsBroadcast, compile: identity},
	{name: "Concat", since: 4, inputs: oneOrMore, outputs: exactlyOne, moves: movesAll, rows: rowsBesideAxis, attributes: []string{"axis"}, compile: concat},
	{name: "Transpose", since: 1, inputs: exactlyOne, outputs: exactlyOne, moves: movesFirst, rows: rowsPermuted, attributes: []string{"perm"}, compile: transpose},
	{name: "Gather", since: 1, inputs: exactlyTwo, outputs: exactlyOne, moves: movesFirst, rows: rowsGathered, attributes: []string{"axis"}, compile: gather},
	{name: "ArrayFeatureExtractor", domain: mlDomain, since: 1, inputs: exactlyTwo, outputs: exactlyOne, moves: movesFirst, rows: rowsExtracted, compile: extract},
}

// identity vanishes: its output is its input.
func identity(n *node) (kernel, error) {
	n.alias = []*value{n.in[0]}
	return nil, nil
}

// byType picks the instance of a generic kernel for a type of data.
func byType(d DType, f32, f64, i64, b, s kernel) kernel {
	switch {
	case d == Float32:
		return f32
	case d == Float64:
		return f64
	case d == Bool:
		return b
	case d == String:
		return s
	}
	return i64
}

func concat(n *node) (kernel, error) {
	if n.sameTypes(every); n.err != nil {
		return nil, n.err
	}
	if !n.given("axis") {
		return nil, n.invalid("attribute axis is absent")
	}
	shape := slices.Clone(n.known(0))
	axis := n.axis(n.int("axis", 0), len(shape))
	for i := range n.in[1:] {
		s := n.known(i + 1)
		if n.err != nil {
			return nil, n.err
		}
		if len(s) != len(shape) {
			return nil, n.invalid("input %d has shape %s, input 0 %s", i+1, ShapeText(s), ShapeText(shape))
		}
		for k, d := range s {
			switch {
			case k == axis && (d < 0 || shape[k] < 0):
				shape[k] = -1
			case k == axis:
				shape[k] += d
			case shape[k] < 0:
				shape[k] = d
			case d >= 0 && d != shape[k]:
				return nil, n.invalid("input %d has shape %s, which does not go with %s", i+1, ShapeText(s), ShapeText(shape))
			}
		}
	}
	n.set(0, n.in[0].dtype, shape...)
	n.across[axis] = true
	n.trace = func(c *call, element int) (k, from int) { return traceConcat(c, axis, element) }
	return byType(n.in[0].dtype, concatenate[float32](axis), concatenate[float64](axis), concatenate[int64](axis),
		concatenate[bool](axis), concatenate[string](axis)), nil
}

func concatenate[T element](axis int) kernel {
	return func(c *call) error {
		c.dims = append(c.dims[:0], c.in[0].Shape...)
		if axis >= len(c.dims) {
			return c.fault(-1, 0, "input 0 has shape %s", ShapeText(c.in[0].Shape))
		}
		for i, t := range c.in[1:] {
			fits := len(t.Shape) == len(c.dims)
			for k := 0; fits && k < len(c.dims); k++ {
				fits = k == axis || t.Shape[k] == c.dims[k]
			}
			if !fits {
				return c.fault(-1, 0, "input %d has shape %s, input 0 %s", i+1, ShapeText(t.Shape), ShapeText(c.in[0].Shape))
			}
			c.dims[axis] += t.Shape[axis]
		}
		if err := c.resize(c.out[0], c.dims...); err != nil {
			return err
		}
		dst := data[T](c.out[0])
		outer, width, inner := around(c.dims, axis, false)
		at := 0
		for _, t := range c.in {
			src, block := data[T](t), t.Shape[axis]*inner
			if block == 1 {
				for i := range outer {
					dst[i*width*inner+at] = src[i]
				}
			} else {
				for i := range outer {
					copy(dst[i*width*inner+at:], src[i*block:][:block])
				}
			}
			at += block
		}
		return nil
	}
}

// traceConcat finds the input that an element came from.
func traceConcat(c *call, axis, element int) (k, from int) {
	_, width, inner := around(c.out[0].Shape, axis, false)
	row, at := element/(width*inner), element%(width*inner)
	for k, t := range c.in {
		block := t.Shape[axis] * inner
		if at < block {
			return k, row*block + at
		}
		at -= block
	}
	return -1, 0
}

func traceNothing(*call, int) (k, from int) { return -1, 0 }

func transpose(n *node) (kernel, error) {
	n.types(0, every...)
	shape := n.known(0)
	perm := n.ints("perm")
	if perm == nil {
		for i := range shape {
			perm = append(perm, int64(len(shape)-1-i))
		}
	}
	out, seen := make([]int, len(shape)), [maxRank]bool{}
	for i, p := range perm {
		if len(perm) != len(shape) || p < 0 || p >= int64(len(shape)) || seen[p] {
			return nil, n.invalid("perm %v of shape %s", perm, ShapeText(shape))
		}
		seen[p] = true
		out[i] = shape[p]
	}
	if len(perm) != len(shape) {
		return nil, n.invalid("perm %v of shape %s", perm, ShapeText(shape))
	}
	n.set(0, n.in[0].dtype, out...)
	n.trace, n.perm, n.sameSize = traceNothing, perm, true
	return byType(n.in[0].dtype, permute[float32](perm), permute[float64](perm), permute[int64](perm), permute[bool](perm), permute[string](perm)), nil
}

func permute[T element](perm []int64) kernel {
	return func(c *call) error {
		in := c.in[0]
		if len(in.Shape) != len(perm) {
			return c.fault(-1, 0, "input 0 has shape %s, want %d dimensions", ShapeText(in.Shape), len(perm))
		}
		apart := strides(in.Shape, in.Shape)
		var step, at [maxRank]int
		c.dims = c.dims[:0]
		for i, p := range perm {
			c.dims = append(c.dims, in.Shape[p])
			step[i] = apart[p]
		}
		if err := c.resize(c.out[0], c.dims...); err != nil {
			return err
		}
		src, from := data[T](in), 0
		dst := data[T](c.out[0])
		for i := range dst {
			dst[i] = src[from]
			for k := len(perm) - 1; k >= 0; k-- {
				at[k]++
				from += step[k]
				if at[k] < c.dims[k] {
					break
				}
				from -= at[k] * step[k]
				at[k] = 0
			}
		}
		return nil
	}
}

// gather picks along an axis by indices, which may count from the end.
func gather(n *node) (kernel, error) {
	n.types(0, every...)
	n.types(1, Int64, Int32)
	shape, index := n.known(0), n.known(1)
	axis := n.axis(n.int("axis", 0), len(shape))
	if n.err != nil {
		return nil, n.err
	}
	if t := n.in[1].constant; t != nil && shape[axis] >= 0 {
		for _, i := range t.I64 {
			if i < -int64(shape[axis]) || i >= int64(shape[axis]) {
				return nil, n.invalid("index %d of axis %d in shape %s", i, axis, ShapeText(shape))
			}
		}
	}
	out := slices.Concat(shape[:axis], index, shape[axis+1:])
	if len(out) > maxRank {
		return nil, n.invalid("more than %d dimensions", maxRank)
	}
	n.set(0, n.in[0].dtype, append([]int{}, out...)...)
	n.across[axis] = true
	n.scratch = n.in[1].elements().times(8)
	n.trace = func(c *call, element int) (k, from int) { return traceSelected(c, axis, element) }
	return byType(n.in[0].dtype, pickAlong[float32](axis), pickAlong[float64](axis), pickAlong[int64](axis), pickAlong[bool](axis), pickAlong[string](axis)), nil
}

func pickAlong[T element](axis int) kernel {
	return func(c *call) error {
		in, index := c.in[0], c.in[1]
		if axis >= len(in.Shape) {
			return c.fault(-1, 0, "input 0 has shape %s", ShapeText(in.Shape))
		}
		c.dims = append(append(append(c.dims[:0], in.Shape[:axis]...), index.Shape...), in.Shape[axis+1:]...)
		return selectElements[T](c, axis)
	}
}

// selectElements picks the elements that input 1 names along an axis of input 0 into the shape in c.dims.
func selectElements[T element](c *call, axis int) error {
	in, index := c.in[0], c.in[1].I64
	outer, width, inner := around(in.Shape, axis, false)
	c.index = sized(c.index, len(index))
	for k, i := range index {
		if i < -int64(width) || i >= int64(width) {
			return c.fault(1, k, "index %d, want one of %d", i, width)
		}
		if i < 0 {
			i += int64(width)
		}
		c.index[k] = int(i)
	}
	if err := c.resize(c.out[0], c.dims...); err != nil {
		return err
	}
	dst, src := data[T](c.out[0]), data[T](in)
	for i := range outer {
		block := src[i*width*inner:][:width*inner]
		for _, k := range c.index {
			if inner == 1 {
				dst[0] = block[k]
			} else {
				copy(dst[:inner], block[k*inner:])
			}
			dst = dst[inner:]
		}
	}
	return nil
}

// traceSelected finds the element of input 0 that was picked.
func traceSelected(c *call, axis, element int) (input, from int) {
	_, width, inner := around(c.in[0].Shape, axis, false)
	index := c.in[1].I64
	block := len(index) * inner
	if block == 0 {
		return -1, 0
	}
	row, at := element/block, element%block
	k := int(index[at/inner])
	if k < 0 {
		k += width
	}
	return 0, (row*width+k)*inner + at%inner
}

// extract picks columns, the last dimension; of a vector it makes [1, picked].
func extract(n *node) (kernel, error) {
	n.types(0, every...)
	n.types(1, Int64)
	shape, index := n.known(0), n.known(1)
	if n.err != nil {
		return nil, n.err
	}
	if len(shape) == 0 {
		return nil, n.invalid("input 0 is a scalar")
	}
	last := len(shape) - 1
	if t := n.in[1].constant; t != nil && shape[last] >= 0 {
		for _, i := range t.I64 {
			if i < 0 || i >= int64(shape[last]) {
				return nil, n.invalid("column %d of shape %s", i, ShapeText(shape))
			}
		}
	}
	out := append(slices.Clone(shape[:last]), joint(index))
	if last == 0 {
		out = []int{1, joint(index)}
	}
	n.set(0, n.in[0].dtype, out...)
	n.scratch = n.in[1].elements().times(8)
	n.trace = func(c *call, element int) (k, from int) { return traceSelected(c, last, element) }
	if from := n.in[1].maximised(); from != nil && n.in[0].constant != nil {
		n.out[0].role, from.role, from.labels = Label, Scores, flat(n.in[0].constant)
	}
	return byType(n.in[0].dtype, columnsOf[float32], columnsOf[float64], columnsOf[int64], columnsOf[bool], columnsOf[string]), nil
}

func columnsOf[T element](c *call) error {
	in := c.in[0]
	last := len(in.Shape) - 1
	if last < 0 {
		return c.fault(-1, 0, "input 0 is a scalar")
	}
	for k, i := range c.in[1].I64 {
		if i < 0 {
			return c.fault(1, k, "index %d, want one of %d", i, in.Shape[last])
		}
	}
	if c.dims = append(c.dims[:0], in.Shape[:last]...); last == 0 {
		c.dims = append(c.dims, 1)
	}
	c.dims = append(c.dims, len(c.in[1].I64))
	return selectElements[T](c, last)
}

func flat(t *Tensor) *Tensor {
	f := *t
	f.Shape = []int{t.Len()}
	return &f
}
