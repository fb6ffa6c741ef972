//go:build !race

package xgboost

import "testing"

// The race detector makes sync.Pool forget what it holds now and then.
func TestAllocations(t *testing.T) {
	m, err := Load(read(t, fixtures(t), "formats/xgb_cats_strings_nan/model.ubj"))
	if err != nil {
		t.Fatal(err)
	}
	x, raw, scores := make([]float32, 8*m.Features()), make([]float32, 8*m.Outputs()), make([]float32, 8*m.Width())
	if got := testing.AllocsPerRun(100, func() {
		_ = m.Raw(raw, x, 8)
		m.Scores(scores, raw, 8)
	}); got > 0.5 {
		t.Errorf("%v allocations a call, want none", got)
	}
}
