package onnx

import (
	"encoding/binary"
	"math"
	"os"
	"path/filepath"
	"sync"
	"testing"
)

var benchModels = []string{"logistic30", "xgb100_d3", "xgb100_d6", "forest100_d8", "xgb1000_d6"}

func load(t testing.TB, path string) *Model {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	m, err := Load(data)
	if err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	return m
}

func readFloats(t testing.TB, path string) []float32 {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	x := make([]float32, len(data)/4)
	for i := range x {
		x[i] = math.Float32frombits(binary.LittleEndian.Uint32(data[4*i:]))
	}
	return x
}

// benchModel loads one of bench's models with its rows and ONNX Runtime's scores for them.
func benchModel(t testing.TB, name string) (m *Model, rows, answers []float32) {
	t.Helper()
	dir := filepath.Join("..", "bench", "testdata", name)
	return load(t, filepath.Join(dir, "model.onnx")), readFloats(t, filepath.Join(dir, "rows.f32")), readFloats(t, filepath.Join(dir, "answers.f32"))
}

func TestBenchModelsAnswerAsRecorded(t *testing.T) {
	for _, name := range benchModels {
		t.Run(name, func(t *testing.T) {
			m, rows, answers := benchModel(t, name)
			s := m.NewSession()
			s.Input(0).Resize(512, 30)
			copy(s.Input(0).F32, rows)
			if err := s.Run(); err != nil {
				t.Fatal(err)
			}
			for i, want := range answers {
				if got := s.Output(1).F32[i]; math.Abs(float64(got-want)) > 1e-6+1e-5*math.Abs(float64(want)) {
					t.Fatalf("score %d: got %v, want %v", i, got, want)
				}
			}
			batch := append([]float32(nil), s.Output(1).F32...)
			for r := range 512 {
				s.Input(0).Resize(1, 30)
				copy(s.Input(0).F32, rows[r*30:])
				if err := s.Run(); err != nil {
					t.Fatal(err)
				}
				for k, got := range s.Output(1).F32 {
					if want := batch[r*2+k]; got != want {
						t.Fatalf("row %d alone: score %d is %v, in the batch %v", r, k, got, want)
					}
				}
			}
		})
	}
}

func TestOneModelManySessions(t *testing.T) {
	m, rows, answers := benchModel(t, "xgb100_d6")
	var wg sync.WaitGroup
	for g := range 8 {
		wg.Go(func() {
			s := m.NewSession()
			for r := g; r < 512; r += 8 {
				s.Input(0).Resize(1, 30)
				copy(s.Input(0).F32, rows[r*30:])
				if err := s.Run(); err != nil {
					t.Error(err)
					return
				}
				if got, want := s.Output(1).F32[1], answers[2*r+1]; math.Abs(float64(got-want)) > 1e-5 {
					t.Errorf("row %d: got %v, want %v", r, got, want)
				}
			}
		})
	}
	wg.Wait()
}

func BenchmarkRow(b *testing.B) {
	for _, name := range benchModels {
		b.Run(name, func(b *testing.B) {
			m, rows, _ := benchModel(b, name)
			s := m.NewSession()
			r := 0
			b.ReportAllocs()
			for b.Loop() {
				in := s.Input(0)
				in.Resize(1, 30)
				copy(in.F32, rows[r*30:])
				if err := s.Run(); err != nil {
					b.Fatal(err)
				}
				r = (r + 1) % 512
			}
		})
	}
}

func BenchmarkBatch(b *testing.B) {
	for _, name := range benchModels {
		b.Run(name, func(b *testing.B) {
			m, rows, _ := benchModel(b, name)
			s := m.NewSession()
			s.Input(0).Resize(512, 30)
			copy(s.Input(0).F32, rows)
			b.ReportAllocs()
			for b.Loop() {
				if err := s.Run(); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/512, "ns/row")
		})
	}
}
