package onnx

import (
	"runtime"
	"testing"
)

// A forest of 300,000 nodes must load in at most three times the memory of its file.
func TestLoadTakesMemoryInProportion(t *testing.T) {
	data := forestFile(100, 3000, 30)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	m := mustLoad(t, data)
	runtime.ReadMemStats(&after)
	got := float64(after.TotalAlloc-before.TotalAlloc) / float64(len(data))
	t.Logf("%d bytes, %.2f times that allocated", len(data), got)
	if got > 3 {
		t.Errorf("loading %d bytes allocated %.2f times that, want at most 3", len(data), got)
	}
	if n := len(m.steps); n != 1 {
		t.Errorf("the plan has %d steps, want 1", n)
	}
}

func BenchmarkLoadForest(b *testing.B) {
	data := forestFile(100, 3000, 30)
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	for b.Loop() {
		mustLoad(b, data)
	}
}
