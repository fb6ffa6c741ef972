package onnx

import "math"

// power raises input 0 to input 1, whose type may be another; the result has the type of input 0.
func power(n *node) (kernel, error) {
	n.types(0, Float32, Float64, Int64, Int32)
	n.types(1, numeric...)
	if n.err != nil {
		return nil, n.err
	}
	n.broadcastTo(n.in[0].dtype)
	switch d := n.in[0].dtype; d {
	case Float32:
		return raiseBy(n.in[1].dtype, func(a float32, b float64) float32 { return float32(math.Pow(float64(a), b)) }), nil
	case Float64:
		return raiseBy(n.in[1].dtype, math.Pow), nil
	default:
		return raiseBy(n.in[1].dtype, func(a int64, b float64) int64 { return wrap(integerPower(a, b), d) }), nil
	}
}

// integerPower is exact for squares and cubes; others go through float64, as ONNX Runtime has it.
func integerPower(a int64, b float64) int64 {
	switch b {
	case 2:
		return a * a
	case 3:
		return a * a * a
	}
	return truncated(math.Pow(float64(a), b))
}

func raiseBy[T element](d DType, f func(a T, b float64) T) kernel {
	switch d {
	case Float32:
		return combineTwo(func(a T, b float32) T { return f(a, float64(b)) })
	case Float64:
		return combineTwo(f)
	case Uint64:
		return combineTwo(func(a T, b int64) T { return f(a, float64(uint64(b))) })
	}
	return combineTwo(func(a T, b int64) T { return f(a, float64(b)) })
}

// combineTwo is the kernel of an elementwise operation of two inputs of any types.
func combineTwo[T, U, R element](f func(T, U) R) kernel {
	return func(c *call) error {
		if err := c.broadcast(); err != nil {
			return err
		}
		out, a, b := c.out[0], c.in[0], c.in[1]
		combine(out.Shape, data[R](out), data[T](a), a.Shape, data[U](b), b.Shape, f)
		return nil
	}
}
