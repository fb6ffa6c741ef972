package onnx

import (
	"fmt"
)

var sliceOperators = []operator{
	{name: "Slice", since: 1, until: 9, inputs: exactlyOne, outputs: exactlyOne, moves: movesFirst, rows: rowsBesideAxis, attributes: []string{"axes", "ends", "starts"}, compile: sliceByAttributes},
	{name: "Slice", since: 10, inputs: arity{3, 5}, outputs: exactlyOne, moves: movesFirst, rows: rowsBesideAxis, compile: sliceByInputs},
}

func sliceByAttributes(n *node) (kernel, error) {
	n.types(0, every...)
	shape := n.known(0)
	if n.err != nil {
		return nil, n.err
	}
	r, err := rangesOf(len(shape), n.ints("starts"), n.ints("ends"), n.ints("axes"), nil)
	if err != nil {
		return nil, n.invalid("%v for shape %s", err, ShapeText(shape))
	}
	return sliceNode(n, shape, func(*call) (axisRanges, error) { return r, nil }, &r)
}

func sliceByInputs(n *node) (kernel, error) {
	n.types(0, every...)
	shape := n.known(0)
	constant := true
	for i := 1; i < len(n.in); i++ {
		n.types(i, Int64, Int32)
		constant = constant && (n.in[i] == nil || n.in[i].constant != nil)
	}
	if n.err != nil {
		return nil, n.err
	}
	rank := len(shape)
	if !constant {
		return sliceNode(n, shape, func(c *call) (axisRanges, error) {
			r, err := rangesOf(rank, listAt(c, 1), listAt(c, 2), listAt(c, 3), listAt(c, 4))
			if err != nil {
				return r, c.fault(-1, 0, "%v for shape %s", err, ShapeText(c.in[0].Shape))
			}
			return r, nil
		}, nil)
	}
	r, err := rangesOf(rank, n.ints64(1), n.ints64(2), n.ints64(3), n.ints64(4))
	if err != nil {
		return nil, n.invalid("%v for shape %s", err, ShapeText(shape))
	}
	return sliceNode(n, shape, func(*call) (axisRanges, error) { return r, nil }, &r)
}

// listAt gives the integers of input k; nil where it is absent.
func listAt(c *call, k int) []int64 {
	if k >= len(c.in) || c.in[k] == nil {
		return nil
	}
	return c.in[k].I64
}

// axisRange is what a slice takes of one axis.
type axisRange struct {
	start, end, step int64
	given            bool
}

// axisRanges are those of each axis.
type axisRanges [maxRank]axisRange

func rangesOf(rank int, starts, ends, axes, steps []int64) (r axisRanges, err error) {
	if len(starts) != len(ends) || axes != nil && len(axes) != len(starts) || steps != nil && len(steps) != len(starts) || len(starts) > rank {
		return r, fmt.Errorf("%d starts, %d ends, %d axes and %d steps", len(starts), len(ends), len(axes), len(steps))
	}
	const far = 1 << 40
	for i := range starts {
		axis, step := int64(i), int64(1)
		if axes != nil {
			axis = axes[i]
		}
		if steps != nil {
			step = steps[i]
		}
		if axis < 0 {
			axis += int64(rank)
		}
		if axis < 0 || axis >= int64(rank) || r[axis].given || step == 0 || step < -far || step > far {
			return r, fmt.Errorf("step %d along axis %d", step, axis)
		}
		r[axis] = axisRange{min(max(starts[i], -far), far), min(max(ends[i], -far), far), step, true}
	}
	return r, nil
}

// over gives the first index and the count in a dimension of d.
func (s axisRange) over(d int) (first, count int) {
	n := int64(d)
	within := func(i, low, high int64) int64 {
		if i < 0 {
			i += n
		}
		return min(max(i, low), high)
	}
	if s.step > 0 {
		start, end := within(s.start, 0, n), within(s.end, 0, n)
		if end <= start {
			return 0, 0
		}
		return int(start), int((end-start-1)/s.step + 1)
	}
	start, end := within(s.start, 0, n-1), within(s.end, -1, n-1)
	if n == 0 || start <= end {
		return 0, 0
	}
	return int(start), int((start-end-1)/-s.step + 1)
}

// sliceNode finishes a Slice. known holds the ranges where they are the same in every run; else nil.
func sliceNode(n *node, shape []int, ranges func(*call) (axisRanges, error), known *axisRanges) (kernel, error) {
	out := append([]int{}, shape...)
	for k := range shape {
		switch {
		case known == nil:
			out[k], n.across[k] = -1, true
		case known[k].given:
			r := known[k]
			n.across[k] = r.step != 1 || r.start != 0 || r.end < maxTensor
			if shape[k] >= 0 {
				_, out[k] = r.over(shape[k])
			}
		}
	}
	n.set(0, n.in[0].dtype, out...)
	n.trace = traceNothing
	return byType(n.in[0].dtype, slicer[float32](len(shape), ranges), slicer[float64](len(shape), ranges), slicer[int64](len(shape), ranges),
		slicer[bool](len(shape), ranges), slicer[string](len(shape), ranges)), nil
}

func slicer[T element](rank int, ranges func(*call) (axisRanges, error)) kernel {
	return func(c *call) error {
		in := c.in[0]
		if len(in.Shape) != rank {
			return c.fault(-1, 0, "input 0 has shape %s, want %d dimensions", ShapeText(in.Shape), rank)
		}
		r, err := ranges(c)
		if err != nil {
			return err
		}
		apart := strides(in.Shape, in.Shape)
		from := 0
		c.dims = append(c.dims[:0], in.Shape...)
		for k, d := range in.Shape {
			if !r[k].given {
				continue
			}
			first, count := r[k].over(d)
			from += first * apart[k]
			apart[k] *= int(r[k].step)
			c.dims[k] = count
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
