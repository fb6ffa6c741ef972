package onnx

import "math"

var normOperators = []operator{
	{name: "LpNormalization", since: 1, inputs: exactlyOne, outputs: exactlyOne, keepsNaN: true, rows: rowsBesideAxis,
		attributes: []string{"axis", "p"}, compile: lpNormalization},
}

// lpNormalization divides along an axis by the norm, of absolute values (p 1) or Euclidean (p 2). A line of zeros stays.
func lpNormalization(n *node) (kernel, error) {
	n.types(0, floats...)
	shape, p := n.known(0), n.int("p", 2)
	if p != 1 && p != 2 {
		return nil, n.unsupported([]string{"1", "2"}, "p is %d", p)
	}
	axis := n.axis(n.int("axis", -1), len(shape))
	if n.err != nil {
		return nil, n.err
	}
	n.set(0, n.in[0].dtype, shape...)
	n.across[axis], n.sameSize = true, true
	if n.in[0].dtype == Float64 {
		return normalizeAlong[float64](axis, len(shape), p == 2), nil
	}
	return normalizeAlong[float32](axis, len(shape), p == 2), nil
}

func normalizeAlong[T float32 | float64](axis, rank int, euclidean bool) kernel {
	return func(c *call) error {
		in := c.in[0]
		if len(in.Shape) != rank {
			return c.fault(-1, 0, "input 0 has shape %s, want %d dimensions", ShapeText(in.Shape), rank)
		}
		if err := c.resize(c.out[0], in.Shape...); err != nil {
			return err
		}
		outer, width, inner := around(in.Shape, axis, false)
		src, dst := data[T](in), data[T](c.out[0])
		for i := range outer {
			for j := range inner {
				from := i*width*inner + j
				var sum T
				for k := range width {
					if v := src[from+k*inner]; euclidean {
						sum += T(v * v) //nolint:unconvert // it keeps the product from being fused with the sum
					} else {
						sum += T(math.Abs(float64(v)))
					}
				}
				if euclidean {
					sum = T(math.Sqrt(float64(sum)))
				}
				for k := range width {
					at := from + k*inner
					if dst[at] = src[at]; sum != 0 {
						dst[at] /= sum
					}
				}
			}
		}
		return nil
	}
}
