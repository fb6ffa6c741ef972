package model

import (
	"runtime"
	"testing"
	"unsafe"
)

func TestClassBytes(t *testing.T) {
	if got := unsafe.Sizeof(Class{}); got != classBytes {
		t.Errorf("a Class has %d bytes, want %d", got, classBytes)
	}
}

// TestNeed holds what a batch of 200,000 rows keeps behind its run to what is said of it, within what allocating in powers of two costs.
func TestNeed(t *testing.T) {
	const rows = 200_000
	for _, name := range []string{"titanic_logreg", "xgb_binary_nan", "tree_classifier_decision_path", "multi_output_regressor"} {
		m := load(t, fixtures, name)
		need := m.Need(rows, 0)
		var before, after runtime.MemStats
		b := m.Batch()
		fill(b, rows, 1)
		runtime.GC()
		runtime.ReadMemStats(&before)
		if err := b.Run(nil); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		runtime.GC() // what is left is held: the answers, and what the pool keeps for the next batch
		runtime.ReadMemStats(&after)
		got := int64(after.HeapAlloc) - int64(before.HeapAlloc) + need.Rows // which Run let go
		if most := (need.Run + need.Answer) * 5 / 4; got > most+100_000 {
			t.Errorf("%s: holds %d bytes behind a run of %d rows, want at most %d of %+v", name, got, rows, most, need)
		}
		whole := Need{Run: m.graph.Memory().Bytes(rows, 0)}
		t.Logf("%s: %d bytes of %+v; whole it would be %d", name, got, need, whole.Run)
		b.Release()
	}
}
