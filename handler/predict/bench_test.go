package predict

import (
	"encoding/binary"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"ml-service/model"
)

// BenchmarkBatch is a request of 1,000 rows of 30 numbers in its three parts. Decoding and encoding together are to
// cost less than 100 trees of depth 6.
func BenchmarkBatch(b *testing.B) {
	const rows, width = 1000, 30
	recorded, err := os.ReadFile("../../bench/testdata/xgb100_d6/rows.f32")
	if err != nil {
		b.Fatal(err)
	}
	text := func(format byte, precision, bits int) []byte {
		body := []byte(`{"x": [`)
		for row := range rows {
			if row > 0 {
				body = append(body, ", "...)
			}
			body = append(body, '[')
			for k := range width {
				at := (row*width + k) * 4 % len(recorded)
				v := math.Float32frombits(binary.LittleEndian.Uint32(recorded[at:]))
				if k > 0 {
					body = append(body, ", "...)
				}
				body = strconv.AppendFloat(body, float64(v), format, precision, bits)
			}
			body = append(body, ']')
		}
		return append(body, "]}"...)
	}
	folder := b.TempDir()
	if err := os.Mkdir(filepath.Join(folder, "v1"), 0o700); err != nil {
		b.Fatal(err)
	}
	data, err := os.ReadFile("../../bench/testdata/xgb100_d6/model.onnx")
	if err != nil {
		b.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(folder, "v1/model.onnx"), data, 0o600); err != nil {
		b.Fatal(err)
	}
	m, err := model.Load(os.DirFS(folder), "v1")
	if err != nil {
		b.Fatal(err)
	}
	request := New(m).Request()
	defer request.Release()
	for _, c := range []struct {
		name string
		body []byte
	}{
		{"decode 7 digits", text('g', 7, 64)},
		{"decode 9 digits", text('g', -1, 32)},
		{"decode 17 digits", text('g', -1, 64)},
	} {
		b.Run(c.name, func(b *testing.B) {
			b.SetBytes(int64(len(c.body)))
			b.ReportAllocs()
			for b.Loop() {
				if err := request.Decode(c.body); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
	b.Run("run", func(b *testing.B) {
		for b.Loop() {
			if err := request.Batch.Run(nil); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("encode", func(b *testing.B) {
		var out []byte
		for b.Loop() {
			out = request.AppendAnswer(out[:0])
		}
		b.SetBytes(int64(len(out)))
	})
}
