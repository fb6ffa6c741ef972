package onnx

import (
	"math"
	"slices"
)

var topKOperators = []operator{
	{name: "TopK", since: 1, until: 9, inputs: exactlyOne, outputs: exactlyTwo, rows: rowsBesideAxis, work: workOfSort, attributes: []string{"axis", "k"}, compile: topK},
	{name: "TopK", since: 10, until: 10, inputs: exactlyTwo, outputs: exactlyTwo, rows: rowsBesideAxis, work: workOfSort, attributes: []string{"axis"}, compile: topK},
	{name: "TopK", since: 11, inputs: exactlyTwo, outputs: exactlyTwo, rows: rowsBesideAxis, work: workOfSort, attributes: []string{"axis", "largest", "sorted"}, compile: topK},
}

// workOfSort is the work of picking or sorting: some comparisons for each element.
func workOfSort(n *node) int64 { return 1 + 32*int64(n.in[0].constant.Len()) }

// topK gives the k largest or smallest elements along an axis in order, and where they were; of equals the first.
func topK(n *node) (kernel, error) {
	n.types(0, numeric...)
	shape := n.known(0)
	axis := n.axis(n.int("axis", -1), len(shape))
	largest := n.flag("largest", 1)
	n.flag("sorted", 1) // in any order: in this one too
	k := int64(-1)
	switch {
	case len(n.in) == 1:
		if !n.given("k") {
			return nil, n.invalid("attribute k is absent")
		}
		if k = n.int("k", 0); k < 0 {
			return nil, n.invalid("k is %d", k)
		}
	case n.in[1].constant != nil:
		if list := n.ints64(1); len(list) == 1 && list[0] >= 0 {
			k = list[0]
		} else {
			return nil, n.invalid("input 1 is %v, want one number from 0", list)
		}
	default:
		n.types(1, Int64)
	}
	if n.err != nil {
		return nil, n.err
	}
	out := append([]int{}, shape...)
	if out[axis] = -1; k >= 0 {
		if k > maxTensor || shape[axis] >= 0 && k > int64(shape[axis]) {
			return nil, n.invalid("k is %d of %s along axis %d", k, ShapeText(shape), axis)
		}
		out[axis] = int(k)
	}
	n.set(0, n.in[0].dtype, out...)
	n.set(1, Int64, slices.Clone(out)...)
	n.across[axis] = true
	if shape[axis] >= 0 {
		n.scratch.fixed = int64(8 * shape[axis])
	} else {
		n.scratch = n.in[0].elements().times(8)
	}
	n.rank = len(shape)
	switch n.in[0].dtype {
	case Float32:
		return pickBest(axis, k, before[float32](largest)), nil
	case Float64:
		return pickBest(axis, k, before[float64](largest)), nil
	case Uint64:
		signed := before[int64](largest)
		return pickBest(axis, k, func(a, b int64) bool { return signed(a^math.MinInt64, b^math.MinInt64) }), nil
	}
	return pickBest(axis, k, before[int64](largest)), nil
}

// before says whether a comes before b: it is larger or, for the smallest, smaller.
func before[T numberElement](largest bool) func(a, b T) bool {
	if largest {
		return func(a, b T) bool { return a > b }
	}
	return func(a, b T) bool { return a < b }
}

func pickBest[T numberElement](axis int, k int64, before func(a, b T) bool) kernel {
	return func(c *call) error {
		in := c.in[0]
		if len(in.Shape) != c.node.rank {
			return c.fault(-1, 0, "input 0 has shape %s, want %d dimensions", ShapeText(in.Shape), c.node.rank)
		}
		count := k
		if count < 0 {
			if c.in[1].Len() != 1 {
				return c.fault(-1, 0, "input 1 has shape %s, want one number", ShapeText(c.in[1].Shape))
			}
			count = c.in[1].I64[0]
		}
		outer, width, inner := around(in.Shape, axis, false)
		if count < 0 || count > int64(width) {
			return c.fault(-1, 0, "k is %d of %s along axis %d", count, ShapeText(in.Shape), axis)
		}
		c.dims = append(c.dims[:0], in.Shape...)
		c.dims[axis] = int(count)
		for _, t := range c.out {
			if t != nil {
				if err := c.resize(t, c.dims...); err != nil {
					return err
				}
			}
		}
		c.index = sized(c.index, width)
		src := data[T](in)
		for i := range outer {
			for j := range inner {
				line := src[i*width*inner+j:]
				best := firstOf(c.index, line, inner, int(count), before)
				for r, at := range best {
					to := (i*int(count)+r)*inner + j
					if c.out[0] != nil {
						data[T](c.out[0])[to] = line[at*inner]
					}
					if c.out[1] != nil {
						c.out[1].I64[to] = int64(at)
					}
				}
			}
		}
		return nil
	}
}

// firstOf gives the places of the count first elements of a line whose elements are apart, in order.
func firstOf[T numberElement](places []int, line []T, apart, count int, before func(a, b T) bool) []int {
	const few = 32 // up to so many it is quicker to insert each than to sort all
	if count == 0 {
		return nil
	}
	if count > few {
		for i := range places {
			places[i] = i
		}
		slices.SortStableFunc(places, func(a, b int) int {
			x, y := line[a*apart], line[b*apart]
			switch {
			case before(x, y):
				return -1
			case before(y, x):
				return 1
			}
			return 0
		})
		return places[:count]
	}
	best := places[:0]
	for i := range places {
		x := line[i*apart]
		if len(best) == count {
			if !before(x, line[best[count-1]*apart]) {
				continue
			}
			best = best[:count-1]
		}
		at := len(best)
		best = append(best, i)
		for ; at > 0 && before(x, line[best[at-1]*apart]); at-- {
			best[at] = best[at-1]
		}
		best[at] = i
	}
	return best
}
