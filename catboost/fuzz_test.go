package catboost

import (
	"math"
	"testing"
)

// FuzzLoad loads bytes and, where they are a model, asks it: neither may panic.
func FuzzLoad(f *testing.F) {
	files := fixtures(f)
	for _, name := range []string{"cat_stumps", "cat_single_leaf", "cat_lossguide", "cat_ctr_simple", "cat_ctr_combinations_onehot", "cat_ctr_mean_reg", "cat_onehot", "cat_rmse_uncertainty", "cat_multiclass"} {
		f.Add(read(f, files, "formats/"+name+"/model.cbm"))
	}
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
				if x[i] = v + float64(i%2); m.Columns()[i%width].Category {
					x[i] = Code("kiwi")
				}
			}
			raw, scores := make([]float64, rows*m.Outputs()), make([]float64, rows*m.Width())
			m.Raw(raw, x, rows)
			m.Scores(scores, raw, rows)
			if m.Kind() == Classifier {
				if k := m.Class(raw[:m.Outputs()]); k < 0 || k >= m.Width() {
					t.Fatalf("class %d of %d", k, m.Width())
				}
			}
		}
	})
}
