package lightgbm

import (
	"math"
	"testing"
)

// FuzzLoad loads bytes and, where they are a model, asks it: neither may panic.
func FuzzLoad(f *testing.F) {
	files := fixtures(f)
	for _, name := range []string{"lgb_stumps", "lgb_single_leaf_multi", "lgb_linear_tree_cat", "lgb_linear_tree_nan", "lgb_pandas_two", "lgb_pandas_integers", "lgb_zero_as_missing_cat", "lgb_rf_multi", "lgb_categorical_negative"} {
		data := read(f, files, "formats/"+name+"/model.txt")
		f.Add(data[:min(len(data), 4000)])
		if len(data) < 1<<14 {
			f.Add(data)
		}
	}
	f.Add([]byte(stump))
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) > 1<<16 {
			return
		}
		m, err := Load(data)
		if err != nil {
			return
		}
		const rows = 3
		width := len(m.Columns())
		for _, v := range []float64{0, 1.5, -0.5, 1e300, math.NaN(), math.Inf(1)} {
			x := make([]float64, rows*width)
			for i := range x {
				x[i] = v + float64(i%2)
			}
			raw, scores := make([]float64, rows*m.Outputs()), make([]float64, rows*m.Width())
			m.Raw(raw, x, rows)
			m.Scores(scores, raw, rows)
			if m.Kind() == Classifier {
				if k := m.Class(scores[:m.Width()]); k < 0 || k >= m.Width() {
					t.Fatalf("class %d of %d", k, m.Width())
				}
			}
		}
	})
}
