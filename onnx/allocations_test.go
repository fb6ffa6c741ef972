//go:build !race

// Under the race detector a sync.Pool drops at random what it is given, so that allocations mean nothing there.

package onnx

import (
	"os"
	"path/filepath"
	"testing"
)

func TestRunAllocatesNothing(t *testing.T) {
	for _, name := range benchModels {
		m, _, _ := benchModel(t, name)
		testAllocations(t, name, m)
	}
	// Operators of the fixtures that the models above do not have. Texts are left out: what changes their case makes new ones.
	for _, name := range []string{"knn_classifier", "knn_regressor", "gaussian_process", "adaboost_regressor", "svc_rbf_multiclass", "svc_rbf_probability_binary", "svr_poly",
		"quantile_transformer", "qda", "gaussian_mixture", "voting_soft", "kbins_onehot_logreg", "calibrated_isotonic", "multi_output_classifier", "polynomial_features"} {
		testAllocations(t, name, load(t, filepath.Join("testdata", "models", name, "model.onnx")))
	}
	var files []string
	for _, name := range []string{"lpnormalization-l1", "pow-int", "cast-nan-int", "slice-negative", "argmax-last-index", "reducesumsquare-noop", "undeclared-width"} {
		files = append(files, filepath.Join("testdata", "found", name, "model.onnx"))
	}
	for _, path := range files {
		if _, err := os.Stat(path); err != nil {
			t.Fatal(err)
		}
		testAllocations(t, path, load(t, path))
	}
}

func testAllocations(t *testing.T, name string, m *Model) {
	t.Helper()
	s := m.NewSession()
	for _, n := range []int{1, 64} {
		got := testing.AllocsPerRun(50, func() {
			for i, v := range m.Inputs() {
				in := s.Input(i)
				shape := [maxRank]int{}
				for k, d := range v.Shape {
					if shape[k] = d; d < 0 {
						shape[k] = n
					}
					if k > 0 && d < 0 {
						shape[k] = 9
					}
				}
				in.Resize(shape[:len(v.Shape)]...)
				for k := range in.F32 {
					in.F32[k] = float32(k%7) / 3
				}
			}
			if err := s.Run(); err != nil {
				t.Fatalf("%s: %v", name, err)
			}
		})
		if got != 0 {
			t.Errorf("%s, %d rows: %v allocations a run, want 0", name, n, got)
		}
	}
}
