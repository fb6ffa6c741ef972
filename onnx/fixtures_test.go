package onnx_test

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
	"hash/fnv"
	"maps"
	"math"
	"slices"
	"sync"
	"testing"

	"ml-service/onnx"
)

// What testdata holds. A model that is missing, or one too many, fails the test.
const (
	models = 326
	cases  = 3739
)

// count is what was compared with the record and found equal.
type count struct{ models, cases, tensors, values int }

type tally struct {
	mu    sync.Mutex
	names []string
	cases int
	sum   uint64           // over the bits of every output; the order of the models changes nothing
	by    map[string]count // by tier and exactness; refused: cases that must be refused
}

// TestFixtures runs every case of every model, but for those that TestRefusals lists, against the record.
func TestFixtures(t *testing.T) {
	var (
		want []string
		all  int
		runs int
		done = tally{by: map[string]count{}}
	)
	ix := readIndex(t)
	for _, m := range ix.Models {
		all += m.Cases
		if _, refused := refusals[m.Name]; !refused {
			want = append(want, m.Name)
			runs += m.Cases
		}
	}
	if len(ix.Models) != models || all != cases {
		t.Fatalf("the index lists %d models and %d cases, want %d and %d", len(ix.Models), all, models, cases)
	}
	t.Run("model", func(t *testing.T) {
		for _, name := range want {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				runFixture(t, readFixture(t, name), &done)
			})
		}
	})
	slices.Sort(want)
	slices.Sort(done.names)
	if !slices.Equal(done.names, want) || done.cases != runs {
		t.Errorf("reproduced %d models and %d cases, want %d and %d", len(done.names), done.cases, len(want), runs)
	}
	t.Logf("reproduced %d models, %d cases", len(done.names), done.cases)
	t.Logf("bits of all outputs: %016x", done.sum) // make test-arm64 compares it
	for _, word := range slices.Sorted(maps.Keys(done.by)) {
		n := done.by[word]
		t.Logf("%-17s %3d models, %4d cases, %4d tensors, %6d values", word, n.models, n.cases, n.tensors, n.values)
	}
}

// runFixture runs the cases of one model in one session, which each case reuses, and then backwards in another.
func runFixture(t *testing.T, f *fixture, done *tally) {
	m, err := onnx.Load(f.file)
	if err != nil {
		t.Fatal(err)
	}
	checkSignature(t, m, f)
	session, by, bits := m.NewSession(), map[string]count{}, fnv.New64a()
	for _, c := range f.Cases {
		if err := runCase(m, session, f, c, by); err != nil {
			t.Errorf("%s: %v", c.Name, err)
		} else if c.Kind != "refused" {
			addBits(bits, m, session)
		}
	}
	session = m.NewSession()
	for _, c := range slices.Backward(f.Cases) {
		if err := runCase(m, session, f, c, map[string]count{}); err != nil {
			t.Errorf("backwards, %s: %v", c.Name, err)
		}
	}
	if t.Failed() {
		return
	}
	done.mu.Lock()
	defer done.mu.Unlock()
	done.names = append(done.names, f.Name)
	done.cases += len(f.Cases)
	done.sum += bits.Sum64()
	for word, n := range by {
		word = fmt.Sprintf("tier %d, %s", f.Tier, word)
		sum := done.by[word]
		done.by[word] = count{sum.models + 1, sum.cases + n.cases, sum.tensors + n.tensors, sum.values + n.values}
	}
}

// addBits adds every float of the session's outputs; one NaN is like any other.
func addBits(sum hash.Hash, m *onnx.Model, s *onnx.Session) {
	var b []byte
	for i := range m.Outputs() {
		for _, v := range s.Output(i).F32 {
			if v != v {
				v = float32(math.NaN())
			}
			b = binary.LittleEndian.AppendUint32(b, math.Float32bits(v))
		}
		for _, v := range s.Output(i).F64 {
			if v != v {
				v = math.NaN()
			}
			b = binary.LittleEndian.AppendUint64(b, math.Float64bits(v))
		}
	}
	_, _ = sum.Write(b)
}

// checkSignature compares what the model says of its inputs and outputs with the record.
func checkSignature(t *testing.T, m *onnx.Model, f *fixture) {
	t.Helper()
	ins, outs := m.Inputs(), m.Outputs()
	if len(ins) != len(f.Inputs) || len(outs) != len(f.Outputs) {
		t.Fatalf("got %d inputs and %d outputs, want %d and %d", len(ins), len(outs), len(f.Inputs), len(f.Outputs))
	}
	for i, want := range f.Inputs {
		if ins[i].Name != want.Name || ins[i].DType.String() != want.DType {
			t.Fatalf("input %d: got %s %s, want %s %s", i, ins[i].Name, ins[i].DType, want.Name, want.DType)
		}
	}
	for i, want := range f.Outputs {
		if outs[i].Name != want.Name || want.DType != "map" && outs[i].DType.String() != want.DType {
			t.Fatalf("output %d: got %s %s, want %s %s", i, outs[i].Name, outs[i].DType, want.Name, want.DType)
		}
	}
}

// runCase runs one case and adds what it found equal to by.
func runCase(m *onnx.Model, s *onnx.Session, f *fixture, c fixtureCase, by map[string]count) error {
	for i, in := range m.Inputs() {
		if err := c.Inputs[in.Name].fill(s.Input(i)); err != nil {
			return fmt.Errorf("input %s: %w", in.Name, err)
		}
	}
	err := s.Run()
	if c.Kind == "refused" {
		var refusal *onnx.RunError
		if !errors.As(err, &refusal) || refusal.Operator == "" || refusal.Message == "" {
			return fmt.Errorf("got %q, want a *RunError that names the operator (the runtime: %s)", fmt.Sprint(err), c.Error)
		}
		by["refused"] = count{cases: by["refused"].cases + 1}
		return nil
	}
	if err != nil {
		return err
	}
	words := map[string]bool{}
	for i, out := range f.Outputs {
		want, ok := c.Outputs[out.Name]
		if !ok {
			return fmt.Errorf("no record of output %s", out.Name)
		}
		e := out.Exactness
		if wider, ok := c.Tolerance[out.Name]; ok {
			e.tolerance = wider
		}
		if answer, ok := c.Library[out.Name]; ok && f.Expect == "library" {
			want.Data = answer.Data // a library's floats are doubles, and it knows no map
			e = exactness{"library", tolerance{1e-6, 1e-5}}
		}
		got := s.Output(i)
		if err := compare(got, m.Outputs()[i], want, e); err != nil {
			return fmt.Errorf("output %s: %w", out.Name, err)
		}
		n := by[e.Word]
		if !words[e.Word] {
			n.cases++
		}
		words[e.Word] = true
		n.tensors++
		n.values += got.Len()
		by[e.Word] = n
	}
	return nil
}
