package onnx

import "testing"

// TestZipMapOfDoubles: skl2onnx writes a ZipMap behind float64 scores too.
func TestZipMapOfDoubles(t *testing.T) {
	x := &Tensor{DType: Float64, Shape: []int{2, 3}, F64: []float64{0.1, 0.2, 0.7, 1e-300, 1.0 / 3, 0.5}}
	data := file(input("x", Float64, -1, 3), message(12, message(1, []byte("y"))), op("ai.onnx.ml.ZipMap", "x", "y", attrs{"classlabels_strings": []string{"c", "a", "b"}}))
	m, err := Load(data)
	if err != nil {
		t.Fatal(err)
	}
	out := m.Outputs()[0]
	if out.DType != Float64 || out.Classes == nil || len(out.Classes.Str) != 3 || out.Classes.Str[0] != "c" {
		t.Fatalf("got %s with keys %v, want float64 with c, a, b", out.DType, out.Classes)
	}
	got, err := run(t, data, x)
	if err != nil {
		t.Fatal(err)
	}
	if d := difference(got, x); d != "" {
		t.Error(d)
	}
}
