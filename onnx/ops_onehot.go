package onnx

import "math"

var oneHotOperators = []operator{
	{name: "OneHotEncoder", domain: mlDomain, since: 1, inputs: exactlyOne, outputs: exactlyOne, rows: rowsOfFirst,
		attributes: []string{"cats_int64s", "cats_strings", "zeros"}, compile: oneHot},
}

// oneHot adds an axis with a 1 at the category of each element. A category that is not known is all zeros or, with
// zeros=0, refused. Floats are categories by what stands before the point, as ONNX Runtime has it.
func oneHot(n *node) (kernel, error) {
	zeros := n.flag("zeros", 1)
	cats := n.labels("cats_int64s", "cats_strings")
	if cats.DType == String {
		n.types(0, String)
	} else {
		n.types(0, numbers...)
	}
	if n.err != nil {
		return nil, n.err
	}
	shape := n.in[0].shape
	if len(shape) >= maxRank {
		return nil, n.invalid("more than %d dimensions", maxRank)
	}
	width := cats.Shape[0]
	if n.set(0, Float32); shape != nil {
		n.set(0, Float32, append(append([]int{}, shape...), width)...)
	} else {
		n.out[0].shape = nil
	}
	places, err := n.places(cats)
	if err != nil {
		return nil, err
	}
	n.categories, n.closed = cats, !zeros
	return func(c *call) error {
		in, out := c.in[0], c.out[0]
		c.dims = append(append(c.dims[:0], in.Shape...), width)
		if err := c.resize(out, c.dims...); err != nil {
			return err
		}
		clear(out.F32)
		for i := range in.Len() {
			if k := places.of(in, i); k >= 0 {
				out.F32[i*width+k] = 1
			} else if !zeros {
				return c.fault(0, i, "%s is no known category", places.spell(in, i))
			} else {
				c.unknown(i)
			}
		}
		return nil
	}, nil
}

// places finds categories.
type places struct {
	ints    map[int64]int
	strings map[string]int
}

func (n *node) places(cats *Tensor) (*places, error) {
	p := &places{ints: map[int64]int{}, strings: map[string]int{}}
	for i, v := range cats.I64 {
		if _, ok := p.ints[v]; ok {
			return nil, n.invalid("category %d is given twice", v)
		}
		p.ints[v] = i
	}
	for i, v := range cats.Str {
		if _, ok := p.strings[v]; ok {
			return nil, n.invalid("category %q is given twice", v)
		}
		p.strings[v] = i
	}
	return p, nil
}

// of gives the place of element i of t, or -1.
func (p *places) of(t *Tensor, i int) int {
	k, ok := 0, false
	switch {
	case t.DType == String:
		k, ok = p.strings[t.Str[i]]
	case t.DType.IsInteger():
		k, ok = p.ints[t.I64[i]]
	default:
		v := 0.0
		if t.DType == Float32 {
			v = float64(t.F32[i])
		} else {
			v = t.F64[i]
		}
		if v = math.Trunc(v); v >= -1<<63 && v < 1<<63 {
			k, ok = p.ints[int64(v)]
		}
	}
	if !ok {
		return -1
	}
	return k
}
