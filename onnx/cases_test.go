package onnx_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"ml-service/onnx"
)

// index is testdata/models/index.json, as far as these tests need it.
type index struct {
	Models []struct {
		Name  string
		Tier  int
		Cases int
	}
}

// fixture is one folder of testdata/models: the file, and what the runtime answers.
type fixture struct {
	Name    string
	Tier    int
	Expect  string // runtime or library
	Inputs  []struct{ Name, DType string }
	Outputs []struct {
		Name, DType string
		Exactness   exactness
	}
	Cases []fixtureCase
	file  []byte
}

type fixtureCase struct {
	Name, Kind      string // ordinary, edge or refused
	Inputs, Outputs map[string]record
	Library         map[string]record
	Tolerance       map[string]tolerance
	Error           string
}

type tolerance struct{ Absolute, Relative float64 }

// exactness is "exact", "bits", or a tolerance.
type exactness struct {
	Word string // exact, bits or tolerance
	tolerance
}

func (e *exactness) UnmarshalJSON(text []byte) error {
	if text[0] == '"' {
		e.Word = string(text[1 : len(text)-1])
		if e.Word != "exact" && e.Word != "bits" {
			return fmt.Errorf("exactness %s", text)
		}
		return nil
	}
	e.Word = "tolerance"
	return json.Unmarshal(text, &e.tolerance)
}

// record is a recorded tensor; a map is a matrix with a key a column.
type record struct {
	DType string // a DType's name, map or sequence
	Shape []int
	Data  elements
	Key   string
	Keys  elements
	Items []record // of a sequence
}

// elements is a flat list of JSON scalars, kept as text until a type is known. A string keeps its quotes.
type elements [][]byte

func (e *elements) UnmarshalJSON(text []byte) error {
	*e = nil
	text = bytes.TrimSpace(text)
	if string(text) == "null" {
		return nil
	}
	for i := 1; i < len(text)-1; {
		switch text[i] {
		case ' ', '\n', ',':
			i++
		case '"':
			end := i + 1
			for ; text[end] != '"'; end++ {
				if text[end] == '\\' {
					end++
				}
			}
			*e = append(*e, bytes.Clone(text[i:end+1]))
			i = end + 1
		default:
			end := i
			for end < len(text)-1 && text[end] != ',' {
				end++
			}
			*e = append(*e, bytes.Clone(text[i:end]))
			i = end
		}
	}
	return nil
}

// float reads an element: a number, or one of the strings NaN, +Inf, -Inf.
func float(text []byte, bits int) (float64, error) {
	return strconv.ParseFloat(string(bytes.Trim(text, `" `)), bits)
}

// fill puts the record into t, whose DType is set.
func (r record) fill(t *onnx.Tensor) error {
	if r.DType != t.DType.String() {
		return fmt.Errorf("the record is %s, the model says %s", r.DType, t.DType)
	}
	t.Resize(r.Shape...)
	if t.Len() != len(r.Data) {
		return fmt.Errorf("%d elements for shape %v", len(r.Data), r.Shape)
	}
	for i, text := range r.Data {
		var err error
		switch {
		case t.DType == onnx.Float32:
			var v float64
			v, err = float(text, 32)
			t.F32[i] = float32(v)
		case t.DType == onnx.Float64:
			t.F64[i], err = float(text, 64)
		case t.DType.IsInteger():
			t.I64[i], err = strconv.ParseInt(string(text), 10, 64)
		case t.DType == onnx.Bool:
			t.Bool[i], err = strconv.ParseBool(string(text))
		case t.DType == onnx.String:
			err = json.Unmarshal(text, &t.Str[i])
		}
		if err != nil {
			return fmt.Errorf("element %d: %w", i, err)
		}
	}
	return nil
}

// tensor gives the record as a tensor of its own type.
func (r record) tensor() (*onnx.Tensor, error) {
	for d := onnx.Float32; d <= onnx.String; d++ {
		if d.String() == r.DType {
			t := &onnx.Tensor{DType: d}
			return t, r.fill(t)
		}
	}
	return nil, fmt.Errorf("a record of type %q", r.DType)
}

func readIndex(t testing.TB) index {
	t.Helper()
	text, err := os.ReadFile("testdata/models/index.json")
	if err != nil {
		t.Fatal(err)
	}
	var ix index
	if err := json.Unmarshal(text, &ix); err != nil {
		t.Fatal(err)
	}
	return ix
}

func readModel(t testing.TB, name string) []byte {
	t.Helper()
	file, err := os.ReadFile(filepath.Join("testdata/models", name, "model.onnx"))
	if err != nil {
		t.Fatal(err)
	}
	return file
}

func readFixture(t testing.TB, name string) *fixture {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata/models", name, "cases.json"))
	if err != nil {
		t.Fatal(err)
	}
	f := &fixture{file: readModel(t, name)}
	if err := json.Unmarshal(text, f); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	f.splitSequences()
	return f
}

// splitSequences makes of each output that is a sequence one output for each of its tensors, as the model has them.
func (f *fixture) splitSequences() {
	outputs := f.Outputs
	f.Outputs = nil
	for _, out := range outputs {
		if f.Cases[0].Outputs[out.Name].DType != "sequence" {
			f.Outputs = append(f.Outputs, out)
			continue
		}
		var items int
		for _, c := range f.Cases {
			for i, item := range c.Outputs[out.Name].Items {
				items = max(items, i+1)
				c.Outputs[fmt.Sprintf("%s[%d]", out.Name, i)] = item
			}
		}
		for i := range items {
			item := out
			item.Name, item.DType = fmt.Sprintf("%s[%d]", out.Name, i), "float32"
			f.Outputs = append(f.Outputs, item)
		}
	}
}
