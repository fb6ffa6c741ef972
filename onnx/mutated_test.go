package onnx_test

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"runtime/metrics"
	"slices"
	"testing"
	"time"

	"ml-service/onnx"
)

const (
	largestFile  = 1 << 20
	allowedBytes = 64 << 20
	allowedTime  = time.Second
	hangTime     = 20 * time.Second // of the clock, for what never ends
	seedsAModel  = 4
)

// FuzzMutatedModel loads fixtures in which a script has changed some fields, and runs what still loads:
// no panic, no second of work, no 64 MiB. Without -fuzz it runs the same few scripts for every model.
func FuzzMutatedModel(f *testing.F) {
	ix := readIndex(f)
	models := make([][]byte, len(ix.Models))
	for i, m := range ix.Models {
		models[i] = readModel(f, m.Name)
	}
	random := rand.New(rand.NewPCG(6, 326))
	for i := range models {
		for range seedsAModel {
			s := make([]byte, 12+random.IntN(24))
			for j := range s {
				s[j] = byte(random.Uint32())
			}
			f.Add(uint16(i), s)
		}
	}
	f.Fuzz(func(t *testing.T, i uint16, s []byte) {
		fields, err := parse("model", models[int(i)%len(models)])
		if err != nil {
			t.Fatal(err)
		}
		if file := mutate(fields, s); len(file) <= largestFile {
			bounded(t, file)
		}
	})
}

// TestWire shows that the mutator changes nothing unless a script says so.
func TestWire(t *testing.T) {
	for _, m := range readIndex(t).Models {
		file := readModel(t, m.Name)
		fields, err := parse("model", file)
		if err != nil {
			t.Fatalf("%s: %v", m.Name, err)
		}
		if got := encode(nil, fields); !slices.Equal(got, file) {
			t.Errorf("%s: %d bytes became %d other ones", m.Name, len(file), len(got))
		}
	}
}

// bounded loads and runs a file. What is allocated meanwhile, garbage too, bounds the memory that is in use. Both are measured of the
// whole process, so a file that seems to take too much is tried again: what others did meanwhile they will not do each time.
func bounded(t *testing.T, file []byte) {
	const tries = 4
	used, spent := uint64(math.MaxUint64), time.Duration(math.MaxInt64)
	for i := 0; i < tries && (used > allowedBytes || spent > allowedTime); i++ {
		before := allocated()
		start := time.Now()
		hang := time.AfterFunc(hangTime, func() { panic("a mutated model hangs") })
		exercise(t, file)
		hang.Stop()
		spent = min(spent, time.Since(start))
		used = min(used, allocated()-before)
	}
	if used > allowedBytes {
		t.Errorf("a file of %d bytes allocates %d bytes, more than %d", len(file), used, allowedBytes)
	}
	if spent > allowedTime {
		t.Errorf("a file of %d bytes takes %v, more than %v", len(file), spent, allowedTime)
	}
}

// allocated is what this process has allocated since its start, in bytes.
func allocated() uint64 {
	sample := []metrics.Sample{{Name: "/gc/heap/allocs:bytes"}}
	metrics.Read(sample)
	return sample[0].Value.Uint64()
}

// exercise loads a file and, if that goes well, runs it on good and bad batches.
func exercise(t *testing.T, file []byte) {
	m, err := onnx.Load(file)
	if err != nil {
		if err.Error() == "" {
			t.Error("an error without a message")
		}
		return
	}
	s := m.NewSession()
	for _, b := range []struct {
		rows, wider int
		number      float64
		text        string
	}{
		{1, 0, 0.5, "a"}, {3, 0, math.NaN(), ""}, {0, 0, 0, ""}, {2, 1, 1, "b"}, {2, 0, math.Inf(1), "male"}, {1, 0, -3e38, "\xff"},
	} {
		for i, in := range m.Inputs() {
			if !fill(s.Input(i), in.Shape, b.rows, b.wider, b.number, b.text) {
				return
			}
		}
		if err := s.Run(); err != nil {
			var refused *onnx.RunError
			if !errors.As(err, &refused) || refused.Message == "" {
				t.Errorf("run: got %q, want a *RunError with a message", fmt.Sprint(err))
			}
			continue
		}
		for i, out := range m.Outputs() {
			checkTensor(t, out, s.Output(i))
		}
	}
}

// fill gives an input its declared width, or a wider one, and one value everywhere. Inputs of more than
// 1 MiB are not tried.
func fill(in *onnx.Tensor, declared []int, rows, wider int, number float64, text string) bool {
	shape := []int{rows, 3 + wider}
	if declared != nil {
		shape = slices.Clone(declared)
		for i, d := range shape {
			if d < 0 {
				shape[i] = rows
			}
		}
		if len(shape) > 0 {
			shape[len(shape)-1] += wider
		}
	}
	size := 1
	for _, d := range shape {
		if d < 0 || d > 1<<17 || size*d > 1<<17 {
			return false
		}
		size *= d
	}
	in.Resize(shape...)
	for i := range size {
		switch {
		case in.DType == onnx.Float32:
			in.F32[i] = float32(number)
		case in.DType == onnx.Float64:
			in.F64[i] = number
		case in.DType.IsInteger():
			low, high := in.DType.Range()
			in.I64[i] = []int64{0, 1, low, high}[i%4]
		case in.DType == onnx.Bool:
			in.Bool[i] = i%2 == 0
		default:
			in.Str[i] = text
		}
	}
	return true
}

// checkTensor says where an output is not what it claims to be.
func checkTensor(t *testing.T, v onnx.Value, got *onnx.Tensor) {
	if got.DType != v.DType {
		t.Errorf("output %s is %s, declared %s", v.Name, got.DType, v.DType)
	}
	if slices.ContainsFunc(got.Shape, func(d int) bool { return d < 0 }) {
		t.Errorf("output %s has shape %v", v.Name, got.Shape)
	}
	length := len(got.I64)
	switch got.DType {
	case onnx.Float32:
		length = len(got.F32)
	case onnx.Float64:
		length = len(got.F64)
	case onnx.Bool:
		length = len(got.Bool)
	case onnx.String:
		length = len(got.Str)
	}
	if length != got.Len() {
		t.Errorf("output %s has %d elements for shape %v", v.Name, length, got.Shape)
	}
}
