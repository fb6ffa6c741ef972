package predict

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

// TestAppendRowsFirst turns [targets, rows, classes] into rows of targets of classes.
func TestAppendRowsFirst(t *testing.T) {
	three := &onnx.Tensor{DType: onnx.Int64, Shape: []int{2, 3, 2}, I64: []int64{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11}}
	one := &onnx.Tensor{DType: onnx.Int64, Shape: []int{2, 1, 2}, I64: []int64{0, 1, 2, 3}}
	flat := &onnx.Tensor{DType: onnx.Int64, Shape: []int{1, 3}, I64: []int64{7, 8, 9}}
	for _, c := range []struct {
		tensor *onnx.Tensor
		single bool
		want   string
	}{
		{three, false, "[[[0.0,1.0],[6.0,7.0]],[[2.0,3.0],[8.0,9.0]],[[4.0,5.0],[10.0,11.0]]]"},
		{one, true, "[[0.0,1.0],[2.0,3.0]]"},
		{one, false, "[[[0.0,1.0],[2.0,3.0]]]"},
		{flat, false, "[[7.0],[8.0],[9.0]]"},
	} {
		if got := string(appendRowsFirst(nil, c.tensor, 1, c.single)); got != c.want {
			t.Errorf("%v: got %s, want %s", c.tensor.Shape, got, c.want)
		}
	}
}
