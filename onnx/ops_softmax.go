package onnx

import "math"

var softmaxOperators = []operator{
	// Before opset 13 everything from the axis on is one line.
	{name: "Softmax", since: 1, until: 12, inputs: exactlyOne, outputs: exactlyOne, keepsNaN: true, rows: rowsBesideAxis, attributes: []string{"axis"},
		compile: func(n *node) (kernel, error) { return softmaxNode(n, 1, true) }},
	{name: "Softmax", since: 13, inputs: exactlyOne, outputs: exactlyOne, keepsNaN: true, rows: rowsBesideAxis, attributes: []string{"axis"},
		compile: func(n *node) (kernel, error) { return softmaxNode(n, -1, false) }},
	{name: "ArgMax", since: 1, until: 11, inputs: exactlyOne, outputs: exactlyOne, rows: rowsBesideAxis, attributes: []string{"axis", "keepdims"}, compile: argMax},
	{name: "ArgMax", since: 12, inputs: exactlyOne, outputs: exactlyOne, rows: rowsBesideAxis, attributes: []string{"axis", "keepdims", "select_last_index"}, compile: argMax},
	{name: "ArgMin", since: 1, until: 11, inputs: exactlyOne, outputs: exactlyOne, rows: rowsBesideAxis, attributes: []string{"axis", "keepdims"}, compile: argMin},
	{name: "ArgMin", since: 12, inputs: exactlyOne, outputs: exactlyOne, rows: rowsBesideAxis, attributes: []string{"axis", "keepdims", "select_last_index"}, compile: argMin},
}

// softmaxNode normalises along one axis or, before opset 13, over everything from that axis on.
func softmaxNode(n *node, otherwise int64, flatten bool) (kernel, error) {
	n.types(0, floats...)
	shape := n.known(0)
	axis := n.int("axis", otherwise)
	at := 0
	if axis != int64(len(shape)) || !flatten {
		at = n.axis(axis, len(shape))
	} else {
		at = len(shape)
	}
	n.set(0, n.in[0].dtype, shape...)
	n.sameSize = true
	if at != len(shape)-1 && !flatten {
		n.scratch = n.scratch.plus(n.in[0].elements().times(8)) // a line along the axis
	}
	for k := at; k < len(shape) && (flatten || k == at); k++ {
		n.across[k] = true
	}
	if n.in[0].dtype == Float64 {
		return softmaxKernel[float64](at, flatten), nil
	}
	return softmaxKernel[float32](at, flatten), nil
}

func softmaxKernel[T float32 | float64](axis int, flatten bool) kernel {
	return func(c *call) error {
		if rank := len(c.in[0].Shape); rank < axis || rank == axis && !flatten {
			return c.fault(-1, 0, "input 0 has shape %s", ShapeText(c.in[0].Shape))
		}
		if err := c.resize(c.out[0], c.in[0].Shape...); err != nil {
			return err
		}
		dst := data[T](c.out[0])
		if copy(dst, data[T](c.in[0])); len(dst) == 0 {
			return nil
		}
		outer, width, inner := around(c.in[0].Shape, axis, flatten)
		if inner == 1 {
			for i := range outer {
				softmax(dst[i*width:][:width])
			}
			return nil
		}
		line := scratch[T](c, width)
		for i := range outer {
			for j := range inner {
				block := dst[i*width*inner+j:]
				for k := range line {
					line[k] = block[k*inner]
				}
				softmax(line)
				for k, v := range line {
					block[k*inner] = v
				}
			}
		}
		return nil
	}
}

// around splits a shape at an axis: what stands before it, its width and what stands behind it. rest takes the axis and all behind as one.
func around(shape []int, axis int, rest bool) (outer, width, inner int) {
	outer = product(shape[:axis])
	if rest {
		return outer, product(shape[axis:]), 1
	}
	return outer, shape[axis], product(shape[axis+1:])
}

// argMax gives the index of the largest element along an axis, the first of equals. NaN never wins but in the first place.
func argMax(n *node) (kernel, error) {
	n.out[0].scores = n.in[0]
	return argNode(n, 1)
}

func argMin(n *node) (kernel, error) {
	return argNode(n, -1)
}

// argNode finds the largest (sign 1) or smallest (sign -1) elements.
func argNode(n *node, sign int64) (kernel, error) {
	n.types(0, numeric...)
	shape, keep := n.known(0), n.flag("keepdims", 1)
	last := n.flag("select_last_index", 0)
	axis := n.axis(n.int("axis", 0), len(shape))
	if n.err != nil {
		return nil, n.err
	}
	out := append([]int{}, shape[:axis]...)
	if keep {
		out = append(out, 1)
	}
	n.set(0, Int64, append(out, shape[axis+1:]...)...)
	n.across[axis], n.drops = true, !keep
	switch n.in[0].dtype {
	case Float32:
		return argKernel(axis, len(shape), keep, better[float32](sign, last)), nil
	case Float64:
		return argKernel(axis, len(shape), keep, better[float64](sign, last)), nil
	case Uint64:
		signed := better[int64](sign, last)
		return argKernel(axis, len(shape), keep, func(a, b int64) bool { return signed(a^math.MinInt64, b^math.MinInt64) }), nil
	}
	return argKernel(axis, len(shape), keep, better[int64](sign, last)), nil
}

// better says whether a wins over b, which stands before it.
func better[T numberElement](sign int64, last bool) func(a, b T) bool {
	switch {
	case sign > 0 && last:
		return func(a, b T) bool { return a >= b }
	case sign > 0:
		return func(a, b T) bool { return a > b }
	case last:
		return func(a, b T) bool { return a <= b }
	default:
		return func(a, b T) bool { return a < b }
	}
}

func argKernel[T element](axis, rank int, keep bool, better func(a, b T) bool) kernel {
	return func(c *call) error {
		in := c.in[0]
		if len(in.Shape) != rank {
			return c.fault(-1, 0, "input 0 has shape %s, want %d dimensions", ShapeText(in.Shape), rank)
		}
		c.dims = append(c.dims[:0], in.Shape[:axis]...)
		if keep {
			c.dims = append(c.dims, 1)
		}
		c.dims = append(c.dims, in.Shape[axis+1:]...)
		if err := c.resize(c.out[0], c.dims...); err != nil {
			return err
		}
		outer, width, inner := around(in.Shape, axis, false)
		if width == 0 && outer*inner > 0 {
			return c.fault(-1, 0, "input 0 has shape %s: nothing to choose from", ShapeText(in.Shape))
		}
		src := data[T](in)
		for i := range outer {
			for j := range inner {
				line := src[i*width*inner+j:]
				best := 0
				for k := 1; k < width; k++ {
					if better(line[k*inner], line[best*inner]) {
						best = k
					}
				}
				c.out[0].I64[i*inner+j] = int64(best)
			}
		}
		return nil
	}
}
