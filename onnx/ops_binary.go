package onnx

import "slices"

// arithmetic is an operation of two numbers in the types it is defined for. Integers of every width are computed in 64 bits and
// wrapped to their own.
type arithmetic struct {
	f32 func(a, b float32) float32
	f64 func(a, b float64) float64
	i64 func(a, b int64) int64
	u64 func(a, b int64) int64 // of unsigned numbers held as int64; nil: the bits are those of i64
}

var (
	adding      = arithmetic{plus[float32], plus[float64], plus[int64], nil}
	subtracting = arithmetic{minus[float32], minus[float64], minus[int64], nil}
	multiplying = arithmetic{times[float32], times[float64], times[int64], nil}
	dividing    = arithmetic{over[float32], over[float64], quotient, func(a, b int64) int64 { return int64(uint64(a) / uint64(b)) }}
	largest     = arithmetic{higher[float32], higher[float64], func(a, b int64) int64 { return max(a, b) },
		func(a, b int64) int64 { return int64(max(uint64(a), uint64(b))) }}
	smallest = arithmetic{lower[float32], lower[float64], func(a, b int64) int64 { return min(a, b) },
		func(a, b int64) int64 { return int64(min(uint64(a), uint64(b))) }}
)

func plus[T float32 | float64 | int64](a, b T) T  { return a + b }
func minus[T float32 | float64 | int64](a, b T) T { return a - b }
func times[T float32 | float64 | int64](a, b T) T { return a * b }
func over[T float32 | float64](a, b T) T          { return a / b }

// quotient rounds towards zero; the kernel has refused a divisor of zero.
func quotient(a, b int64) int64 { return a / b }

// higher and lower let NaN win, as ONNX Runtime does.
func higher[T float32 | float64](a, b T) T {
	if a > b || a != a {
		return a
	}
	return b
}

func lower[T float32 | float64](a, b T) T {
	if a < b || a != a {
		return a
	}
	return b
}

var (
	floats   = []DType{Float32, Float64}
	integers = []DType{Int8, Int16, Int32, Int64, Uint8, Uint16, Uint32, Uint64}
	numeric  = slices.Concat(floats, integers)
	every    = []DType{Float32, Float64, Int8, Int16, Int32, Int64, Uint8, Uint16, Uint32, Uint64, Bool, String}
)

var arithmeticOperators = []operator{
	{name: "Add", since: 7, inputs: exactlyTwo, outputs: exactlyOne, elementwise: true, keepsNaN: true, regresses: denseLayer, rows: rowsBroadcast, compile: adding.compile},
	{name: "Sub", since: 7, inputs: exactlyTwo, outputs: exactlyOne, elementwise: true, keepsNaN: true, rows: rowsBroadcast, compile: subtracting.compile},
	{name: "Mul", since: 7, inputs: exactlyTwo, outputs: exactlyOne, elementwise: true, keepsNaN: true, rows: rowsBroadcast, compile: multiplying.compile},
	{name: "Div", since: 7, inputs: exactlyTwo, outputs: exactlyOne, elementwise: true, keepsNaN: true, rows: rowsBroadcast, compile: dividing.compile},
	{name: "Pow", since: 7, inputs: exactlyTwo, outputs: exactlyOne, elementwise: true, rows: rowsBroadcast, compile: power},
	{name: "Sum", since: 6, inputs: oneOrMore, outputs: exactlyOne, elementwise: true, keepsNaN: true, rows: rowsBroadcast, compile: adding.floats},
	{name: "Max", since: 6, inputs: oneOrMore, outputs: exactlyOne, elementwise: true, keepsNaN: true, rows: rowsBroadcast, compile: largest.compile},
	{name: "Min", since: 6, inputs: oneOrMore, outputs: exactlyOne, elementwise: true, keepsNaN: true, rows: rowsBroadcast, compile: smallest.compile},
}

// sameTypes refuses inputs that are not all of the type of the first.
func (n *node) sameTypes(allowed []DType) {
	n.types(0, allowed...)
	for i, v := range n.in {
		if v == nil {
			n.fail(n.invalid("input %d is absent", i))
		} else if v.dtype != n.in[0].dtype {
			n.fail(n.invalid("input %d is %s and input 0 %s", i, v.dtype, n.in[0].dtype))
		}
	}
}

// floats compiles an operation that ONNX defines for floats alone.
func (a arithmetic) floats(n *node) (kernel, error) {
	n.types(0, floats...)
	return a.compile(n)
}

// compile makes the kernel for the type of the inputs; more than two are taken from the left.
func (a arithmetic) compile(n *node) (kernel, error) {
	if n.sameTypes(numeric); n.err != nil {
		return nil, n.err
	}
	d := n.in[0].dtype
	n.broadcastTo(d)
	switch d {
	case Float32:
		return foldLeft(a.f32), nil
	case Float64:
		return foldLeft(a.f64), nil
	}
	f := a.i64
	if d == Uint64 && a.u64 != nil {
		f = a.u64
	}
	run := foldLeft(func(x, y int64) int64 { return wrap(f(x, y), d) })
	if n.op.name != "Div" {
		return run, nil
	}
	return func(c *call) error {
		for i, v := range c.in[1].I64 {
			if v == 0 {
				return c.fault(1, i, "integer division by zero")
			}
		}
		return run(c)
	}, nil
}

// foldLeft combines all inputs from the left by f.
func foldLeft[T element](f func(a, b T) T) kernel {
	return func(c *call) error {
		if err := c.broadcast(); err != nil {
			return err
		}
		out := c.out[0]
		dst, a := data[T](out), c.in[0]
		if len(c.in) == 1 {
			copy(dst, data[T](a))
			return nil
		}
		combine(out.Shape, dst, data[T](a), a.Shape, data[T](c.in[1]), c.in[1].Shape, f)
		for _, b := range c.in[2:] {
			combine(out.Shape, dst, dst, out.Shape, data[T](b), b.Shape, f)
		}
		return nil
	}
}
