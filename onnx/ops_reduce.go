package onnx

import (
	"math"
	"slices"
)

// reducing gives the entries of a reduction, whose axes became an input at opset byInput.
func reducing(name string, byInput int64, r reductions) []operator {
	return []operator{
		{name: name, since: 1, until: byInput - 1, inputs: exactlyOne, outputs: exactlyOne, keepsNaN: true, rows: rowsBesideAxis,
			attributes: []string{"axes", "keepdims"}, compile: r.compile},
		{name: name, since: byInput, inputs: arity{1, 2}, outputs: exactlyOne, keepsNaN: true, rows: rowsBesideAxis,
			attributes: []string{"keepdims", "noop_with_empty_axes"}, compile: r.compile},
	}
}

var reductionOperators = slices.Concat(
	reducing("ReduceSum", 13, reductions{reduction[float32]{step: plus[float32]}, reduction[float64]{step: plus[float64]}, reduction[int64]{step: plus[int64]}}),
	reducing("ReduceMean", 18, reductions{averaging[float32](), averaging[float64](), averaging[int64]()}),
	reducing("ReduceSumSquare", 18, reductions{squaring[float32](), squaring[float64](), squaring[int64]()}),
	reducing("ReduceProd", 18, reductions{reduction[float32]{start: 1, step: times[float32]}, reduction[float64]{start: 1, step: times[float64]}, reduction[int64]{start: 1, step: times[int64]}}),
	reducing("ReduceLogSumExp", 18, reductions{f32: logSumExp[float32](), f64: logSumExp[float64]()}),
	reducing("ReduceMax", 18, reductions{reduction[float32]{start: float32(math.Inf(-1)), step: higher[float32]}, reduction[float64]{start: math.Inf(-1), step: higher[float64]},
		reduction[int64]{step: largest.i64, extreme: -1}}),
	reducing("ReduceMin", 18, reductions{reduction[float32]{start: float32(math.Inf(1)), step: lower[float32]}, reduction[float64]{start: math.Inf(1), step: lower[float64]},
		reduction[int64]{step: smallest.i64, extreme: 1}}),
)

// reductions are a reduction in the types it is defined for.
type reductions struct {
	f32 reduction[float32]
	f64 reduction[float64]
	i64 reduction[int64]
}

// reduction makes one number of many: from start, step by step, and finish with the count.
type reduction[T numberElement] struct {
	start    T
	step     func(sum, v T) T
	finish   func(sum T, count int) T // nil: the sum itself
	extreme  int                      // of integers: start at the smallest (-1) or largest (1) number of the type
	nonempty bool                     // refuses to reduce nothing
	// Of the logarithm of a sum of exponentials: the maximum, and what is added for v.
	most, exp func(v, most T) T
}

func averaging[T numberElement]() reduction[T] {
	return reduction[T]{step: plus[T], finish: func(s T, n int) T { return s / T(n) }, nonempty: true}
}

func squaring[T numberElement]() reduction[T] {
	return reduction[T]{step: func(s, v T) T { return s + T(v*v) }} //nolint:unconvert // it keeps the product from being fused with the sum
}

// logSumExp is the logarithm of the sum of exponentials.
func logSumExp[T float32 | float64]() reduction[T] {
	return reduction[T]{start: T(math.Inf(-1)), step: plus[T], most: higher[T], finish: func(sum T, _ int) T { return T(math.Log(float64(sum))) }, exp: func(v, most T) T { return exp(v - most) }}
}

// axes gives the axes of a node, from the attribute or, where that became an input, from input i, which must be known at load.
// nil: none are given.
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

// compile makes the kernel. Axes may be computed while running; then even the number of dimensions may be known only there.
func (r reductions) compile(n *node) (kernel, error) {
	d := n.in[0].dtype
	switch {
	case r.i64.extreme != 0:
		n.types(0, slices.Concat(numeric, []DType{Bool})...)
	case r.i64.step != nil:
		n.types(0, Float32, Float64, Int32, Int64, Uint32, Uint64)
	default:
		n.types(0, floats...)
	}
	shape, keep := n.known(0), n.flag("keepdims", 1)
	f := reducer{rank: len(shape), keep: keep, noop: n.flag("noop_with_empty_axes", 0), computed: n.has(1) && n.in[1].constant == nil}
	if f.computed {
		n.types(1, Int64, Int32)
	} else if gone, err := f.axes(n.axes(1)); err {
		n.fail(n.invalid("axes %v of %d dimensions", n.axes(1), len(shape)))
	} else {
		f.gone = gone
	}
	if n.err != nil {
		return nil, n.err
	}
	n.setReduced(&f, shape)
	if r.f32.exp != nil {
		n.scratchOut = 8
	}
	switch d {
	case Float32:
		return reduce(r.f32, f), nil
	case Float64:
		return reduce(r.f64, f), nil
	case Bool:
		return reduceBool(f, r.i64.extreme < 0), nil
	}
	i := r.i64
	low, high := d.Range()
	switch step := i.step; {
	case d == Uint64 && i.extreme < 0:
		i.step = largest.u64
	case d == Uint64 && i.extreme > 0:
		i.step, i.start = smallest.u64, -1
	case i.extreme < 0:
		i.start = low
	case i.extreme > 0:
		i.start = high
	default:
		i.step = func(sum, v int64) int64 { return wrap(step(sum, v), d) }
	}
	return reduce(i, f), nil
}

// setReduced gives the output its shape, as far as it is known.
func (n *node) setReduced(f *reducer, shape []int) {
	d := n.in[0].dtype
	if f.computed {
		for i := range shape {
			n.across[i] = true
		}
		n.set(0, d)
		if n.out[0].shape = nil; f.keep {
			n.set(0, d, slices.Repeat([]int{-1}, len(shape))...)
		}
		return
	}
	out := []int{}
	for i, extent := range shape {
		if !f.gone[i] {
			out = append(out, extent)
		} else if f.keep {
			out = append(out, 1)
		}
	}
	n.across, n.drops = f.gone, !f.keep
	n.set(0, d, out...)
}

// reducer is what a reduction takes away: the axes that are gone, or those that input 1 says while running.
type reducer struct {
	rank                 int
	gone                 [maxRank]bool
	keep, noop, computed bool
}

// axes marks the axes given; none: all of them, or with noop none.
func (f *reducer) axes(given []int64) (gone [maxRank]bool, invalid bool) {
	for _, a := range given {
		if a < 0 {
			a += int64(f.rank)
		}
		if a < 0 || a >= int64(f.rank) {
			return gone, true
		}
		gone[a] = true
	}
	if len(given) == 0 && !f.noop {
		for i := range f.rank {
			gone[i] = true
		}
	}
	return gone, false
}

// sizes sizes the output and says how many elements make one of it.
func (f *reducer) sizes(c *call) (gone [maxRank]bool, count int, err error) {
	in := c.in[0]
	gone = f.gone
	if len(in.Shape) != f.rank {
		return gone, 0, c.fault(-1, 0, "input 0 has shape %s, want %d dimensions", ShapeText(in.Shape), f.rank)
	}
	if f.computed {
		var invalid bool
		if gone, invalid = f.axes(c.in[1].I64); invalid {
			return gone, 0, c.fault(1, 0, "axes %v of %d dimensions", slices.Clone(c.in[1].I64), f.rank)
		}
	}
	count = 1
	c.dims = c.dims[:0]
	for i, d := range in.Shape {
		switch {
		case !gone[i]:
			c.dims = append(c.dims, d)
		case f.keep:
			c.dims = append(c.dims, 1)
		}
		if gone[i] {
			count *= d
		}
	}
	return gone, count, c.resize(c.out[0], c.dims...)
}

func reduce[T numberElement](r reduction[T], f reducer) kernel {
	return func(c *call) error {
		gone, count, err := f.sizes(c)
		if err != nil {
			return err
		}
		dst, src, shape := data[T](c.out[0]), data[T](c.in[0]), c.in[0].Shape
		if count == 0 && r.nonempty && len(dst) > 0 {
			return c.fault(-1, 0, "input 0 has shape %s: nothing to reduce", ShapeText(shape))
		}
		if r.exp != nil {
			sumExponentials(c, dst, src, shape, gone, r)
			return nil
		}
		for i := range dst {
			dst[i] = r.start
		}
		accumulate(dst, src, shape, gone, r.step)
		if r.finish != nil {
			for i, v := range dst {
				dst[i] = r.finish(v, count)
			}
		}
		return nil
	}
}

// sumExponentials adds up exponentials less the largest of each sum, so that none overflows, and takes the logarithm.
func sumExponentials[T numberElement](c *call, dst, src []T, shape []int, gone [maxRank]bool, r reduction[T]) {
	for i := range dst {
		dst[i] = r.start
	}
	accumulate(dst, src, shape, gone, r.most)
	sums := sumsOf[T](c, len(dst))
	clear(sums)
	w := newReducedPlaces(shape, gone)
	for _, v := range src {
		sums[w.to] = r.step(sums[w.to], r.exp(v, dst[w.to]))
		w.next()
	}
	for i, most := range dst {
		if !math.IsInf(float64(most), 0) {
			dst[i] = r.finish(sums[i], 0) + most
		}
	}
}

// accumulate steps every element of src into its place in dst, where the axes that are gone have no extent.
func accumulate[T element](dst, src []T, shape []int, gone [maxRank]bool, step func(sum, v T) T) {
	w := newReducedPlaces(shape, gone)
	for _, v := range src {
		dst[w.to] = step(dst[w.to], v)
		w.next()
	}
}

// reducedPlaces goes through the elements of a shape and says to which place each is reduced.
type reducedPlaces struct {
	shape     []int
	apart, at [maxRank]int
	to        int
}

func newReducedPlaces(shape []int, gone [maxRank]bool) reducedPlaces {
	w := reducedPlaces{shape: shape}
	width := 1
	for i := len(shape) - 1; i >= 0; i-- {
		if !gone[i] {
			w.apart[i] = width
			width *= shape[i]
		}
	}
	return w
}

func (w *reducedPlaces) next() {
	for k := len(w.shape) - 1; k >= 0; k-- {
		w.at[k]++
		w.to += w.apart[k]
		if w.at[k] < w.shape[k] {
			break
		}
		w.to -= w.at[k] * w.apart[k]
		w.at[k] = 0
	}
}

// reduceBool is whether any of several holds or, of a minimum, whether all do.
func reduceBool(f reducer, any bool) kernel {
	step := func(sum, v bool) bool { return sum && v }
	if any {
		step = func(sum, v bool) bool { return sum || v }
	}
	return func(c *call) error {
		gone, _, err := f.sizes(c)
		if err != nil {
			return err
		}
		dst := c.out[0].Bool
		for i := range dst {
			dst[i] = !any
		}
		accumulate(dst, c.in[0].Bool, c.in[0].Shape, gone, step)
		return nil
	}
}

// sumsOf is scratch memory for n sums.
func sumsOf[T numberElement](c *call, n int) []T {
	var sums any
	switch any(T(0)).(type) {
	case float32:
		sums = scratch[float32](c, n)
	default:
		sums = scratch[float64](c, n)
	}
	return sums.([]T)
}
