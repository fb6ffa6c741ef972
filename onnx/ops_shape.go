package onnx

import "slices"

var shapeOperators = []operator{
	{name: "Flatten", since: 1, inputs: exactlyOne, outputs: exactlyOne, moves: movesFirst, rows: rowsReshaped, attributes: []string{"axis"}, compile: flatten},
	{name: "Reshape", since: 5, until: 13, inputs: exactlyTwo, outputs: exactlyOne, moves: movesFirst, rows: rowsReshaped, compile: reshape},
	{name: "Reshape", since: 14, inputs: exactlyTwo, outputs: exactlyOne, moves: movesFirst, rows: rowsReshaped, attributes: []string{"allowzero"}, compile: reshape},
	{name: "Squeeze", since: 1, until: 12, inputs: exactlyOne, outputs: exactlyOne, moves: movesFirst, rows: rowsReshaped, attributes: []string{"axes"}, compile: squeeze},
	{name: "Squeeze", since: 13, inputs: arity{1, 2}, outputs: exactlyOne, moves: movesFirst, rows: rowsReshaped, compile: squeeze},
	{name: "Unsqueeze", since: 1, until: 12, inputs: exactlyOne, outputs: exactlyOne, moves: movesFirst, rows: rowsReshaped, attributes: []string{"axes"}, compile: unsqueeze},
	{name: "Unsqueeze", since: 13, inputs: exactlyTwo, outputs: exactlyOne, moves: movesFirst, rows: rowsReshaped, compile: unsqueeze},
	{name: "Shape", since: 1, until: 14, inputs: exactlyOne, outputs: exactlyOne, ofShape: true, compile: shapeOf},
	{name: "Shape", since: 15, inputs: exactlyOne, outputs: exactlyOne, ofShape: true, attributes: []string{"start", "end"}, compile: shapeOf},
}

// flatten makes a matrix: what stands before axis is the rows.
func flatten(n *node) (kernel, error) {
	n.sameSize, n.shares = true, true
	n.types(0, every...)
	shape := n.known(0)
	axis := n.int("axis", 1)
	if axis != int64(len(shape)) {
		axis = int64(n.axis(axis, len(shape)))
	}
	n.set(0, n.in[0].dtype, joint(shape[:axis]), joint(shape[axis:]))
	return func(c *call) error {
		s := c.in[0].Shape
		if len(s) < int(axis) {
			return c.fault(-1, 0, "input 0 has shape %s", ShapeText(s))
		}
		c.dims = append(c.dims[:0], product(s[:axis]), product(s[axis:]))
		share(c.out[0], c.in[0], c.dims)
		return nil
	}, nil
}

// joint is the product of dimensions, -1 if one is not known.
func joint(shape []int) int {
	n := 1
	for _, d := range shape {
		if d < 0 {
			return -1
		}
		n *= d
	}
	return n
}

// reshape keeps the elements: 0 copies a dimension (unless allowzero), one -1 takes what is left.
func reshape(n *node) (kernel, error) {
	n.sameSize, n.shares = true, true
	n.types(0, every...)
	n.types(1, Int64)
	zero := n.flag("allowzero", 0)
	if n.err != nil {
		return nil, n.err
	}
	if t := n.in[1].constant; t == nil {
		n.set(0, n.in[0].dtype)
		if n.out[0].shape = nil; len(n.in[1].shape) == 1 && n.in[1].shape[0] >= 0 && n.in[1].shape[0] <= maxRank {
			n.set(0, n.in[0].dtype, reshapedBySize(n, zero)...)
		}
	} else {
		shape, err := reshaped(n, t.I64, n.in[0].shape, zero)
		if err != nil {
			return nil, err
		}
		n.set(0, n.in[0].dtype, shape...)
	}
	return func(c *call) error { return runReshape(c, zero) }, nil
}

// reshaped is the new shape as far as it is known at load.
func reshaped(n *node, want []int64, from []int, zero bool) ([]int, error) {
	if len(want) > maxRank {
		return nil, n.invalid("more than %d dimensions", maxRank)
	}
	shape, left, rest := make([]int, len(want)), -1, int64(1)
	for i, d := range want {
		switch {
		case d == 0 && !zero && from == nil:
			shape[i], rest = -1, -1
		case d == 0 && !zero && i >= len(from):
			return nil, n.invalid("shape %v copies a dimension that %s does not have", want, ShapeText(from))
		case d == 0 && !zero:
			shape[i] = from[i]
		case d == -1 && left < 0:
			left, shape[i] = i, -1
			continue
		case d < 0 || d > maxTensor:
			return nil, n.invalid("shape %v", want)
		default:
			shape[i] = int(d)
		}
		if shape[i] < 0 || rest < 0 {
			rest = -1
		} else if rest *= int64(shape[i]); rest > maxTensor {
			return nil, n.invalid("shape %v is too large", want)
		}
	}
	all := int64(-1)
	if from != nil {
		all = int64(joint(from))
	}
	if all >= 0 && rest >= 0 {
		if left >= 0 && rest > 0 && all%rest == 0 {
			shape[left] = int(all / rest)
		} else if left >= 0 || all != rest {
			return nil, n.invalid("shape %s cannot become %v", ShapeText(from), want)
		}
	}
	return shape, nil
}

// reshapedBySize is the new shape where it is computed: from the number of rows, or not known at load.
func reshapedBySize(n *node, zero bool) []int {
	shape := make([]int, n.in[1].shape[0])
	for i := range shape {
		shape[i] = -1
	}
	from, axis := n.in[0].shape, n.in[0].rowAxis()
	if n.in[1].bySize == nil || axis < 0 || extentOf(from).open != 1 {
		return shape
	}
	var found [len(sampleSizes)]Tensor
	for s, size := range sampleSizes {
		in := Tensor{Shape: slices.Clone(from)}
		in.Shape[axis] = size * n.in[0].group
		if runReshape(&call{node: n, in: []*Tensor{&in, n.in[1].bySize[s]}, out: []*Tensor{&found[s]}}, zero) != nil {
			return shape
		}
	}
	for i, d := range found[0].Shape {
		if d == found[1].Shape[i] {
			shape[i] = d
		}
	}
	return shape
}

func runReshape(c *call, zero bool) error {
	from, want := c.in[0].Shape, c.in[1].I64
	if len(want) > maxRank || len(c.in[1].Shape) != 1 {
		return c.fault(-1, 0, "a shape of %d dimensions", len(want))
	}
	all, rest, left := int64(product(from)), int64(1), -1
	c.dims = c.dims[:0]
	for i, d := range want {
		switch {
		case d == 0 && !zero && i < len(from):
			d = int64(from[i])
		case d == -1 && left < 0:
			left, d = i, 1
		}
		if d < 0 || d > maxTensor || rest > maxTensor {
			return c.fault(-1, 0, "shape %s cannot become %v", ShapeText(from), want)
		}
		rest *= d
		c.dims = append(c.dims, int(d))
	}
	switch {
	case left >= 0 && rest > 0 && all%rest == 0:
		c.dims[left] = int(all / rest)
	case left >= 0 && rest == 0 && all == 0:
		c.dims[left] = 0
	case left >= 0 || all != rest:
		return c.fault(-1, 0, "shape %s cannot become %v", ShapeText(from), want)
	}
	share(c.out[0], c.in[0], c.dims)
	return nil
}

// squeeze takes out dimensions of 1: those of axes, or all.
func squeeze(n *node) (kernel, error) {
	n.sameSize, n.shares = true, true
	n.types(0, every...)
	if n.has(1) && n.in[1].constant == nil {
		n.types(1, Int64)
		n.set(0, n.in[0].dtype)
		n.out[0].shape = nil
		return func(c *call) error { return runSqueeze(c, c.in[1].I64) }, nil
	}
	shape, axes := n.known(0), n.axes(1)
	var gone [maxRank]bool
	for _, a := range axes {
		i := n.axis(a, len(shape))
		if n.err == nil && shape[i] != 1 && shape[i] != -1 {
			return nil, n.invalid("axis %d of shape %s is not 1", a, ShapeText(shape))
		}
		gone[i] = true
	}
	out := []int{}
	for i, d := range shape {
		if len(axes) == 0 && d < 0 {
			return nil, n.unsupported([]string{"axes"}, "without axes the shape %s must be known", ShapeText(shape))
		}
		if gone[i] = gone[i] || len(axes) == 0 && d == 1; !gone[i] {
			out = append(out, d)
		}
	}
	n.set(0, n.in[0].dtype, out...)
	axes = slices.Clone(axes)
	return func(c *call) error { return runSqueeze(c, axes) }, nil
}

func runSqueeze(c *call, axes []int64) error {
	s := c.in[0].Shape
	var gone [maxRank]bool
	for _, a := range axes {
		if a < 0 {
			a += int64(len(s))
		}
		if a < 0 || a >= int64(len(s)) || s[a] != 1 {
			return c.fault(-1, 0, "shape %s has no dimension of 1 to take out at every axis", ShapeText(s))
		}
		gone[a] = true
	}
	c.dims = c.dims[:0]
	for i, d := range s {
		if !gone[i] && (len(axes) > 0 || d != 1) {
			c.dims = append(c.dims, d)
		}
	}
	share(c.out[0], c.in[0], c.dims)
	return nil
}

// unsqueeze puts in dimensions of 1 where axes says they are in the result.
func unsqueeze(n *node) (kernel, error) {
	n.sameSize, n.shares = true, true
	n.types(0, every...)
	shape := n.known(0)
	if n.has(1) && n.in[1].constant == nil {
		n.types(1, Int64)
		n.set(0, n.in[0].dtype)
		if count := n.in[1].shape; len(count) == 1 && count[0] >= 0 && count[0]+len(shape) <= maxRank {
			n.set(0, n.in[0].dtype, slices.Repeat([]int{-1}, count[0]+len(shape))...)
		} else {
			n.out[0].shape = nil
		}
		return func(c *call) error { return runUnsqueeze(c, c.in[1].I64) }, nil
	}
	axes := n.axes(1)
	if n.err != nil {
		return nil, n.err
	}
	fresh, ok := newAxes(axes, len(shape))
	if !ok || len(axes) == 0 {
		return nil, n.invalid("axes %v for shape %s", axes, ShapeText(shape))
	}
	n.set(0, n.in[0].dtype, spread([]int{}, shape, fresh, len(shape)+len(axes))...)
	axes = slices.Clone(axes)
	return func(c *call) error { return runUnsqueeze(c, axes) }, nil
}

func runUnsqueeze(c *call, axes []int64) error {
	shape := c.in[0].Shape
	fresh, ok := newAxes(axes, len(shape))
	if !ok {
		return c.fault(-1, 0, "axes %v for shape %s", slices.Clone(axes), ShapeText(shape))
	}
	c.dims = spread(c.dims[:0], shape, fresh, len(shape)+len(axes))
	share(c.out[0], c.in[0], c.dims)
	return nil
}

// newAxes marks the axes of the result that are new; ok is false where one is given twice or is none of the result's.
func newAxes(axes []int64, rank int) (fresh [maxRank]bool, ok bool) {
	rank += len(axes)
	for _, a := range axes {
		if a < 0 {
			a += int64(rank)
		}
		if a < 0 || a >= int64(rank) || rank > maxRank || fresh[a] {
			return fresh, false
		}
		fresh[a] = true
	}
	return fresh, rank <= maxRank
}

// spread appends the dimensions of shape to dst with a 1 at every fresh place.
func spread(dst, shape []int, fresh [maxRank]bool, rank int) []int {
	k := 0
	for i := range rank {
		if fresh[i] {
			dst = append(dst, 1)
		} else {
			dst = append(dst, shape[k])
			k++
		}
	}
	return dst
}

// shapeOf gives the dimensions of its input, or those from start to end.
func shapeOf(n *node) (kernel, error) {
	n.types(0, every...)
	rank := int64(len(n.known(0)))
	inside := func(i int64) int64 {
		if i < 0 {
			i += rank
		}
		return min(max(i, 0), rank)
	}
	start, end := inside(n.int("start", 0)), inside(n.int("end", rank))
	end = max(start, end)
	n.set(0, Int64, int(end-start))
	return func(c *call) error {
		if int64(len(c.in[0].Shape)) != rank {
			return c.fault(-1, 0, "input 0 has shape %s", ShapeText(c.in[0].Shape))
		}
		if err := c.resize(c.out[0], int(end-start)); err != nil {
			return err
		}
		for i, d := range c.in[0].Shape[start:end] {
			c.out[0].I64[i] = int64(d)
		}
		return nil
	}, nil
}
