package onnx

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
)

// FuzzLoad loads bytes and, where they are a model, runs it on a few rows of zeros: neither may panic, and a run may
// fail with a *RunError alone.
func FuzzLoad(f *testing.F) {
	const ml = "ai.onnx.ml."
	seeds := [][]byte{
		nil,
		graph(op("Relu", "x", "y", nil)),
		graph(op(ml+"TreeEnsembleRegressor", "x", "y", stump(nil))),
		graph(op(ml+"TreeEnsembleClassifier", "x", "y", classifier([]int64{0, 2, 0, 1}, []float32{1, 2, 3, 4}, attrs{"classlabels_strings": []string{"a", "b", "c"}}))),
		graph(op(ml+"LinearRegressor", "x", "y", attrs{"coefficients": []float32{1, 2, 3}})),
		graph(op(ml+"LinearClassifier", "x", "l s", attrs{"classlabels_ints": []int64{1, 2}, "coefficients": []float32{1, 2, 3}, "intercepts": []float32{1}}), op(ml+"ZipMap", "s", "y", attrs{"classlabels_int64s": []int64{1, 2}})),
		graph(op(ml+"Scaler", "x", "a", attrs{"offset": []float32{1}, "scale": []float32{2}}), op("Concat", "x a", "b", attrs{"axis": 1}), op("Slice", "b s e", "y", nil), initializer("s", i64s(0, 1)), initializer("e", i64s(9, 4))),
		graph(op("MatMul", "x w", "a", nil), op("Softmax", "a", "b", nil), op("ArgMax", "b", "y", attrs{"axis": 1}), initializer("w", matrix(2, 1, 2, 3, 4, 5, 6))),
		graph(op("Gather", "x i", "a", attrs{"axis": 1}), op("Cast", "a", "b", attrs{"to": 7}), op(ml+"OneHotEncoder", "b", "y", attrs{"cats_int64s": []int64{0, 1}}), initializer("i", i64s(0, 2))),
		graph(op("Shape", "x", "s", nil), op("ConstantOfShape", "s", "z", nil), op("Where", "m x z", "y", nil), initializer("m", bools(true, false, true))),
		graph(op("Reshape", "x s", "a", nil), op("Transpose", "a", "y", nil), initializer("s", i64s(-1, 1))),
		graph(op(ml+"LabelEncoder", "x", "y", attrs{"keys_floats": []float32{1, nan}, "values_strings": []string{"a", "b"}})),
	}
	for _, dir := range []string{"v1.0.0", "v1.1.0"} {
		data, err := os.ReadFile(filepath.Join("..", "models", dir, "model.onnx"))
		if err != nil {
			f.Fatal(err)
		}
		seeds = append(seeds, data[:len(data)/2], data[:min(len(data), 4000)])
	}
	for _, s := range seeds {
		f.Add(s)
		f.Add(s[:len(s)*3/4])
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) > 1<<16 {
			return
		}
		m, err := Load(data)
		if err != nil {
			return
		}
		s := m.NewSession()
		for _, rows := range []int{1, 3, 0} {
			if !zeros(m, s, rows) {
				return
			}
			var refused *RunError
			if err := s.Run(); err != nil && !errors.As(err, &refused) {
				t.Fatalf("run: got %v, want a *RunError", err)
			}
		}
	})
}

// zeros fills the inputs, their unknown dimensions as many rows; false: they would be too large.
func zeros(m *Model, s *Session, rows int) bool {
	for i, v := range m.Inputs() {
		shape := make([]int, len(v.Shape))
		for k, d := range v.Shape {
			if shape[k] = d; d < 0 {
				shape[k] = rows
			}
		}
		if n, ok := volume(shape); !ok || n > 1<<20 {
			return false
		}
		t := s.Input(i)
		t.Resize(shape...)
		clear(t.F32)
		clear(t.F64)
		clear(t.I64)
		clear(t.Bool)
		clear(t.Str)
	}
	return true
}
