//go:build unix

package model

import (
	"archive/zip"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"testing/fstest"
)

// nativePairs are models that both a library's own file and an ONNX file hold.
var nativePairs = []struct{ name, room, file string }{
	{"xgb_binary", "xgboost", "model.ubj"},
	{"xgb_multiclass_digits", "xgboost", "model.ubj"},
	{"lgbm_multiclass", "lightgbm", "model.txt"},
	{"lgbm_regressor", "lightgbm", "model.txt"},
}

// BenchmarkNative loads each of them, and answers one row and a thousand, by the library's own file and by ONNX.
func BenchmarkNative(b *testing.B) {
	for _, p := range nativePairs {
		own, exported := readPair(b, p.room, p.name, p.file)
		benchmarkVersion(b, p.name+"/native/", fstest.MapFS{"v/" + p.file: {Data: own}}, "v")
		benchmarkVersion(b, p.name+"/onnx/", fstest.MapFS{"v/model.onnx": {Data: exported}}, "v")
	}
}

// BenchmarkNativeFolder does the same with the models of bench/native/compare.py: a folder for each, with versions native and onnx.
func BenchmarkNativeFolder(b *testing.B) {
	folder := os.Getenv("NATIVE_MODELS")
	if folder == "" {
		b.Skip("NATIVE_MODELS names no folder")
	}
	models, err := os.ReadDir(folder)
	if err != nil {
		b.Fatal(err)
	}
	for _, m := range models {
		for _, version := range []string{"native", "onnx"} {
			benchmarkVersion(b, m.Name()+"/"+version+"/", os.DirFS(filepath.Join(folder, m.Name())), version)
		}
	}
}

func benchmarkVersion(b *testing.B, name string, fsys fs.FS, version string) {
	b.Run(name+"load", func(b *testing.B) {
		b.ReportAllocs()
		defer processorTime(b)()
		for b.Loop() {
			if _, err := Load(fsys, version); err != nil {
				b.Fatal(err)
			}
		}
	})
	m, err := Load(fsys, version)
	if err != nil {
		b.Fatal(err)
	}
	x := make([]float32, 1024*m.Inputs()[0].Width)
	rng := rand.New(rand.NewPCG(1, 2))
	for i := range x {
		x[i] = float32(rng.NormFloat64())
	}
	for _, rows := range []int{1, 1000} {
		what := fmt.Sprintf("%d rows", rows)
		if rows == 1 {
			what = "1 row"
		}
		b.Run(name+what, func(b *testing.B) {
			b.ReportAllocs()
			batch := m.Batch()
			defer batch.Release()
			defer processorTime(b)()
			for i := 0; b.Loop(); i++ {
				t := batch.Input(0)
				t.Resize(rows, m.Inputs()[0].Width)
				from := x[i%(1025-rows)*m.Inputs()[0].Width:]
				copy(t.F32, from)
				for k := range t.F64 {
					t.F64[k] = float64(from[k])
				}
				if err := batch.Run(nil); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// processorTime reports the time of the process's threads, which other processes do not change.
func processorTime(b *testing.B) func() {
	now := func() (ns int64) {
		var u syscall.Rusage
		if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
			b.Fatal(err)
		}
		return u.Utime.Nano() + u.Stime.Nano()
	}
	began := now()
	return func() { b.ReportMetric(float64(now()-began)/float64(b.N), "cpu-ns/op") }
}

func readPair(b *testing.B, room, name, file string) (own, exported []byte) {
	b.Helper()
	z, err := zip.OpenReader("../" + room + "/testdata/models.zip")
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = z.Close() }()
	if own, err = fs.ReadFile(z, "models/"+name+"/"+file); err != nil {
		b.Fatal(err)
	}
	if exported, err = os.ReadFile("../onnx/testdata/models/" + name + "/model.onnx"); err != nil {
		b.Fatal(err)
	}
	return own, exported
}
