package xgboost

import (
	"errors"
	"math"
	"testing"
)

// FuzzLoad loads bytes and, where they are a model, asks it: neither may panic, and a row may fail with a *ValueError alone.
func FuzzLoad(f *testing.F) {
	files := fixtures(f)
	for _, name := range []string{"xgb_stumps", "xgb_gblinear_multi", "xgb_dart_none_dropped", "xgb_cats_strings", "xgb_cats_integers", "xgb_vector_targets", "xgb305_vector_targets", "xgb176_cat_partition", "xgb_zero_rounds", "xgb_pruned_exact", "xgb_early_multi"} {
		for _, kind := range []string{"json", "ubj"} {
			data := read(f, files, "formats/"+name+"/model."+kind)
			f.Add(data[:min(len(data), 6000)])
			if len(data) < 1<<14 {
				f.Add(data)
			}
		}
	}
	f.Add([]byte(`{"learner":{"learner_model_param":{"base_score":"[0,1]","num_feature":"2","num_target":"2"},"objective":{"name":"reg:squarederror"},"gradient_booster":{"name":"gbtree","model":{"trees":[],"tree_info":[],"iteration_indptr":[0]}}}}`))
	f.Add([]byte("{L\x00\x00\x00\x00\x00\x00\x00\x07learner[$d#L\x7f\xff\xff\xff\xff\xff\xff\xff"))
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) > 1<<16 {
			return
		}
		m, err := Load(data)
		if err != nil {
			return
		}
		width := m.Features()
		if width > 1<<12 || m.Outputs() > 1<<12 {
			return
		}
		for _, v := range []float64{0, 1.5, -0.5, math.NaN(), math.Inf(1)} {
			const rows = 3
			x := make([]float32, rows*width)
			for i := range x {
				x[i] = float32(v) + float32(i%2)
			}
			raw, scores := make([]float32, rows*m.Outputs()), make([]float32, rows*m.Width())
			var refused *ValueError
			if err := m.Raw(raw, x, rows); err != nil && !errors.As(err, &refused) {
				t.Fatalf("got %v, want a *ValueError", err)
			}
			m.Scores(scores, raw, rows)
			if m.Kind() == Classifier {
				if k := m.Class(raw, scores); k < 0 || k >= m.Width() {
					t.Fatalf("class %d of %d", k, m.Width())
				}
			}
		}
	})
}
