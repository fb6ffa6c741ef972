package onnx

import "math"

var normalizerOperators = []operator{
	{name: "Normalizer", domain: mlDomain, since: 1, inputs: exactlyOne, outputs: exactlyOne, keepsNaN: true, rows: rowsOfMatrices,
		attributes: []string{"norm"}, compile: normalizer},
}

// normalizer divides each row by its norm. MAX is the signed maximum, as ONNX has it.
func normalizer(n *node) (kernel, error) {
	n.types(0, numbers...)
	n.converts(0)
	n.sameSize = true
	norm := normMax
	switch n.mode("norm", "MAX", "L1", "L2") {
	case "L1":
		norm = normL1
	case "L2":
		norm = normL2
	}
	n.set(0, Float32, n.rows(0), n.columns(0))
	return func(c *call) error {
		rows, columns, err := c.matrix(0)
		if err != nil {
			return err
		}
		if err := c.resize(c.out[0], rows, columns); err != nil {
			return err
		}
		x := c.floats(0)
		for r := range rows {
			norm(c.out[0].F32[r*columns:][:columns], x[r*columns:][:columns])
		}
		return nil
	}, nil
}

func normMax(dst, x []float32) {
	divide(dst, x, maximum(x))
}

func normL1(dst, x []float32) {
	var sum float32
	for _, v := range x {
		sum += float32(math.Abs(float64(v)))
	}
	divide(dst, x, sum)
}

// normL2 gives each element the root of its share of the squares, with its sign, as ONNX Runtime does.
func normL2(dst, x []float32) {
	var sum float32
	for _, v := range x {
		sum += float32(v * v)
	}
	if sum == 0 {
		copy(dst, x)
		return
	}
	for i, v := range x {
		dst[i] = float32(math.Copysign(math.Sqrt(float64(float32(v*v)/sum)), float64(v)))
	}
}

// divide leaves a row of norm zero as it is.
func divide(dst, x []float32, by float32) {
	if by == 0 {
		copy(dst, x)
		return
	}
	for i, v := range x {
		dst[i] = v / by
	}
}
