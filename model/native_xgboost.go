package model

import (
	"errors"
	"math"
	"strconv"

	"ml-service/onnx"
	"ml-service/xgboost"
)

func loadXGBoost(data []byte, own map[string]string) (evaluator, error) {
	m, err := xgboost.Load(data)
	if err != nil {
		return nil, err
	}
	n := &native[float32]{library: "xgboost", features: m.Features(), numbers: onnx.Float32, raws: m.Outputs(), width: m.Width(), scores: m.Scores}
	for i := range m.Columns() {
		n.columns = append(n.columns, columnOfXGBoost(&m.Columns()[i]))
	}
	n.scratch = m.Scratch
	n.raw = func(raw, x []float32, rows int) error {
		err := m.Raw(raw, x, rows)
		if err == nil {
			return nil
		}
		var refused *xgboost.ValueError
		if errors.As(err, &refused) {
			input, element := n.element(refused.Row, refused.Column)
			return &onnx.RunError{Input: input, Element: element, Message: refused.Message}
		}
		return err
	}
	switch m.Kind() {
	case xgboost.Classifier:
		n.class = m.Class
	case xgboost.Labels:
		n.yes = func(p float32) bool { return p > 0.5 }
	}
	return n, n.describe(own)
}

func columnOfXGBoost(c *xgboost.Column) nativeColumn[float32] {
	column := nativeColumn[float32]{name: c.Name, optional: true, closed: true, categories: c.Strings}
	switch {
	case c.Strings != nil:
		column.text = c.Code
	case c.Integers != nil:
		for _, v := range c.Integers {
			column.categories = append(column.categories, strconv.FormatInt(v, 10))
		}
		column.number = func(v float64) (float32, bool) {
			if v != math.Trunc(v) || math.Abs(v) >= 1<<63 {
				return 0, false
			}
			return c.CodeOf(int64(v))
		}
	}
	return column
}
