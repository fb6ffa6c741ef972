package model

import (
	"archive/zip"
	"io/fs"
	"os"
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
		for _, f := range []struct {
			file string
			data []byte
		}{{p.file, own}, {"model.onnx", exported}} {
			fsys := fstest.MapFS{"v/" + f.file: {Data: f.data}}
			b.Run(p.name+"/"+f.file+"/load", func(b *testing.B) {
				b.SetBytes(int64(len(f.data)))
				for b.Loop() {
					if _, err := Load(fsys, "v"); err != nil {
						b.Fatal(err)
					}
				}
			})
			m, err := Load(fsys, "v")
			if err != nil {
				b.Fatal(err)
			}
			for _, rows := range []int{1, 1000} {
				b.Run(p.name+"/"+f.file+"/rows="+map[int]string{1: "1", 1000: "1000"}[rows], func(b *testing.B) {
					b.ReportAllocs()
					batch := m.Batch()
					defer batch.Release()
					for i := 0; b.Loop(); i++ {
						t := batch.Input(0)
						t.Resize(rows, m.Inputs()[0].Width)
						for k := range t.F32 {
							t.F32[k] = float32((k*7919+i*31)%1000) / 100
						}
						for k := range t.F64 {
							t.F64[k] = float64((k*7919+i*31)%1000) / 100
						}
						if err := batch.Run(nil); err != nil {
							b.Fatal(err)
						}
					}
				})
			}
		}
	}
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
