package onnx

import "slices"

var selectingOperators = []operator{
	{name: "GatherElements", since: 11, inputs: exactlyTwo, outputs: exactlyOne, moves: movesFirst, rows: rowsBesideAxisOfAll, attributes: []string{"axis"}, compile: gatherElements},
	{name: "Compress", since: 9, inputs: exactlyTwo, outputs: exactlyOne, moves: movesFirst, rows: rowsBesideAxis, attributes: []string{"axis"}, compile: compress},
	{name: "Expand", since: 8, inputs: exactlyTwo, outputs: exactlyOne, moves: movesFirst, rows: rowsExpanded, compile: expand},
	{name: "ScatterElements", since: 11, until: 15, inputs: arity{3, 3}, outputs: exactlyOne, rows: rowsBesideAxisOfAll, attributes: []string{"axis"}, compile: scatterElements},
	{name: "ScatterElements", since: 16, inputs: arity{3, 3}, outputs: exactlyOne, rows: rowsBesideAxisOfAll, attributes: []string{"axis", "reduction"}, compile: scatterElements},
	{name: "CumSum", since: 11, inputs: exactlyTwo, outputs: exactlyOne, keepsNaN: true, rows: rowsBesideAxis, attributes: []string{"exclusive", "reverse"}, compile: cumSum},
}

// rowsBesideAxisOfAll is the rule of operators that move elements along one axis, by indices of the same rank: what has rows has them
// along the same other axis.
func rowsBesideAxisOfAll(n *node) int {
	axis := n.in[0].rowAxis()
	for _, v := range n.in[1:] {
		if v.rowAxis() != axis {
			return batchMixed
		}
	}
	if axis < 0 || n.across[axis] {
		return batchMixed
	}
	return axis
}

// indexed checks data and indices of the same rank and gives the axis along which the indices count.
func (n *node) indexed() (axis int, shape []int) {
	n.types(0, every...)
	n.types(1, Int64, Int32)
	shape, index := n.known(0), n.known(1)
	if n.err == nil && (len(shape) != len(index) || len(shape) == 0) {
		n.fail(n.invalid("input 1 has shape %s, input 0 %s: not as many dimensions", ShapeText(index), ShapeText(shape)))
	}
	if axis = n.axis(n.int("axis", 0), len(shape)); n.err == nil {
		n.across[axis] = true
	}
	return axis, shape
}

// places goes through an index tensor and calls visit with the place in data that each of its elements names along an axis.
func (c *call) places(axis int, visit func(element, place int)) error {
	in, index := c.in[0], c.in[1]
	fits := len(in.Shape) == len(index.Shape)
	for k := 0; fits && k < len(in.Shape); k++ {
		fits = k == axis || index.Shape[k] <= in.Shape[k]
	}
	if !fits {
		return c.fault(-1, 0, "input 1 has shape %s, input 0 %s", ShapeText(index.Shape), ShapeText(in.Shape))
	}
	apart := strides(in.Shape, in.Shape)
	extent := int64(in.Shape[axis])
	var at [maxRank]int
	place := 0
	for i, v := range index.I64 {
		if v < -extent || v >= extent {
			return c.fault(1, i, "index %d, want one of %d", v, extent)
		}
		if v < 0 {
			v += extent
		}
		visit(i, place-at[axis]*apart[axis]+int(v)*apart[axis])
		for k := len(in.Shape) - 1; k >= 0; k-- {
			at[k]++
			place += apart[k]
			if at[k] < index.Shape[k] {
				break
			}
			place -= at[k] * apart[k]
			at[k] = 0
		}
	}
	return nil
}

func gatherElements(n *node) (kernel, error) {
	axis, _ := n.indexed()
	if n.err != nil {
		return nil, n.err
	}
	n.set(0, n.in[0].dtype, append([]int{}, n.in[1].shape...)...)
	n.trace = traceNothing
	d := n.in[0].dtype
	return byType(d, pickElements[float32](axis), pickElements[float64](axis), pickElements[int64](axis), pickElements[bool](axis), pickElements[string](axis)), nil
}

func pickElements[T element](axis int) kernel {
	return func(c *call) error {
		if err := c.resize(c.out[0], c.in[1].Shape...); err != nil {
			return err
		}
		dst, src := data[T](c.out[0]), data[T](c.in[0])
		return c.places(axis, func(i, place int) { dst[i] = src[place] })
	}
}

// scatterElements copies data and puts each update, or its sum, product or extreme with what is there, where its index says.
func scatterElements(n *node) (kernel, error) {
	axis, shape := n.indexed()
	d := n.in[0].dtype
	n.types(2, d)
	reduction := n.mode("reduction", "none", "add", "mul", "max", "min")
	if reduction != "none" {
		n.types(0, numeric...)
	}
	if n.err != nil {
		return nil, n.err
	}
	n.set(0, d, append([]int{}, shape...)...)
	ops := map[string]arithmetic{"add": adding, "mul": multiplying, "max": largest, "min": smallest}
	a, ok := ops[reduction]
	if !ok {
		return byType(d, scatter(axis, latter[float32]), scatter(axis, latter[float64]), scatter(axis, latter[int64]), scatter(axis, latter[bool]), scatter(axis, latter[string])), nil
	}
	switch d {
	case Float32:
		return scatter(axis, a.f32), nil
	case Float64:
		return scatter(axis, a.f64), nil
	}
	f := a.i64
	if d == Uint64 && a.u64 != nil {
		f = a.u64
	}
	return scatter(axis, func(x, y int64) int64 { return wrap(f(x, y), d) }), nil
}

func latter[T element](_, b T) T { return b }

func scatter[T element](axis int, f func(old, update T) T) kernel {
	return func(c *call) error {
		if !slices.Equal(c.in[1].Shape, c.in[2].Shape) {
			return c.fault(-1, 0, "input 2 has shape %s, input 1 %s", ShapeText(c.in[2].Shape), ShapeText(c.in[1].Shape))
		}
		if err := copyTensor(c); err != nil {
			return err
		}
		dst, updates := data[T](c.out[0]), data[T](c.in[2])
		return c.places(axis, func(i, place int) { dst[place] = f(dst[place], updates[i]) })
	}
}

// compress keeps the slices along an axis, or the elements of the flat input, for which the condition holds; what lies beyond it goes.
func compress(n *node) (kernel, error) {
	n.types(0, every...)
	n.types(1, Bool)
	shape, flat := n.known(0), !n.given("axis")
	axis := 0
	if !flat {
		axis = n.axis(n.int("axis", 0), len(shape))
	}
	if s := n.in[1].shape; s != nil && len(s) != 1 {
		n.fail(n.invalid("the condition has shape %s, want one dimension", ShapeText(s)))
	}
	if n.err != nil {
		return nil, n.err
	}
	kept := -1
	if t := n.in[1].constant; t != nil {
		kept = 0
		for _, keep := range t.Bool {
			if keep {
				kept++
			}
		}
	}
	out := []int{kept}
	if !flat {
		out = append([]int{}, shape...)
		if out[axis] = kept; shape[axis] >= 0 && kept > shape[axis] {
			return nil, n.invalid("the condition keeps %d of %s along axis %d", kept, ShapeText(shape), axis)
		}
	}
	for k := range shape {
		n.across[k] = flat || k == axis
	}
	n.set(0, n.in[0].dtype, out...)
	n.rank = len(shape)
	n.trace = traceNothing
	n.scratch = n.in[1].elements().times(8)
	d := n.in[0].dtype
	return byType(d, keepSlices[float32](axis, flat), keepSlices[float64](axis, flat), keepSlices[int64](axis, flat), keepSlices[bool](axis, flat), keepSlices[string](axis, flat)), nil
}

func keepSlices[T element](axis int, flat bool) kernel {
	return func(c *call) error {
		in := c.in[0]
		if len(in.Shape) != c.node.rank {
			return c.fault(-1, 0, "input 0 has shape %s, want %d dimensions", ShapeText(in.Shape), c.node.rank)
		}
		outer, width, inner := 1, in.Len(), 1
		if !flat {
			outer, width, inner = around(in.Shape, axis, false)
		}
		c.index = sized(c.index, len(c.in[1].Bool))[:0]
		for i, keep := range c.in[1].Bool {
			if !keep {
				continue
			}
			if i >= width {
				return c.fault(-1, 0, "the condition keeps element %d of %d", i, width)
			}
			c.index = append(c.index, i)
		}
		c.dims = append(c.dims[:0], len(c.index))
		if !flat {
			c.dims = append(c.dims[:0], in.Shape...)
			c.dims[axis] = len(c.index)
		}
		if err := c.resize(c.out[0], c.dims...); err != nil {
			return err
		}
		dst, src := data[T](c.out[0]), data[T](in)
		for i := range outer {
			for _, k := range c.index {
				copy(dst[:inner], src[(i*width+k)*inner:])
				dst = dst[inner:]
			}
		}
		return nil
	}
}
