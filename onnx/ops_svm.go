package onnx

import (
	"math"
	"slices"
)

var svmOperators = []operator{
	{name: "SVMClassifier", domain: mlDomain, since: 1, inputs: exactlyOne, outputs: arity{1, 2}, rows: rowsOfMatrices, work: workByRow,
		attributes: []string{"classlabels_ints", "classlabels_strings", "coefficients", "kernel_params", "kernel_type", "post_transform", "prob_a", "prob_b",
			"rho", "support_vectors", "vectors_per_class"}, compile: svmClassifier},
	{name: "SVMRegressor", domain: mlDomain, since: 1, inputs: exactlyOne, outputs: exactlyOne, regresses: always, rows: rowsOfMatrices, work: workByRow,
		attributes: []string{"coefficients", "kernel_params", "kernel_type", "n_supports", "one_class", "post_transform", "rho", "support_vectors"}, compile: svmRegressor},
}

// supportVectors are the vectors of a machine and the kernel function that compares a row with each.
type supportVectors struct {
	width, count         int
	vectors              []float32 // [count][width]
	kernel               string
	gamma, coef0, degree float64
}

func (n *node) supportVectors(count int) *supportVectors {
	v := &supportVectors{count: count, vectors: n.floats("support_vectors"), kernel: n.mode("kernel_type", "LINEAR", "POLY", "RBF", "SIGMOID")}
	if params := n.floats("kernel_params"); len(params) == 3 {
		v.gamma, v.coef0, v.degree = float64(params[0]), float64(params[1]), float64(params[2])
	} else if len(params) != 0 || v.kernel != "LINEAR" {
		n.fail(n.invalid("%d kernel_params, want gamma, coef0 and degree", len(params)))
	}
	if count < 1 || len(v.vectors) == 0 || len(v.vectors)%count != 0 {
		n.fail(n.invalid("support_vectors has %d elements for %d vectors", len(v.vectors), count))
		return v
	}
	v.width = len(v.vectors) / count
	n.readsColumns(v.width)
	n.perRow = len(v.vectors) + count
	return v
}

// readsColumns refuses an input that is known to have another number of columns.
func (n *node) readsColumns(width int) {
	n.converts(0)
	if w := n.columns(0); w >= 0 && w != width {
		n.fail(n.invalid("the input has %d columns, the support vectors %d", w, width))
	}
}

// compare writes what the kernel function says of a row and each vector.
func (v *supportVectors) compare(dst []float64, row []float32) {
	for i := range v.count {
		vector := v.vectors[i*v.width:][:len(row)]
		var sum float64
		if v.kernel == "RBF" {
			for k, x := range row {
				d := float64(x - vector[k])
				sum += float64(d * d)
			}
			dst[i] = exp64(float64(-v.gamma * sum))
			continue
		}
		for k, x := range row {
			sum += float64(x) * float64(vector[k]) // exact, so that it does not matter whether it is fused with the sum
		}
		switch v.kernel {
		case "POLY":
			sum = math.Pow(float64(v.gamma*sum)+v.coef0, v.degree)
		case "SIGMOID":
			sum = math.Tanh(float64(v.gamma*sum) + v.coef0)
		}
		dst[i] = sum
	}
}

func svmRegressor(n *node) (kernel, error) {
	n.types(0, numbers...)
	coefficients, rho := slices.Clone(n.floats("coefficients")), n.floats("rho")
	oneClass := n.flag("one_class", 0)
	if post := n.transform(); post != transformNone {
		return nil, n.oneTarget(post)
	}
	if len(rho) != 1 {
		return nil, n.invalid("%d values of rho, want one", len(rho))
	}
	count := n.int("n_supports", 0)
	v := &supportVectors{}
	switch {
	case count == 0: // linear: the coefficients are those of the columns
		n.mode("kernel_type", "LINEAR")
		v = &supportVectors{count: 1, width: len(coefficients), vectors: coefficients, kernel: "LINEAR"}
		n.readsColumns(v.width)
		n.perRow = v.width
		coefficients = []float32{1}
	case count < 0 || int(count) != len(coefficients):
		return nil, n.invalid("%d coefficients for %d support vectors", len(coefficients), count)
	default:
		v = n.supportVectors(int(count))
	}
	if n.err == nil && v.width == 0 {
		return nil, n.invalid("no coefficients")
	}
	n.set(0, Float32, n.rows(0), 1)
	n.scratch.fixed += int64(8 * v.count)
	b := float64(firstFloat(rho))
	return func(c *call) error {
		rows, err := c.width(0, v.width)
		if err != nil {
			return err
		}
		if err := c.resize(c.out[0], rows, 1); err != nil {
			return err
		}
		x := c.floats(0)
		similar := scratch[float64](c, v.count)
		for r := range rows {
			v.compare(similar, x[r*v.width:][:v.width])
			sum := b
			for i, s := range similar {
				sum += float64(float64(coefficients[i]) * s)
			}
			switch {
			case !oneClass:
				c.out[0].F32[r] = float32(sum)
			case sum > 0:
				c.out[0].F32[r] = 1
			default:
				c.out[0].F32[r] = -1
			}
		}
		return nil
	}, nil
}

func firstFloat(list []float32) float32 {
	if len(list) == 0 {
		return 0
	}
	return list[0]
}
