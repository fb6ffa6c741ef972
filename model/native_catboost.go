package model

import (
	"ml-service/catboost"
	"ml-service/onnx"
)

func loadCatBoost(data []byte, own map[string]string) (evaluator, error) {
	m, err := catboost.Load(data)
	if err != nil {
		return nil, err
	}
	n := &native[float64]{library: "catboost", features: len(m.Columns()), numbers: onnx.Float32, raws: m.Outputs(), width: m.Width(), scores: m.Scores}
	for i, c := range m.Columns() {
		column := nativeColumn[float64]{name: c.Name, optional: !c.Category}
		if c.Category { // any text has a hash; what it was not trained with answers as CatBoost does
			column.text = func(s string) (float64, bool) {
				code := catboost.Code(s)
				return code, m.Knows(i, code)
			}
		}
		n.columns = append(n.columns, column)
	}
	n.scratch = m.Scratch
	n.raw = func(raw, x []float64, rows int) error { m.Raw(raw, x, rows); return nil }
	switch m.Kind() {
	case catboost.Classifier:
		n.class = func(raw, _ []float64) int { return m.Class(raw) }
		n.labels = &onnx.Tensor{DType: onnx.Int64, I64: m.Integers(), Shape: []int{m.Width()}}
		if m.Texts() != nil {
			n.labels = &onnx.Tensor{DType: onnx.String, Str: m.Texts(), Shape: []int{m.Width()}}
		}
	case catboost.Labels:
		n.yes = func(p float64) bool { return p > 0.5 }
	}
	return n, n.describe(own)
}
