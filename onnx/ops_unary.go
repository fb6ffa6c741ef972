package onnx

import "math"

// unary is an operator that computes each element of float from one.
func unary(name string, since int64, f32 func(float32) float32, f64 func(float64) float64) operator {
	return unaryOfNumbers(name, since, f32, f64, nil)
}

// unaryOfNumbers is unary for the integer types too.
func unaryOfNumbers(name string, since int64, f32 func(float32) float32, f64 func(float64) float64, i64 func(int64) int64) operator {
	return operator{name: name, since: since, inputs: exactlyOne, outputs: exactlyOne, elementwise: true, keepsNaN: true, rows: rowsBroadcast, compile: function(f32, f64, i64)}
}

var unaryOperators = []operator{
	unaryOfNumbers("Abs", 6, through(math.Abs), math.Abs, magnitude),
	unary("Exp", 6, exp32, exp64),
	unary("Log", 6, through(math.Log), math.Log),
	unaryOfNumbers("Neg", 6, negative[float32], negative[float64], negative[int64]),
	unary("Reciprocal", 6, reciprocal[float32], reciprocal[float64]),
	unaryOfNumbers("Relu", 6, relu[float32], relu[float64], relu[int64]),
	unary("Sigmoid", 6, logistic[float32], logistic[float64]),
	unaryOfNumbers("Sign", 9, sign[float32], sign[float64], sign[int64]),
	unary("Sqrt", 6, through(math.Sqrt), math.Sqrt),
	unary("Tanh", 6, through(math.Tanh), math.Tanh),
	{name: "IsNaN", since: 9, inputs: exactlyOne, outputs: exactlyOne, elementwise: true, rows: rowsBroadcast, compile: isNaN},
	{name: "Clip", since: 6, until: 10, inputs: exactlyOne, outputs: exactlyOne, elementwise: true, keepsNaN: true, rows: rowsBroadcast,
		attributes: []string{"min", "max"}, compile: clipByAttributes},
	{name: "Clip", since: 11, inputs: arity{1, 3}, outputs: exactlyOne, elementwise: true, keepsNaN: true, rows: rowsBroadcast, compile: clip},
}

func through(f func(float64) float64) func(float32) float32 {
	return func(x float32) float32 { return float32(f(float64(x))) }
}

func negative[T numberElement](x T) T { return -x }

func reciprocal[T float32 | float64](x T) T { return 1 / x }

// relu keeps NaN.
func relu[T numberElement](x T) T {
	if x < 0 {
		return 0
	}
	return x
}

func sign[T numberElement](x T) T {
	switch {
	case x > 0:
		return 1
	case x < 0:
		return -1
	}
	return x
}

// numberElement is what arithmetic works on.
type numberElement interface{ float32 | float64 | int64 }

// magnitude of the smallest integer is itself, as two's complement has it.
func magnitude(x int64) int64 {
	if x < 0 {
		return -x
	}
	return x
}

// function makes an elementwise operator of a function in the float types and, unless i64 is nil, the integer types.
func function(f32 func(float32) float32, f64 func(float64) float64, i64 func(int64) int64) func(n *node) (kernel, error) {
	return func(n *node) (kernel, error) {
		allowed := floats
		if i64 != nil {
			allowed = numeric
		}
		n.types(0, allowed...)
		d := n.in[0].dtype
		n.set(0, d, n.in[0].shape...)
		switch {
		case d == Float32:
			return mapElements(f32), nil
		case d == Float64:
			return mapElements(f64), nil
		case d == Uint64: // beyond the range of int64, where none of these functions changes a number but Sign and Neg
			return mapElements(ofUnsigned(n.op.name, i64)), nil
		}
		return mapElements(func(x int64) int64 { return wrap(i64(x), d) }), nil
	}
}

// ofUnsigned is a function of unsigned numbers of 64 bits, which are held as int64.
func ofUnsigned(name string, i64 func(int64) int64) func(int64) int64 {
	switch name {
	case "Abs", "Relu":
		return func(x int64) int64 { return x }
	case "Sign":
		return func(x int64) int64 { return min(1, x&math.MaxInt64|x>>63&1) }
	}
	return i64
}

func mapElements[T element](f func(T) T) kernel {
	return func(c *call) error {
		if err := c.resize(c.out[0], c.in[0].Shape...); err != nil {
			return err
		}
		dst := data[T](c.out[0])
		for i, v := range data[T](c.in[0]) {
			dst[i] = f(v)
		}
		return nil
	}
}

func isNaN(n *node) (kernel, error) {
	n.types(0, floats...)
	n.missing = true
	n.set(0, Bool, n.in[0].shape...)
	return func(c *call) error {
		if err := c.resize(c.out[0], c.in[0].Shape...); err != nil {
			return err
		}
		for i, v := range c.in[0].F32 {
			c.out[0].Bool[i] = v != v
		}
		for i, v := range c.in[0].F64 {
			c.out[0].Bool[i] = v != v
		}
		return nil
	}, nil
}

func clipByAttributes(n *node) (kernel, error) {
	low, high := n.float("min", -math.MaxFloat32), n.float("max", math.MaxFloat32)
	n.types(0, floats...)
	n.set(0, n.in[0].dtype, n.in[0].shape...)
	if n.in[0].dtype == Float64 {
		lo, hi := float64(low), float64(high)
		if !n.given("min") {
			lo = -math.MaxFloat64
		}
		if !n.given("max") {
			hi = math.MaxFloat64
		}
		return mapElements(clamp(lo, hi)), nil
	}
	return mapElements(clamp(low, high)), nil
}

// clip has its limits as inputs, either of which may be absent.
func clip(n *node) (kernel, error) {
	n.types(0, numeric...)
	d := n.in[0].dtype
	for i := 1; i < 3; i++ {
		n.types(i, d)
		if n.has(i) && n.in[i].shape != nil && joint(n.in[i].shape) > 1 {
			n.fail(n.invalid("input %d has shape %s, want one number", i, ShapeText(n.in[i].shape)))
		}
	}
	if n.err != nil {
		return nil, n.err
	}
	n.set(0, d, n.in[0].shape...)
	switch d {
	case Float32:
		return clipped(float32(-math.MaxFloat32), float32(math.MaxFloat32)), nil
	case Float64:
		return clipped(-math.MaxFloat64, math.MaxFloat64), nil
	case Uint64:
		return clippedUnsigned, nil
	}
	return clipped(d.Range()), nil
}

// clipped clamps between the limits given, or those of the type. It keeps NaN; the upper limit wins over the lower.
func clipped[T numberElement](lowest, highest T) kernel {
	return func(c *call) error {
		low, high, err := limits(c, lowest, highest)
		if err != nil {
			return err
		}
		dst := data[T](c.out[0])
		for i, v := range data[T](c.in[0]) {
			if v < low {
				v = low
			}
			if v > high {
				v = high
			}
			dst[i] = v
		}
		return nil
	}
}

func clippedUnsigned(c *call) error {
	low, high, err := limits(c, int64(0), -1)
	if err != nil {
		return err
	}
	for i, v := range c.in[0].I64 {
		c.out[0].I64[i] = int64(min(max(uint64(v), uint64(low)), uint64(high)))
	}
	return nil
}

// limits sizes the output and gives the limits of a Clip: inputs 1 and 2 where they are there.
func limits[T element](c *call, low, high T) (T, T, error) {
	for i, limit := range [...]*T{&low, &high} {
		if len(c.in) <= i+1 || c.in[i+1] == nil {
			continue
		}
		given := data[T](c.in[i+1])
		if len(given) != 1 {
			return low, high, c.fault(-1, 0, "input %d has shape %s, want one number", i+1, ShapeText(c.in[i+1].Shape))
		}
		*limit = given[0]
	}
	return low, high, c.resize(c.out[0], c.in[0].Shape...)
}

// clamp keeps NaN. The upper limit wins over the lower.
func clamp[T numberElement](low, high T) func(T) T {
	return func(x T) T {
		if x < low {
			x = low
		}
		if x > high {
			x = high
		}
		return x
	}
}
