package model

import (
	"math"
	"testing"

	"ml-service/onnx"
)

// TestConfidence: only a distribution over the classes has one.
func TestConfidence(t *testing.T) {
	labels := &onnx.Tensor{DType: onnx.Int64, Shape: []int{2}, I64: []int64{4, 9}}
	for _, c := range []struct {
		name   string
		labels *onnx.Tensor
		label  int64
		scores []float32
		want   float64 // -1: none
	}{
		{"a distribution", labels, 9, []float32{0.25, 0.75}, 0.75},
		{"not the larger score", labels, 4, []float32{0.25, 0.75}, 0.25},
		{"almost one", labels, 9, []float32{0.25, 0.7505}, 0.7505},
		{"above one by rounding", labels, 9, []float32{-3.6e-7, 1.0000004}, 1},
		{"below zero by rounding", labels, 4, []float32{-3.6e-7, 1.0000004}, 0},
		{"outside by more than rounding", labels, 9, []float32{-0.002, 1.002}, -1},
		{"not one", labels, 9, []float32{0.25, 0.752}, -1},
		{"a decision function", labels, 4, []float32{-0.5, 0.5}, -1},
		{"a decision function that sums to one", labels, 4, []float32{1.5, -0.5}, -1},
		{"not a number", labels, 4, []float32{float32(math.NaN()), 1}, -1},
		{"a label without a column", labels, 5, []float32{0.25, 0.75}, -1},
		{"unknown columns, by position", nil, 1, []float32{0.25, 0.75}, 0.75},
		{"unknown columns, another order", nil, 0, []float32{0.25, 0.75}, -1},
		{"unknown columns, no such position", nil, 2, []float32{0.25, 0.75}, -1},
		{"more columns than labels", labels, 9, []float32{0.25, 0.5, 0.25}, -1},
	} {
		m := &Model{kind: Classifier, label: 0, scores: 1, columns: columnsOf(onnx.Value{Labels: c.labels})}
		label := &onnx.Tensor{DType: onnx.Int64, Shape: []int{1}, I64: []int64{c.label}}
		scores := &onnx.Tensor{DType: onnx.Float32, Shape: []int{1, len(c.scores)}, F32: c.scores}
		got := m.class(label, scores, 0).Confidence
		if math.Abs(got-c.want) > 1e-7 {
			t.Errorf("%s: got %v, want %v", c.name, got, c.want)
		}
	}
}
