package model

import (
	"math"
	"testing"

	"ml-service/onnx"
)

func TestAppendElement(t *testing.T) {
	for _, c := range []struct {
		tensor onnx.Tensor
		want   string
	}{
		{onnx.Tensor{DType: onnx.Float32, F32: []float32{1}}, "1.0"},
		{onnx.Tensor{DType: onnx.Float32, F32: []float32{float32(math.Copysign(0, -1))}}, "-0.0"},
		{onnx.Tensor{DType: onnx.Float32, F32: []float32{0.1}}, "0.1"},
		{onnx.Tensor{DType: onnx.Float32, F32: []float32{16777216}}, "16777216.0"},
		{onnx.Tensor{DType: onnx.Float32, F32: []float32{1e-7}}, "1e-07"},
		{onnx.Tensor{DType: onnx.Float32, F32: []float32{1e21}}, "1.0e+21"},
		{onnx.Tensor{DType: onnx.Float32, F32: []float32{3.4028235e38}}, "3.4028235e+38"},
		{onnx.Tensor{DType: onnx.Float32, F32: []float32{float32(math.NaN())}}, "null"},
		{onnx.Tensor{DType: onnx.Float64, F64: []float64{math.Inf(-1)}}, "null"},
		{onnx.Tensor{DType: onnx.Float64, F64: []float64{0.1}}, "0.1"},
		{onnx.Tensor{DType: onnx.Float64, F64: []float64{float64(float32(0.1))}}, "0.10000000149011612"},
		{onnx.Tensor{DType: onnx.Float64, F64: []float64{1e20}}, "100000000000000000000.0"},
		{onnx.Tensor{DType: onnx.Int64, I64: []int64{-9007199254740993}}, "-9007199254740993.0"},
		{onnx.Tensor{DType: onnx.Uint64, I64: []int64{-1}}, "18446744073709551615.0"},
		{onnx.Tensor{DType: onnx.Bool, Bool: []bool{true}}, "true"},
		{onnx.Tensor{DType: onnx.String, Str: []string{"a\"\n\xffé<"}}, `"a\"\u000a` + "\ufffd" + `é<"`},
	} {
		if got := string(appendElement(nil, &c.tensor, 0)); got != c.want {
			t.Errorf("got %s, want %s", got, c.want)
		}
	}
}

func TestAppendRounded(t *testing.T) {
	for p, want := range map[float64]string{0: "0.0", 1: "1.0", 0.9: "0.9", 0.6030141: "0.603", 0.9996: "1.0", 0.0004: "0.0", 0.25: "0.25", 0.1005001: "0.101", 0.1: "0.1"} {
		if got := string(appendRounded(nil, p)); got != want {
			t.Errorf("%v: got %s, want %s", p, got, want)
		}
	}
}

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
		got, ok := m.confidence(label, scores, 0)
		if !ok {
			got = -1
		}
		if math.Abs(got-c.want) > 1e-7 {
			t.Errorf("%s: got %v, want %v", c.name, got, c.want)
		}
	}
}
