package onnx_test

import (
	"fmt"
	"slices"
	"testing"

	"ml-service/onnx"
)

// together are the fixtures whose batches cannot be run in pieces, and why.
var together = map[string]string{
	"forest_classifier_multi_output": "the targets come before the rows",
	"ml_feature_extractor_one_dim":   "the answer is one row",
	"op_reshape_minus_one":           "three elements for each row, without a dimension of their own",
	"qda":                            "labels lie along the second dimension",
	"tree_classifier_multi_output":   "the targets come before the rows",
}

// TestRowWise runs every case of every fixture whole and in blocks of one and of three rows: the bits must be the same where the
// model says that each row of the answer depends on one row of the input.
func TestRowWise(t *testing.T) {
	blocks, models := 0, 0
	for _, entry := range readIndex(t).Models {
		f := readFixture(t, entry.Name)
		m, err := onnx.Load(f.file)
		if err != nil {
			continue // TestRefusals says which
		}
		if _, ok := together[f.Name]; ok == m.RowWise() {
			t.Errorf("%s: RowWise is %v", f.Name, m.RowWise())
		}
		if !m.RowWise() {
			continue
		}
		models++
		whole, part := m.NewSession(), m.NewSession()
		for _, c := range f.Cases {
			if c.Kind == "refused" {
				continue
			}
			if err := runCase(m, whole, f, c, map[string]count{}); err != nil {
				t.Errorf("%s, %s: %v", f.Name, c.Name, err)
				continue
			}
			for _, size := range []int{1, 3} {
				n, err := runBlocks(m, whole, part, size)
				if err != nil {
					t.Errorf("%s, %s, %d rows at a time: %v", f.Name, c.Name, size, err)
				}
				blocks += n
			}
		}
	}
	if t.Logf("%d models in %d blocks", models, blocks); models < 310 || blocks < 18500 {
		t.Errorf("ran %d models in %d blocks, want more", models, blocks)
	}
}

// runBlocks runs the rows that lie in whole's inputs, size at a time, and compares each answer with whole's rows.
func runBlocks(m *onnx.Model, whole, part *onnx.Session, size int) (blocks int, err error) {
	rows := whole.Input(0).Shape[0]
	for from := 0; from < rows; from += size {
		n := min(size, rows-from)
		for i := range m.Inputs() {
			in, to := whole.Input(i), part.Input(i)
			to.Resize(append([]int{n}, in.Shape[1:]...)...)
			copyRows(to, in, from)
		}
		if err := part.Run(); err != nil {
			return blocks, err
		}
		blocks++
		for i, v := range m.Outputs() {
			got, all := part.Output(i), whole.Output(i)
			if all.Shape[0] != rows {
				return blocks, fmt.Errorf("output %s has shape %v for %d rows", v.Name, all.Shape, rows)
			}
			want := &onnx.Tensor{DType: all.DType}
			want.Resize(append([]int{n}, all.Shape[1:]...)...)
			copyRows(want, all, from)
			if !slices.Equal(got.Shape, want.Shape) {
				return blocks, fmt.Errorf("output %s has shape %v, want %v", v.Name, got.Shape, want.Shape)
			}
			for k := range want.Len() {
				if g, w, same := element(got, k, want, k, exactness{Word: "bits"}); !same {
					return blocks, fmt.Errorf("output %s, rows from %d, element %d: got %v, in the whole batch %v", v.Name, from, k, g, w)
				}
			}
		}
	}
	return blocks, nil
}

// copyRows fills dst with the elements of src from a row on.
func copyRows(dst, src *onnx.Tensor, from int) {
	if src.Len() == 0 {
		return
	}
	at := from * (src.Len() / src.Shape[0])
	end := at + dst.Len()
	switch {
	case src.DType == onnx.Float32:
		copy(dst.F32, src.F32[at:end])
	case src.DType == onnx.Float64:
		copy(dst.F64, src.F64[at:end])
	case src.DType == onnx.Bool:
		copy(dst.Bool, src.Bool[at:end])
	case src.DType == onnx.String:
		copy(dst.Str, src.Str[at:end])
	default:
		copy(dst.I64, src.I64[at:end])
	}
}
