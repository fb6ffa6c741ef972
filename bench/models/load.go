package main

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"

	"ml-service/onnx"
)

// load measures the processor time that loading a model takes, here and in ONNX Runtime, and what it holds here once loaded.
func load(work, name string, libraries []string, rounds int) (string, error) {
	raw, err := os.ReadFile(filepath.Join(work, name, "model.onnx"))
	if err != nil {
		return "", err
	}
	rows, err := floats(filepath.Join(work, name, "rows.f32"))
	if err != nil {
		return "", err
	}
	c := newRows(rows, width)
	var ours, theirs []float64
	held := 0.0
	for range rounds {
		var m *onnx.Model
		before := live()
		took, err := spentByAll(func() (err error) { m, err = onnx.Load(raw); return err })
		if err != nil {
			return "", err
		}
		ours = append(ours, float64(took))
		held = float64(live()-before) / float64(len(raw))
		runtime.KeepAlive(m)
		took, err = spentByAll(func() error { _, err := openONNXRuntime(libraries[0], raw, c, 1); return err })
		if err != nil {
			return "", err
		}
		theirs = append(theirs, float64(took))
	}
	return fmt.Sprintf("| %s | %.2f MB | %s | %s | %.2f |", name, float64(len(raw))/1e6,
		spread(ours, duration), spread(theirs, duration), held), nil
}

// live is the memory in use after a collection.
func live() int64 {
	debug.FreeOSMemory()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}
