package onnx

import "slices"

// cumSum adds up along an axis, with or without the element itself, from the front or from the back.
func cumSum(n *node) (kernel, error) {
	n.types(0, Float32, Float64, Int32, Int64, Uint32, Uint64)
	n.types(1, Int64, Int32)
	shape := n.known(0)
	s := summation{exclusive: n.flag("exclusive", 0), reverse: n.flag("reverse", 0)}
	if n.err != nil {
		return nil, n.err
	}
	d := n.in[0].dtype
	n.set(0, d, append([]int{}, shape...)...)
	n.sameSize, n.rank = true, len(shape)
	for k := range shape {
		n.across[k] = true
	}
	if n.in[1].constant != nil {
		axes := n.ints64(1)
		if len(axes) != 1 {
			return nil, n.invalid("%d axes, want one", len(axes))
		}
		clear(n.across[:])
		if axis := n.axis(axes[0], len(shape)); n.err == nil {
			n.across[axis] = true
		}
	}
	switch d {
	case Float32:
		return sumAlong(s, plus[float32]), n.err
	case Float64:
		return sumAlong(s, plus[float64]), n.err
	}
	return sumAlong(s, func(a, b int64) int64 { return wrap(a+b, d) }), n.err
}

type summation struct{ exclusive, reverse bool }

func sumAlong[T numberElement](s summation, plus func(a, b T) T) kernel {
	return func(c *call) error {
		in, axis := c.in[0], c.in[1]
		rank := int64(len(in.Shape))
		if len(in.Shape) != c.node.rank || axis.Len() != 1 || axis.I64[0] < -rank || axis.I64[0] >= rank {
			return c.fault(-1, 0, "axis %v of shape %s", slices.Clone(axis.I64), ShapeText(in.Shape))
		}
		if err := c.resize(c.out[0], in.Shape...); err != nil {
			return err
		}
		outer, width, inner := around(in.Shape, int((axis.I64[0]+rank)%rank), false)
		dst, src := data[T](c.out[0]), data[T](in)
		for i := range outer {
			for j := range inner {
				var sum T
				for k := range width {
					if s.reverse {
						k = width - 1 - k
					}
					at := (i*width+k)*inner + j
					if s.exclusive {
						dst[at] = sum
					}
					if sum = plus(sum, src[at]); !s.exclusive {
						dst[at] = sum
					}
				}
			}
		}
		return nil
	}
}
