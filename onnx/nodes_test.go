package onnx

import (
	"archive/tar"
	"cmp"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// What testdata/nodes.tar.gz holds: ONNX's own node tests whose operators are all supported, as testdata/generate/nodes.py writes them.
const (
	nodeCases        = 672
	nodeCasesRefused = 120 // of which so many for an element type: half precision, eight bits and below
)

// nodeRefusals are the reasons for which a case may be refused.
var nodeRefusals = []string{"element type", "is no tensor (sequence)", "Scan, node 0 (output \"y\"): is not supported at opset 8", `output "then_out" is no tensor`}

// TestNodes runs ONNX's own node tests: every case answers as it says, or is refused at load for what nodeRefusals say and for
// nothing else.
func TestNodes(t *testing.T) {
	cases := readNodes(t)
	ran, refused := 0, 0
	for _, name := range slices.Sorted(maps.Keys(cases)) {
		files := cases[name]
		t.Run(name, func(t *testing.T) {
			m, err := Load(files["model.onnx"])
			if err != nil {
				if !slices.ContainsFunc(nodeRefusals, func(why string) bool { return strings.Contains(err.Error(), why) }) {
					t.Fatal(err)
				}
				refused++
				return
			}
			for set := 0; files[fmt.Sprintf("%d/output_0.pb", set)] != nil; set++ {
				if err := runNode(m, files, set); err != nil {
					t.Errorf("set %d: %v", set, err)
				}
			}
			if !t.Failed() {
				ran++
			}
		})
	}
	t.Logf("%d cases answer as they say, %d are refused for an element type", ran, refused)
	if ran != nodeCases-nodeCasesRefused || refused != nodeCasesRefused {
		t.Errorf("%d cases ran and %d were refused, want %d and %d", ran, refused, nodeCases-nodeCasesRefused, nodeCasesRefused)
	}
}

func readNodes(t *testing.T) map[string]map[string][]byte {
	t.Helper()
	file, err := os.Open("testdata/nodes.tar.gz")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	unpacked, err := gzip.NewReader(file)
	if err != nil {
		t.Fatal(err)
	}
	cases, archive := map[string]map[string][]byte{}, tar.NewReader(unpacked)
	for {
		entry, err := archive.Next()
		if errors.Is(err, io.EOF) {
			return cases
		}
		if err != nil {
			t.Fatal(err)
		}
		data, err := io.ReadAll(archive)
		if err != nil {
			t.Fatal(err)
		}
		name, path, _ := strings.Cut(entry.Name, "/")
		if cases[name] == nil {
			cases[name] = map[string][]byte{}
		}
		cases[name][path] = data
	}
}

// runNode runs one data set of a case.
func runNode(m *Model, files map[string][]byte, set int) error {
	s := m.NewSession()
	for i, v := range m.Inputs() {
		_, in, err := parseTensor(files[fmt.Sprintf("%d/input_%d.pb", set, i)])
		if err != nil {
			return fmt.Errorf("input %s: %w", v.Name, err)
		}
		to := s.Input(i)
		to.Resize(in.Shape...)
		copyElements(to, in)
	}
	if err := s.Run(); err != nil {
		return err
	}
	rtol, atol, _ := strings.Cut(string(files["tolerance"]), " ")
	for i, v := range m.Outputs() {
		_, want, err := parseTensor(files[fmt.Sprintf("%d/output_%d.pb", set, i)])
		if err != nil {
			return fmt.Errorf("output %s: %w", v.Name, err)
		}
		if err := closeTo(s.Output(i), want, rtol, atol); err != nil {
			return fmt.Errorf("output %s: %w", v.Name, err)
		}
	}
	return nil
}

func copyElements(to, from *Tensor) {
	copy(to.F32, from.F32)
	copy(to.F64, from.F64)
	copy(to.I64, from.I64)
	copy(to.Bool, from.Bool)
	copy(to.Str, from.Str)
}

// closeTo compares floats by numpy's rule, everything else exactly.
func closeTo(got, want *Tensor, rtol, atol string) error {
	if got.DType != want.DType || !slices.Equal(got.Shape, want.Shape) {
		return fmt.Errorf("got %s %v, want %s %v", got.DType, got.Shape, want.DType, want.Shape)
	}
	relative, err := strconv.ParseFloat(rtol, 64)
	absolute, err2 := strconv.ParseFloat(atol, 64)
	if err = cmp.Or(err, err2); err != nil {
		return err
	}
	for i := range want.Len() {
		same := spell(got, i) == spell(want, i)
		if want.DType.IsFloat() && !same {
			g, w := floatAt(got, i), floatAt(want, i)
			same = g == w || math.Abs(g-w) <= absolute+relative*math.Abs(w)
		}
		if !same {
			return fmt.Errorf("element %d: got %s, want %s", i, spell(got, i), spell(want, i))
		}
	}
	return nil
}

func floatAt(t *Tensor, i int) float64 {
	if t.DType == Float64 {
		return t.F64[i]
	}
	return float64(t.F32[i])
}
