package onnx

var sliceOperators = []operator{
	{name: "Slice", since: 1, until: 9, inputs: exactlyOne, outputs: exactlyOne, moves: movesFirst, rows: rowsBesideAxis, attributes: []string{"axes", "ends", "starts"}, compile: sliceByAttributes},
	{name: "Slice", since: 10, inputs: arity{3, 5}, outputs: exactlyOne, moves: movesFirst, rows: rowsBesideAxis, compile: sliceByInputs},
}

func sliceByAttributes(n *node) (kernel, error) {
	return sliceNode(n, n.ints("starts"), n.ints("ends"), n.ints("axes"), nil)
}

func sliceByInputs(n *node) (kernel, error) {
	return sliceNode(n, n.ints64(1), n.ints64(2), n.ints64(3), n.ints64(4))
}

// span is what a slice takes of one axis.
type span struct {
	axis             int
	start, end, step int64
}

// over gives the first index and the count in a dimension of d.
func (s span) over(d int) (first, count int) {
	n := int64(d)
	inside := func(i, low, high int64) int64 {
		if i < 0 {
			i += n
		}
		return min(max(i, low), high)
	}
	if s.step > 0 {
		start, end := inside(s.start, 0, n), inside(s.end, 0, n)
		if end <= start {
			return 0, 0
		}
		return int(start), int((end-start-1)/s.step + 1)
	}
	start, end := inside(s.start, -1, n-1), inside(s.end, -1, n-1)
	if start <= end {
		return 0, 0
	}
	return int(start), int((start-end-1)/-s.step + 1)
}

func sliceNode(n *node, starts, ends, axes, steps []int64) (kernel, error) {
	n.types(0, every...)
	shape := n.known(0)
	if n.err != nil {
		return nil, n.err
	}
	if len(starts) != len(ends) || axes != nil && len(axes) != len(starts) || steps != nil && len(steps) != len(starts) || len(starts) > len(shape) {
		return nil, n.invalid("%d starts, %d ends, %d axes and %d steps for shape %s", len(starts), len(ends), len(axes), len(steps), describe(shape))
	}
	out := append([]int{}, shape...)
	var spans []span
	var seen [maxRank]bool
	for i := range starts {
		s := span{axis: i, start: starts[i], end: ends[i], step: 1}
		if axes != nil {
			s.axis = n.axis(axes[i], len(shape))
		}
		if steps != nil {
			s.step = steps[i]
		}
		const far = 1 << 40
		if s.step == 0 || s.step < -far || s.step > far || seen[s.axis] {
			return nil, n.invalid("step %d along axis %d", s.step, s.axis)
		}
		seen[s.axis] = true
		if s.start, s.end = min(max(s.start, -far), far), min(max(s.end, -far), far); shape[s.axis] >= 0 {
			_, out[s.axis] = s.over(shape[s.axis])
		}
		n.across[s.axis] = s.step != 1 || s.start != 0 || s.end < maxTensor
		spans = append(spans, s)
	}
	n.set(0, n.in[0].dtype, out...)
	n.trace = traceNothing
	return byType(n.in[0].dtype, slicer[float32](spans), slicer[float64](spans), slicer[int64](spans), slicer[bool](spans), slicer[string](spans)), nil
}

func slicer[T element](spans []span) kernel {
	return func(c *call) error {
		in := c.in[0]
		apart := strides(in.Shape, in.Shape)
		from := 0
		c.dims = append(c.dims[:0], in.Shape...)
		for _, s := range spans {
			if s.axis >= len(c.dims) {
				return c.fault(-1, 0, "input 0 has shape %s", describe(in.Shape))
			}
			first, count := s.over(in.Shape[s.axis])
			from += first * apart[s.axis]
			apart[s.axis] *= int(s.step)
			c.dims[s.axis] = count
		}
		if err := c.resize(c.out[0], c.dims...); err != nil {
			return err
		}
		src, dst := data[T](in), data[T](c.out[0])
		var at [maxRank]int
		for i := range dst {
			dst[i] = src[from]
			for k := len(c.dims) - 1; k >= 0; k-- {
				at[k]++
				from += apart[k]
				if at[k] < c.dims[k] {
					break
				}
				from -= at[k] * apart[k]
				at[k] = 0
			}
		}
		return nil
	}
}
