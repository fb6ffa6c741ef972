package onnx

import "slices"

// expand repeats the input to the shape that it and input 1 broadcast to.
func expand(n *node) (kernel, error) {
	n.types(0, every...)
	n.types(1, Int64)
	shape, count := n.known(0), n.in[1].shape
	if n.err != nil {
		return nil, n.err
	}
	if len(count) != 1 || count[0] < 0 || count[0] > maxRank {
		return nil, n.unsupported([]string{"a list of dimensions whose length is known"}, "input 1 has shape %s", ShapeText(count))
	}
	want := slices.Repeat([]int{-1}, count[0])
	for i, d := range n.in[1].dimensions() {
		want[i] = max(d, -1)
	}
	out, ok := broadcastShape(shape, want)
	if !ok {
		return nil, n.invalid("shape %s does not go with %s", ShapeText(shape), ShapeText(want))
	}
	n.set(0, n.in[0].dtype, out...)
	n.trace = traceNothing
	d := n.in[0].dtype
	return byType(d, repeat[float32], repeat[float64], repeat[int64], repeat[bool], repeat[string]), nil
}

// rowsExpanded is the rule of Expand: rows of the input stay, or a number of rows in the shape makes them.
func rowsExpanded(n *node) int {
	from, dims := n.in[0], n.in[1].dimensions()
	rank := max(len(from.shape), len(dims))
	if n.in[1].rowAxis() != batchless && n.in[1].bySize == nil {
		return batchMixed
	}
	axis := -1
	if at := slices.Index(dims, rowCount); at >= 0 {
		axis = at + rank - len(dims)
	}
	switch a := from.rowAxis(); {
	case a == batchMixed:
		return batchMixed
	case a >= 0:
		a += rank - len(from.shape)
		if at := a - (rank - len(dims)); axis >= 0 && axis != a || axis < 0 && at >= 0 && dims[at] != 1 {
			return batchMixed
		}
		return a
	case axis < 0:
		return batchMixed
	}
	if at := axis - (rank - len(from.shape)); at >= 0 && from.shape[at] != 1 {
		return batchMixed
	}
	return axis
}

func repeat[T element](c *call) error {
	in, want := c.in[0], c.in[1].I64
	rank := max(len(in.Shape), len(want))
	if rank > maxRank {
		return c.fault(-1, 0, "a shape of %d dimensions", rank)
	}
	c.dims = c.dims[:0]
	for i := range rank {
		d, w := 1, int64(1)
		if k := i - (rank - len(in.Shape)); k >= 0 {
			d = in.Shape[k]
		}
		if k := i - (rank - len(want)); k >= 0 {
			w = want[k]
		}
		switch {
		case w < 0 || w > maxTensor || d != 1 && w != 1 && int64(d) != w:
			return c.fault(-1, 0, "shape %s does not go with %v", ShapeText(in.Shape), slices.Clone(want))
		case d == 1:
			d = int(w)
		}
		c.dims = append(c.dims, d)
	}
	if err := c.resize(c.out[0], c.dims...); err != nil {
		return err
	}
	dst, src := data[T](c.out[0]), data[T](in)
	combine(c.out[0].Shape, dst, src, in.Shape, src, in.Shape, func(a, _ T) T { return a })
	return nil
}
