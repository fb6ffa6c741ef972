package onnx

// element is a type that a tensor's data may have.
type element interface {
	float32 | float64 | int64 | bool | string
}

// data gives a tensor's elements as []T. The tensor's type must be one that T holds.
func data[T element](t *Tensor) []T {
	var none T
	switch any(none).(type) {
	case float32:
		return any(t.F32).([]T)
	case float64:
		return any(t.F64).([]T)
	case int64:
		return any(t.I64).([]T)
	case bool:
		return any(t.Bool).([]T)
	}
	return any(t.Str).([]T)
}

// broadcastShape is the shape that two shapes broadcast to; ok is false where they do not. nil: the rank is not known.
func broadcastShape(a, b []int) (shape []int, ok bool) {
	if a == nil || b == nil {
		return nil, true
	}
	if len(a) < len(b) {
		a, b = b, a
	}
	shape = append([]int{}, a...)
	for i, d := range b {
		s := &shape[len(a)-len(b)+i]
		switch {
		case *s == d || d == 1:
		case *s == 1 || *s == -1:
			*s = d
		case d != -1:
			return nil, false
		}
	}
	return shape, true
}

// broadcastTo sets the type and shape of an elementwise node's output from its inputs.
func (n *node) broadcastTo(out DType) {
	shape := n.in[0].shape
	for i, v := range n.in[1:] {
		joined, ok := broadcastShape(shape, v.shape)
		if !ok {
			n.fail(n.invalid("input %d has shape %s, which does not go with %s", i+1, ShapeText(v.shape), ShapeText(shape)))
			return
		}
		shape = joined
	}
	if len(shape) > maxRank {
		n.fail(n.invalid("more than %d dimensions", maxRank))
		return
	}
	n.set(0, out, shape...)
}

// broadcast sizes output 0 to the shape that all inputs broadcast to.
func (c *call) broadcast() error {
	c.dims = append(c.dims[:0], c.in[0].Shape...)
	dims := c.dims
	for k, t := range c.in[1:] {
		for len(dims) < len(t.Shape) {
			dims = append(dims, 0)
			copy(dims[1:], dims)
			dims[0] = 1
		}
		for i, d := range t.Shape {
			at := len(dims) - len(t.Shape) + i
			if dims[at] == 1 {
				dims[at] = d
			} else if d != 1 && d != dims[at] {
				c.dims = dims
				return c.fault(-1, 0, "input %d has shape %s, which does not go with %s", k+1, ShapeText(t.Shape), ShapeText(dims))
			}
		}
	}
	c.dims = dims
	return c.resize(c.out[0], dims...)
}

// strides are, by dimension of shape, how far apart neighbours of a tensor of shape `of` lie; 0: it is repeated.
func strides(shape, of []int) (s [maxRank]int) {
	step := 1
	for i := len(of) - 1; i >= 0; i-- {
		if of[i] != 1 {
			s[len(shape)-len(of)+i] = step
		}
		step *= of[i]
	}
	return s
}

// combine puts f(a, b) into every element of dst, whose shape a and b broadcast to.
func combine[T, U, R element](shape []int, dst []R, a []T, as []int, b []U, bs []int, f func(T, U) R) {
	if len(dst) == 0 {
		return
	}
	if len(shape) == 0 {
		dst[0] = f(a[0], b[0])
		return
	}
	sa, sb := strides(shape, as), strides(shape, bs)
	last := len(shape) - 1
	width := shape[last]
	var at [maxRank]int
	ia, ib := 0, 0
	for start := 0; start < len(dst); start += width {
		x, y := ia, ib
		for i := start; i < start+width; i++ {
			dst[i] = f(a[x], b[y])
			x += sa[last]
			y += sb[last]
		}
		for k := last - 1; k >= 0; k-- {
			at[k]++
			ia += sa[k]
			ib += sb[k]
			if at[k] < shape[k] {
				break
			}
			ia -= at[k] * sa[k]
			ib -= at[k] * sb[k]
			at[k] = 0
		}
	}
}
