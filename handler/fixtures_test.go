package handler

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"testing"

	"ml-service/handler/oip"
	"ml-service/model"
	"ml-service/onnx"
)

// fixtures is where the models of ../onnx/testdata lie, each with ONNX Runtime's answers.
const fixtures = "../onnx/testdata/models"

// fixture is one cases.json.
type fixture struct {
	Name    string
	Tier    int
	Expect  string
	Outputs []struct {
		Name      string
		Exactness exactness
	}
	Cases []fixtureCase
}

type fixtureCase struct {
	Name, Kind string
	Inputs     map[string]recorded
	Outputs    map[string]recorded
	Library    map[string]recorded
	Tolerance  map[string]exactness
}

// recorded is a tensor as cases.json has it; of a map, the columns are the sorted keys.
type recorded struct {
	DType string
	Shape []int
	Keys  []any
	Data  []any
}

// exactness is "exact", "bits", or how far an answer may lie off.
type exactness struct {
	word               string
	Absolute, Relative float64
}

func (e *exactness) UnmarshalJSON(b []byte) error {
	if b[0] == '"' {
		return json.Unmarshal(b, &e.word)
	}
	type plain exactness
	return json.Unmarshal(b, (*plain)(e))
}

// tierOne reads every fixture of tier 1; index.json says how many there are.
func tierOne(t *testing.T) []fixture {
	t.Helper()
	var index struct {
		Models []struct {
			Name string
			Tier int
		}
	}
	readJSON(t, filepath.Join(fixtures, "index.json"), &index)
	var all []fixture
	for _, m := range index.Models {
		if m.Tier != 1 {
			continue
		}
		f := fixture{Name: m.Name}
		readJSON(t, filepath.Join(fixtures, m.Name, "cases.json"), &f)
		all = append(all, f)
	}
	if len(all) == 0 {
		t.Fatal("index.json names no model of tier 1")
	}
	return all
}

func readJSON(t *testing.T, path string, v any) {
	t.Helper()
	b, err := os.ReadFile(path)
	if err == nil {
		err = json.Unmarshal(b, v)
	}
	if err != nil {
		t.Fatalf("%s: %v", path, err)
	}
}

func (f fixture) load(t *testing.T) *model.Model {
	t.Helper()
	m, err := model.Load(os.DirFS(fixtures), f.Name)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// tensor gives the recorded elements in the type the model takes.
func (r recorded) tensor(t *testing.T, d onnx.DType) *onnx.Tensor {
	t.Helper()
	x := &onnx.Tensor{DType: d}
	x.Resize(r.Shape...)
	if len(r.Data) != x.Len() {
		t.Fatalf("recorded shape %v, but %d elements", r.Shape, len(r.Data))
	}
	for i, v := range r.Data {
		switch {
		case d == onnx.Float32:
			x.F32[i] = float32(recordedFloat(t, v))
		case d == onnx.Float64:
			x.F64[i] = recordedFloat(t, v)
		case d == onnx.Bool:
			x.Bool[i] = v.(bool)
		case d == onnx.String:
			x.Str[i] = v.(string)
		default:
			x.I64[i] = int64(v.(float64))
		}
	}
	return x
}

func recordedFloat(t *testing.T, v any) float64 {
	t.Helper()
	switch v := v.(type) {
	case float64:
		return v
	case string: // NaN, +Inf, -Inf
		f, err := strconv.ParseFloat(v, 64)
		if err != nil {
			t.Fatal(err)
		}
		return f
	}
	t.Fatalf("recorded %v is no number", v)
	return 0
}

// finite says whether a tensor can be said in JSON: null stands for NaN where missing values are handled.
func finite(x *onnx.Tensor, missing bool) bool {
	ok := func(f float64) bool { return !math.IsInf(f, 0) && (missing || !math.IsNaN(f)) }
	for _, f := range x.F32 {
		if !ok(float64(f)) {
			return false
		}
	}
	for _, f := range x.F64 {
		if !ok(f) {
			return false
		}
	}
	return true
}

// compare says how what was answered differs from the record; empty: it does not. labels are those of
// the answer's columns. inJSON: a number that is not finite came as null, read as NaN.
func (r recorded) compare(t *testing.T, got *onnx.Tensor, labels any, e exactness, inJSON bool) string {
	t.Helper()
	shape, data := r.Shape, r.Data
	if r.DType == "map" {
		if len(r.Keys) == 0 { // an empty batch
			return differs(got.Len(), 0)
		}
		var err string
		if data, err = r.inOrderOf(labels); err != "" {
			return err
		}
	}
	if !slices.Equal(got.Shape, shape) {
		return fmt.Sprintf("shape: got %v, want %v", got.Shape, shape)
	}
	for i, v := range data {
		if d := compareElement(t, got, i, v, e, inJSON); d != "" {
			return fmt.Sprintf("element %d: %s", i, d)
		}
	}
	return ""
}

func differs(got, want any) string {
	if got == want {
		return ""
	}
	return fmt.Sprintf("got %v, want %v", got, want)
}

func compareElement(t *testing.T, got *onnx.Tensor, i int, want any, e exactness, inJSON bool) string {
	t.Helper()
	switch d := got.DType; {
	case d == onnx.String:
		return differs(got.Str[i], want)
	case d == onnx.Bool:
		return differs(got.Bool[i], want)
	case d.IsInteger():
		return differs(float64(got.I64[i]), want)
	}
	w := recordedFloat(t, want)
	var g float64
	if got.DType == onnx.Float32 {
		g = float64(got.F32[i])
	} else {
		g = got.F64[i]
	}
	switch {
	case math.IsNaN(g):
		if !math.IsNaN(w) && !(inJSON && math.IsInf(w, 0)) {
			return differs(g, w)
		}
	case e.word == "bits" || e.word == "exact":
		if got.DType == onnx.Float32 && math.Float32bits(float32(g)) != math.Float32bits(float32(w)) ||
			got.DType == onnx.Float64 && math.Float64bits(g) != math.Float64bits(w) {
			return fmt.Sprintf("got %v, want the same bits as %v", g, w)
		}
	case g != w && !(math.Abs(g-w) <= e.Absolute+e.Relative*math.Abs(w)):
		return differs(g, w)
	}
	return ""
}

// inOrderOf gives a map's elements with the columns in the order of labels.
func (r recorded) inOrderOf(labels any) ([]any, string) {
	var names []string
	switch labels := labels.(type) {
	case []any:
		for _, l := range labels {
			names = append(names, fmt.Sprint(l))
		}
	default:
		return nil, fmt.Sprintf("labels in the metadata: got %v, want one of %v a column", labels, r.Keys)
	}
	var data []any
	for row := range r.Shape[0] {
		for _, name := range names {
			k := slices.IndexFunc(r.Keys, func(key any) bool { return fmt.Sprint(key) == name })
			if k < 0 {
				return nil, fmt.Sprintf("label %q: want one of %v", name, r.Keys)
			}
			data = append(data, r.Data[row*len(r.Keys)+k])
		}
	}
	return data, ""
}

// signatureForTest has NaN allowed everywhere, so that an answer can be read like a request.
func signatureForTest(values []onnx.Value) oip.Signature {
	sig := oip.Signature{Outputs: []onnx.Value{}}
	for _, v := range values {
		sig.Inputs = append(sig.Inputs, onnx.Value{Name: v.Name, DType: v.DType, Missing: true})
	}
	return sig
}
