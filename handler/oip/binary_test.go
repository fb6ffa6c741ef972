package oip

import (
	"errors"
	"math"
	"strconv"
	"testing"

	"ml-service/onnx"
)

func itoa(n int) string { return strconv.Itoa(n) }

func TestBinaryRefuses(t *testing.T) {
	for _, test := range []struct {
		name           string
		dtype          onnx.DType
		size           int
		rest, tail     string
		field, message string
	}{
		{"wrong size", onnx.Int32, 8, "", "12345678", "inputs[0].parameters.binary_data_size", `input "v": want 12 bytes for shape [3] of INT32, got 8`},
		{"cut", onnx.Int32, 12, "", "12345678", "inputs[0].parameters.binary_data_size", `input "v": want 12 bytes after the JSON, got 8`},
		{"too long", onnx.Int8, 3, "", "12345", "", "2 bytes follow the last binary tensor"},
		{"not a boolean", onnx.Bool, 3, "", "\x00\x01\x02", "inputs[0].parameters.binary_data_size", `input "v": byte 2 is 2; a BOOL is 0 or 1`},
		{"both", onnx.Int8, 3, `,"data":[1,2,3]`, "123", "inputs[0].data", `input "v" has both data and binary_data_size`},
		{"strings cut", onnx.String, 6, "", "\x01\x00\x00\x00a\x00", "inputs[0].parameters.binary_data_size", `input "v": want 3 elements for shape [3], got at most 1`},
		{"strings cut behind the first", onnx.String, 13, "", "\x09\x00\x00\x00aaaaaaaaa", "inputs[0].parameters.binary_data_size", `input "v": want 3 elements for shape [3], got 1`},
		{"string longer than the rest", onnx.String, 12, "", "\xff\xff\xff\xffaaaaaaaa", "inputs[0].parameters.binary_data_size", `input "v": element 0 is 4294967295 bytes long, but only 8 follow`},
		{"bytes after the strings", onnx.String, 13, "", "\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00a", "inputs[0].parameters.binary_data_size", `input "v": 1 bytes follow its 3 elements`},
	} {
		t.Run(test.name, func(t *testing.T) {
			sig := Signature{Inputs: []onnx.Value{{Name: "v", DType: test.dtype, Shape: []int{-1}}}, Outputs: signature.Outputs}
			head := `{"inputs":[{"name":"v","shape":[3],"datatype":"` + Datatype(test.dtype) +
				`","parameters":{"binary_data_size":` + itoa(test.size) + `}` + test.rest + `}]}`
			var r Request
			err := r.Decode([]byte(head+test.tail), len(head), sig, tensors(sig))
			var e *Error
			if !errors.As(err, &e) {
				t.Fatalf("got %v, want an *Error", err)
			}
			if e.Field != test.field || e.Message != test.message {
				t.Errorf("got  %q %q\nwant %q %q", e.Field, e.Message, test.field, test.message)
			}
		})
	}
}

func TestAnswer(t *testing.T) {
	label := &onnx.Tensor{DType: onnx.String, Shape: []int{2}, Str: []string{"setosa", "a\"\x01\xff"}}
	scores := &onnx.Tensor{DType: onnx.Float32, Shape: []int{2, 2}, F32: []float32{1, 0.1, float32(math.NaN()), 1e-7}}
	a := Answer{Model: "iris", Version: "v1", ID: "42", Values: []onnx.Value{{Name: "label"}, {Name: "p"}}}
	out := func(i int) *onnx.Tensor { return []*onnx.Tensor{label, scores}[i] }
	const head = `{"model_name":"iris","model_version":"v1","id":"42","outputs":[`
	const text = `{"name":"label","datatype":"BYTES","shape":[2],"data":["setosa","a\"\u0001` + "\uFFFD" + `"]}`
	const numbers = `{"name":"p","datatype":"FP32","shape":[2,2],"data":[1.0,0.1,null,1e-07]}`
	const bytes = "\x06\x00\x00\x00setosa\x04\x00\x00\x00a\"\x01\xff"
	const floats = "\x00\x00\x80\x3f\xcd\xcc\xcc\x3d\x00\x00\xc0\x7f\x95\xbf\xd6\x33"
	for _, test := range []struct {
		name       string
		outputs    []Output
		json, tail string
	}{
		{"JSON", []Output{{Index: 0}, {Index: 1}}, head + text + `,` + numbers + `]}`, ""},
		{"one", []Output{{Index: 1}}, head + numbers + `]}`, ""},
		{"mixed", []Output{{Index: 1}, {Index: 0, Binary: true}}, head + numbers +
			`,{"name":"label","datatype":"BYTES","shape":[2],"parameters":{"binary_data_size":18}}]}`, bytes},
		{"binary", []Output{{Index: 0, Binary: true}, {Index: 1, Binary: true}}, head +
			`{"name":"label","datatype":"BYTES","shape":[2],"parameters":{"binary_data_size":18}},` +
			`{"name":"p","datatype":"FP32","shape":[2,2],"parameters":{"binary_data_size":16}}]}`, bytes + floats},
	} {
		t.Run(test.name, func(t *testing.T) {
			a.Outputs = test.outputs
			got, header := a.Append([]byte("before"), out)
			if want := "before" + test.json + test.tail; string(got) != want {
				t.Errorf("got  %q\nwant %q", got, want)
			}
			want := -1
			if test.tail != "" {
				want = len(test.json)
			}
			if header != want {
				t.Errorf("header: got %d, want %d", header, want)
			}
		})
	}
}
