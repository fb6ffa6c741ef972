package model

import (
	"strconv"

	"ml-service/lightgbm"
	"ml-service/onnx"
)

func loadLightGBM(data []byte, own map[string]string) (evaluator, error) {
	m, err := lightgbm.Load(data)
	if err != nil {
		return nil, err
	}
	n := &native[float64]{library: "lightgbm", features: len(m.Columns()), numbers: onnx.Float64, raws: m.Outputs(), width: m.Width(), scores: m.Scores}
	for i := range m.Columns() {
		n.columns = append(n.columns, columnOfLightGBM(&m.Columns()[i]))
	}
	n.scratch = m.Scratch
	n.raw = func(raw, x []float64, rows int) error { m.Raw(raw, x, rows); return nil }
	if m.Kind() == lightgbm.Classifier {
		n.class = func(_, scores []float64) int { return m.Class(scores) }
	}
	return n, n.describe(own)
}

// columnOfLightGBM: a category that LightGBM does not know is a missing value.
func columnOfLightGBM(c *lightgbm.Column) nativeColumn[float64] {
	column := nativeColumn[float64]{name: c.Name, optional: true, categories: c.Strings}
	switch {
	case c.Strings != nil:
		column.text = func(s string) (float64, bool) { return missesNot(c.Code(s)) }
	case c.Numbers != nil:
		for _, v := range c.Numbers {
			column.categories = append(column.categories, strconv.FormatFloat(v, 'g', -1, 64))
		}
		column.number = func(v float64) (float64, bool) { return missesNot(c.CodeOf(v)) }
	}
	return column
}

// missesNot says beside a code whether there is one.
func missesNot(code float64) (float64, bool) { return code, code == code }
