package onnx

import (
	"math"
	"slices"
)

// reducing gives the entries of a reduction, whose axes became an input at opset byInput.
func reducing(name string, byInput int64, f32 reduction[float32], f64 reduction[float64]) []operator {
	return []operator{
		{name: name, since: 1, until: byInput - 1, inputs: exactlyOne, outputs: exactlyOne, keepsNaN: true, rows: rowsBesideAxis,
			attributes: []string{"axes", "keepdims"}, compile: reduce(f32, f64)},
		{name: name, since: byInput, inputs: arity{1, 2}, outputs: exactlyOne, keepsNaN: true, rows: rowsBesideAxis,
			attributes: []string{"keepdims", "noop_with_empty_axes"}, compile: reduce(f32, f64)},
	}
}

var reductionOperators = slices.Concat(
	reducing("ReduceSum", 13, summing[float32](), summing[float64]()),
	reducing("ReduceMean", 18, averaging[float32](), averaging[float64]()),
	reducing("ReduceSumSquare", 18, squaring[float32](), squaring[float64]()),
	reducing("ReduceProd", 18, multiplyingUp[float32](), multiplyingUp[float64]()),
	reducing("ReduceLogSumExp", 18, reduction[float32]{whole: logSumExp[float32], nonempty: true}, reduction[float64]{whole: logSumExp[float64], nonempty: true}),
	reducing("ReduceMax", 18, reduction[float32]{start: float32(math.Inf(-1)), step: higher[float32], nonempty: true},
		reduction[float64]{start: math.Inf(-1), step: higher[float64], nonempty: true}),
	reducing("ReduceMin", 18, reduction[float32]{start: float32(math.Inf(1)), step: lower[float32], nonempty: true},
		reduction[float64]{start: math.Inf(1), step: lower[float64], nonempty: true}),
)

// reduction makes one number of many: from start, step by step, and finish with the count.
type reduction[T element] struct {
	start    T
	step     func(sum, v T) T
	finish   func(sum T, count int) T // nil: the sum itself
	nonempty bool                     // refuses to reduce nothing
	whole    func(line []T) T         // in place of steps: all at once, one last axis alone
}

func summing[T float32 | float64]() reduction[T] { return reduction[T]{step: plus[T]} }

func averaging[T float32 | float64]() reduction[T] {
	return reduction[T]{step: plus[T], finish: func(s T, n int) T { return s / T(n) }, nonempty: true}
}

func squaring[T float32 | float64]() reduction[T] {
	return reduction[T]{step: func(s, v T) T { return s + T(v*v) }} //nolint:unconvert // it keeps the product from being fused with the sum
}

func multiplyingUp[T float32 | float64]() reduction[T] { return reduction[T]{start: 1, step: times[T]} }

// logSumExp takes the maximum out, so that nothing overflows.
func logSumExp[T float32 | float64](line []T) T {
	m, sum := line[0], T(0)
	for _, v := range line {
		m = higher(m, v)
	}
	if math.IsInf(float64(m), 0) {
		return m
	}
	for _, v := range line {
		sum += exp(v - m)
	}
	return T(math.Log(float64(sum))) + m
}

// axes gives the axes of a node, from the attribute or, where that became an input, from input i; nil: none are given.
func (n *node) axes(i int) []int64 {
	if slices.Contains(n.op.attributes, "axes") {
		return n.ints("axes")
	}
	return n.ints64(i)
}

// axis brings an axis counted from the end into 0 to rank-1.
func (n *node) axis(axis int64, rank int) int {
	if axis < -int64(rank) || axis >= int64(rank) {
		n.fail(n.invalid("axis %d of %d dimensions", axis, rank))
		return 0
	}
	if axis < 0 {
		axis += int64(rank)
	}
	return int(axis)
}

// known gives the shape of input i, whose rank must be known at load.
func (n *node) known(i int) []int {
	if s := n.in[i].shape; s != nil {
		return s
	}
	n.fail(n.unsupported([]string{"inputs whose number of dimensions is known"}, "the shape of input %d (%q) is not known before running", i, n.in[i].name))
	return []int{}
}

func reduce(f32 reduction[float32], f64 reduction[float64]) func(n *node) (kernel, error) {
	return func(n *node) (kernel, error) {
		n.types(0, floats...)
		shape, axes, keep := n.known(0), n.axes(1), n.flag("keepdims", 1)
		noop := n.flag("noop_with_empty_axes", 0)
		if n.err != nil {
			return nil, n.err
		}
		var gone [maxRank]bool
		for _, a := range axes {
			gone[n.axis(a, len(shape))] = true
		}
		if len(axes) == 0 {
			if noop {
				return identity(n)
			}
			for i := range shape {
				gone[i] = true
			}
		}
		out := []int{}
		for i, d := range shape {
			if !gone[i] {
				out = append(out, d)
			} else if keep {
				out = append(out, 1)
			}
		}
		if f32.whole != nil && !(len(shape) > 0 && gone[len(shape)-1] && len(axes) == 1) {
			return nil, n.unsupported([]string{"the last axis alone"}, "axes %v of shape %s", axes, describe(shape))
		}
		n.set(0, n.in[0].dtype, out...)
		n.across, n.drops = gone, !keep
		if n.in[0].dtype == Float64 {
			return reducer(f64, len(shape), gone, keep), nil
		}
		return reducer(f32, len(shape), gone, keep), nil
	}
}

func reducer[T element](r reduction[T], rank int, gone [maxRank]bool, keep bool) kernel {
	return func(c *call) error {
		in, out := c.in[0], c.out[0]
		if len(in.Shape) != rank {
			return c.fault(-1, 0, "input 0 has shape %s, want %d dimensions", describe(in.Shape), rank)
		}
		count := 1
		c.dims, c.index = c.dims[:0], c.index[:0]
		for i, d := range in.Shape {
			switch {
			case !gone[i]:
				c.dims, c.index = append(c.dims, d), append(c.index, d)
			case keep:
				c.dims = append(c.dims, 1)
			}
			if gone[i] {
				count *= d
			}
		}
		if err := c.resize(out, c.dims...); err != nil {
			return err
		}
		dst, src := data[T](out), data[T](in)
		if count == 0 && r.nonempty && len(dst) > 0 {
			return c.fault(-1, 0, "input 0 has shape %s: nothing to reduce", describe(in.Shape))
		}
		if r.whole != nil {
			for i := range dst {
				dst[i] = r.whole(src[i*count:][:count])
			}
			return nil
		}
		for i := range dst {
			dst[i] = r.start
		}
		accumulate(dst, src, in.Shape, gone, r.step)
		if r.finish != nil {
			for i, v := range dst {
				dst[i] = r.finish(v, count)
			}
		}
		return nil
	}
}

// accumulate steps every element of src into its place in dst, where the axes that are gone have no extent.
func accumulate[T element](dst, src []T, shape []int, gone [maxRank]bool, step func(sum, v T) T) {
	var apart, at [maxRank]int
	width := 1
	for i := len(shape) - 1; i >= 0; i-- {
		if !gone[i] {
			apart[i] = width
			width *= shape[i]
		}
	}
	to := 0
	for _, v := range src {
		dst[to] = step(dst[to], v)
		for k := len(shape) - 1; k >= 0; k-- {
			at[k]++
			to += apart[k]
			if at[k] < shape[k] {
				break
			}
			to -= at[k] * apart[k]
			at[k] = 0
		}
	}
}
