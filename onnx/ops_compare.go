package onnx

import "math"

var comparisonOperators = []operator{
	{name: "Greater", since: 7, inputs: exactlyTwo, outputs: exactlyOne, elementwise: true, rows: rowsBroadcast, compile: ordering(func(a, b float32) bool { return a > b },
		func(a, b float64) bool { return a > b }, func(a, b int64) bool { return a > b })},
	{name: "GreaterOrEqual", since: 12, inputs: exactlyTwo, outputs: exactlyOne, elementwise: true, rows: rowsBroadcast, compile: ordering(func(a, b float32) bool { return a >= b },
		func(a, b float64) bool { return a >= b }, func(a, b int64) bool { return a >= b })},
	{name: "Less", since: 7, inputs: exactlyTwo, outputs: exactlyOne, elementwise: true, rows: rowsBroadcast, compile: ordering(func(a, b float32) bool { return a < b },
		func(a, b float64) bool { return a < b }, func(a, b int64) bool { return a < b })},
	{name: "LessOrEqual", since: 12, inputs: exactlyTwo, outputs: exactlyOne, elementwise: true, rows: rowsBroadcast, compile: ordering(func(a, b float32) bool { return a <= b },
		func(a, b float64) bool { return a <= b }, func(a, b int64) bool { return a <= b })},
	{name: "Equal", since: 7, inputs: exactlyTwo, outputs: exactlyOne, elementwise: true, rows: rowsBroadcast, compile: equal},
	{name: "And", since: 7, inputs: exactlyTwo, outputs: exactlyOne, elementwise: true, rows: rowsBroadcast, compile: logic(func(a, b bool) bool { return a && b })},
	{name: "Or", since: 7, inputs: exactlyTwo, outputs: exactlyOne, elementwise: true, rows: rowsBroadcast, compile: logic(func(a, b bool) bool { return a || b })},
	{name: "Not", since: 1, inputs: exactlyOne, outputs: exactlyOne, elementwise: true, rows: rowsBroadcast, compile: not},
	{name: "Where", since: 9, inputs: arity{3, 3}, outputs: exactlyOne, elementwise: true, rows: rowsBroadcast, compile: where},
}

func ordering(f32 func(a, b float32) bool, f64 func(a, b float64) bool, i64 func(a, b int64) bool) func(n *node) (kernel, error) {
	return func(n *node) (kernel, error) {
		if n.sameTypes(numeric); n.err != nil {
			return nil, n.err
		}
		n.broadcastTo(Bool)
		switch n.in[0].dtype {
		case Float32:
			return combineTwo(f32), nil
		case Float64:
			return combineTwo(f64), nil
		case Uint64: // the order of unsigned numbers is that of signed ones with the highest bit turned
			return combineTwo(func(a, b int64) bool { return i64(a^math.MinInt64, b^math.MinInt64) }), nil
		}
		return combineTwo(i64), nil
	}
}

func same[T comparable](a, b T) bool { return a == b }

func equal(n *node) (kernel, error) {
	if n.sameTypes(every); n.err != nil {
		return nil, n.err
	}
	n.broadcastTo(Bool)
	switch n.in[0].dtype {
	case Float32:
		return combineTwo(same[float32]), nil
	case Float64:
		return combineTwo(same[float64]), nil
	case Bool:
		return combineTwo(same[bool]), nil
	case String:
		return combineTwo(same[string]), nil
	}
	return combineTwo(same[int64]), nil
}

func logic(f func(a, b bool) bool) func(n *node) (kernel, error) {
	return func(n *node) (kernel, error) {
		if n.sameTypes([]DType{Bool}); n.err != nil {
			return nil, n.err
		}
		n.broadcastTo(Bool)
		return combineTwo(f), nil
	}
}

func not(n *node) (kernel, error) {
	n.types(0, Bool)
	n.set(0, Bool, n.in[0].shape...)
	return func(c *call) error {
		if err := c.resize(c.out[0], c.in[0].Shape...); err != nil {
			return err
		}
		for i, v := range c.in[0].Bool {
			c.out[0].Bool[i] = !v
		}
		return nil
	}, nil
}

// where takes each element from input 1 where input 0 holds, else from input 2.
func where(n *node) (kernel, error) {
	n.types(0, Bool)
	n.types(1, every...)
	if n.err == nil && n.in[1].dtype != n.in[2].dtype {
		n.fail(n.invalid("input 2 is %s and input 1 %s", n.in[2].dtype, n.in[1].dtype))
	}
	if n.broadcastTo(n.in[1].dtype); n.err != nil {
		return nil, n.err
	}
	n.scratchOut = 1
	switch d := n.in[1].dtype; {
	case d == Float32:
		return choose[float32], nil
	case d == Float64:
		return choose[float64], nil
	case d == Bool:
		return choose[bool], nil
	case d == String:
		return choose[string], nil
	}
	return choose[int64], nil
}

// choose fills the output from input 2 and then overwrites it from input 1 where input 0 holds.
func choose[T element](c *call) error {
	if err := c.broadcast(); err != nil {
		return err
	}
	out := c.out[0]
	dst, cond, yes, no := data[T](out), c.in[0], c.in[1], c.in[2]
	c.reached = sized(c.reached, len(dst))
	combine(out.Shape, c.reached, cond.Bool, cond.Shape, cond.Bool, cond.Shape, func(a, _ bool) bool { return a })
	combine(out.Shape, dst, data[T](no), no.Shape, c.reached, out.Shape, func(v T, _ bool) T { return v })
	at := 0
	combine(out.Shape, dst, data[T](yes), yes.Shape, dst, out.Shape, func(v, old T) T {
		at++
		if c.reached[at-1] {
			return v
		}
		return old
	})
	return nil
}
