//go:build !race

package catboost

import "testing"

// The race detector makes sync.Pool forget what it holds now and then.
func TestAllocations(t *testing.T) {
	files := fixtures(t)
	for _, name := range []string{"cat_multiclass", "cat_ctr_combinations_onehot", "cat_lossguide"} {
		m, err := Load(read(t, files, "formats/"+name+"/model.cbm"))
		if err != nil {
			t.Fatal(err)
		}
		x, raw, scores := make([]float64, 8*len(m.Columns())), make([]float64, 8*m.Outputs()), make([]float64, 8*m.Width())
		if got := testing.AllocsPerRun(100, func() {
			m.Raw(raw, x, 8)
			m.Scores(scores, raw, 8)
		}); got > 0.5 {
			t.Errorf("%s: %v allocations a call, want none", name, got)
		}
	}
}
