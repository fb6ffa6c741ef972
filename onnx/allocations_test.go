//go:build !race

// Under the race detector a sync.Pool drops at random what it is given, so that allocations mean nothing there.

package onnx

import "testing"

func TestRunAllocatesNothing(t *testing.T) {
	for _, name := range benchModels {
		m, rows, _ := benchModel(t, name)
		s := m.NewSession()
		for _, n := range []int{1, 64} {
			got := testing.AllocsPerRun(50, func() {
				in := s.Input(0)
				in.Resize(n, 30)
				copy(in.F32, rows)
				if err := s.Run(); err != nil {
					t.Fatal(err)
				}
			})
			if got != 0 {
				t.Errorf("%s, %d rows: %v allocations a run, want 0", name, n, got)
			}
		}
	}
}
