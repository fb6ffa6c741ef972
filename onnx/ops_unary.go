package onnx

import "math"

// unary is an operator that computes each element from one.
func unary(name string, since int64, f32 func(float32) float32, f64 func(float64) float64) operator {
	return operator{name: name, since: since, inputs: exactlyOne, outputs: exactlyOne, elementwise: true, keepsNaN: true, rows: rowsBroadcast, compile: function(f32, f64)}
}

var unaryOperators = []operator{
	unary("Abs", 6, through(math.Abs), math.Abs),
	unary("Exp", 6, exp32, exp64),
	unary("Log", 6, through(math.Log), math.Log),
	unary("Neg", 6, negative[float32], negative[float64]),
	unary("Reciprocal", 6, reciprocal[float32], reciprocal[float64]),
	unary("Relu", 6, relu[float32], relu[float64]),
	unary("Sigmoid", 6, logistic[float32], logistic[float64]),
	unary("Sign", 9, sign[float32], sign[float64]),
	unary("Sqrt", 6, through(math.Sqrt), math.Sqrt),
	unary("Tanh", 6, through(math.Tanh), math.Tanh),
	{name: "IsNaN", since: 9, inputs: exactlyOne, outputs: exactlyOne, elementwise: true, rows: rowsBroadcast, compile: isNaN},
	{name: "Clip", since: 6, until: 10, inputs: exactlyOne, outputs: exactlyOne, elementwise: true, keepsNaN: true, rows: rowsBroadcast, attributes: []string{"min", "max"}, compile: clipByAttributes},
	{name: "Clip", since: 11, inputs: arity{1, 3}, outputs: exactlyOne, elementwise: true, keepsNaN: true, rows: rowsBroadcast, compile: clip},
}

func through(f func(float64) float64) func(float32) float32 {
	return func(x float32) float32 { return float32(f(float64(x))) }
}

func negative[T float32 | float64](x T) T   { return -x }
func reciprocal[T float32 | float64](x T) T { return 1 / x }

// relu keeps NaN.
func relu[T float32 | float64](x T) T {
	if x < 0 {
		return 0
	}
	return x
}

func sign[T float32 | float64](x T) T {
	switch {
	case x > 0:
		return 1
	case x < 0:
		return -1
	}
	return x
}

// function makes an elementwise operator of a function in both float types.
func function(f32 func(float32) float32, f64 func(float64) float64) func(n *node) (kernel, error) {
	return func(n *node) (kernel, error) {
		n.types(0, floats...)
		n.set(0, n.in[0].dtype, n.in[0].shape...)
		if n.in[0].dtype == Float64 {
			return each1(f64), nil
		}
		return each1(f32), nil
	}
}

func each1[T element](f func(T) T) kernel {
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
		return each1(clamp(lo, hi)), nil
	}
	return each1(clamp(low, high)), nil
}

// clip has its limits as inputs, either of which may be absent.
func clip(n *node) (kernel, error) {
	n.types(0, signed...)
	d := n.in[0].dtype
	limits := [2]*Tensor{}
	for i := range limits {
		n.types(i+1, d)
		if limits[i] = n.constant(i + 1); limits[i] != nil && limits[i].Len() != 1 && n.err == nil {
			return nil, n.invalid("input %d has shape %s, want one number", i+1, describe(limits[i].Shape))
		}
	}
	if n.err != nil {
		return nil, n.err
	}
	n.set(0, d, n.in[0].shape...)
	switch d {
	case Float32:
		return each1(clamp(limit(limits[0], float32(-math.MaxFloat32)), limit(limits[1], float32(math.MaxFloat32)))), nil
	case Float64:
		return each1(clamp(limit(limits[0], -math.MaxFloat64), limit(limits[1], math.MaxFloat64))), nil
	}
	low, high := d.Range()
	return each1(clamp(limit(limits[0], low), limit(limits[1], high))), nil
}

func limit[T element](t *Tensor, otherwise T) T {
	if t == nil {
		return otherwise
	}
	return data[T](t)[0]
}

// clamp keeps NaN. The upper limit wins over the lower.
func clamp[T float32 | float64 | int64](low, high T) func(T) T {
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
