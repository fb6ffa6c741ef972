//go:build !race

package lightgbm

import "testing"

// The race detector makes sync.Pool forget what it holds now and then.
func TestAllocations(t *testing.T) {
	files := fixtures(t)
	for _, name := range []string{"lgb_multiclass", "lgb_pandas_two", "lgb_linear_tree_nan"} {
		m, err := Load(read(t, files, "formats/"+name+"/model.txt"))
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
