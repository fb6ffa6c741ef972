package onnx

import (
	"math"
	"slices"
)

// transform is the post_transform of classifiers and regressors.
type transform uint8

const (
	transformNone transform = iota
	transformLogistic
	transformSoftmax
	transformSoftmaxZero
	transformProbit
)

var transformNames = []string{"NONE", "LOGISTIC", "SOFTMAX", "SOFTMAX_ZERO", "PROBIT"}

// transform gives the attribute post_transform.
func (n *node) transform() transform {
	return transform(max(0, slices.Index(transformNames, n.mode("post_transform", transformNames...))))
}

// apply transforms the scores of one row in place.
func apply[T float32 | float64](p transform, row []T) {
	switch p {
	case transformLogistic:
		for i, v := range row {
			row[i] = logistic(v)
		}
	case transformSoftmax:
		softmax(row)
	case transformSoftmaxZero:
		softmaxZero(row)
	case transformProbit:
		for i, v := range row {
			row[i] = T(probit(float32(v)))
		}
	}
}

func logistic[T float32 | float64](x T) T {
	if x < 0 {
		return 1 - 1/(1+exp(x))
	}
	return 1 / (1 + exp(-x))
}

// maximum is the largest element, NaN ignored; of none the smallest float32.
func maximum[T float32 | float64](row []T) T {
	m := T(-math.MaxFloat32)
	for _, v := range row {
		if v > m {
			m = v
		}
	}
	return m
}

func softmax[T float32 | float64](row []T) {
	m, sum := maximum(row), T(0)
	for i, v := range row {
		row[i] = exp(v - m)
		sum += row[i]
	}
	for i := range row {
		row[i] /= sum
	}
}

// softmaxZero is softmax which leaves scores of (almost) zero out of the sum.
func softmaxZero[T float32 | float64](row []T) {
	const almost = 0.0000001
	m, sum := maximum(row), T(0)
	rest := exp(-m)
	for i, v := range row {
		if v > almost || v < -almost {
			row[i] = exp(v - m)
			sum += row[i]
		} else {
			row[i] = v * rest
		}
	}
	for i := range row {
		row[i] /= sum
	}
}

// probit is the inverse of the normal distribution as ONNX Runtime approximates it.
func probit(p float32) float32 {
	x := float32(2*p) - 1
	sign := float32(1)
	if x < 0 {
		sign = -1
	}
	log := float32(math.Log(float64((1 - x) * (1 + x))))
	v := float32(2/float64(float32(3.14159)*float32(0.147))) + float32(0.5*log)
	v2 := float32(1 / float64(float32(0.147)) * float64(log))
	v3 := -v + float32(math.Sqrt(float64(float32(v*v)-v2)))
	return 1.41421356 * sign * float32(math.Sqrt(float64(v3)))
}
