package oip

import (
	"errors"
	"math"
	"slices"
	"strings"
	"testing"

	"ml-service/onnx"
)

// signature is a small model: what the protocol's clients send to it is in the tests below.
var signature = Signature{
	Inputs: []onnx.Value{
		{Name: "x", DType: onnx.Float32, Shape: []int{-1, 3}, Missing: true},
	},
	Outputs: []onnx.Value{
		{Name: "label", DType: onnx.Int64, Shape: []int{-1}},
		{Name: "probabilities", DType: onnx.Float32, Shape: []int{-1, 2}},
	},
}

// tensors makes the tensors of a signature's inputs, as a session has them.
func tensors(sig Signature) func(i int) *onnx.Tensor {
	ts := make([]*onnx.Tensor, len(sig.Inputs))
	for i, v := range sig.Inputs {
		ts[i] = &onnx.Tensor{DType: v.DType}
	}
	return func(i int) *onnx.Tensor { return ts[i] }
}

func decode(t *testing.T, body string, header int, sig Signature) (*Request, func(i int) *onnx.Tensor) {
	t.Helper()
	var r Request
	in := tensors(sig)
	if err := r.Decode([]byte(body), header, sig, in); err != nil {
		t.Fatalf("Decode(%s): %v", body, err)
	}
	return &r, in
}

func TestDecodeAcceptsFlatAndNestedData(t *testing.T) {
	want := []float32{1, 2.5, -3, 4, 5e-3, -0}
	for _, test := range []struct{ name, data string }{
		{"flat", `[1, 2.5, -3, 4, 5e-3, -0]`},
		{"nested", `[[1, 2.5, -3], [4, 5e-3, -0]]`},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, in := decode(t, `{"inputs":[{"name":"x","datatype":"FP32","shape":[2,3],"data":`+test.data+`}]}`, -1, signature)
			x := in(0)
			if !slices.Equal(x.F32, want) || !slices.Equal(x.Shape, []int{2, 3}) {
				t.Errorf("got %v %v, want %v [2 3]", x.F32, x.Shape, want)
			}
		})
	}
}

func TestDecodeReadsMembersInAnyOrder(t *testing.T) {
	r, in := decode(t, ` {"outputs":[{"parameters":{"binary_data":false,"more":[{}]},"name":"probabilities"}],
		"model_name":"m","parameters":{"priority":1,"binary_data_output":true},
		"inputs":[{"data":[null,1,2],"shape":[1,3],"parameters":{},"datatype":"FP32","n\u0061me":"\u0078"}],"id":"a\"\ud83d\ude00"} `, -1, signature)
	if x := in(0).F32; len(x) != 3 || !math.IsNaN(float64(x[0])) || x[1] != 1 || x[2] != 2 {
		t.Errorf("got %v, want [NaN 1 2]", x)
	}
	if want := "a\"\U0001F600"; r.ID != want {
		t.Errorf("id: got %q, want %q", r.ID, want)
	}
	if len(r.Outputs) != 1 || r.Outputs[0].Index != 1 || r.Outputs[0].Binary {
		t.Errorf("outputs: got %+v, want index 1 in JSON", r.Outputs)
	}
}

func TestDecodeChoosesOutputs(t *testing.T) {
	const inputs = `"inputs":[{"name":"x","datatype":"FP32","shape":[1,3],"data":[1,2,3]}]`
	type want struct {
		index  int
		binary bool
	}
	for _, test := range []struct {
		name, rest string
		want       []want
	}{
		{"none", ``, []want{{0, false}, {1, false}}},
		{"null", `,"outputs":null,"parameters":null`, []want{{0, false}, {1, false}}},
		{"all binary", `,"parameters":{"binary_data_output":true}`, []want{{0, true}, {1, true}}},
		{"in the order asked", `,"outputs":[{"name":"probabilities"},{"name":"label"}]`, []want{{1, false}, {0, false}}},
		{"one binary", `,"outputs":[{"name":"label"},{"name":"probabilities","parameters":{"binary_data":true}}]`, []want{{0, false}, {1, true}}},
		{"one not", `,"outputs":[{"name":"label","parameters":{"binary_data":false}},{"name":"probabilities"}],"parameters":{"binary_data_output":true}`, []want{{0, false}, {1, true}}},
	} {
		t.Run(test.name, func(t *testing.T) {
			r, _ := decode(t, `{`+inputs+test.rest+`}`, -1, signature)
			var got []want
			for _, o := range r.Outputs {
				got = append(got, want{o.Index, o.Binary})
			}
			if !slices.Equal(got, test.want) {
				t.Errorf("got %v, want %v", got, test.want)
			}
		})
	}
}

func TestDecodeReadsEveryDatatype(t *testing.T) {
	for _, test := range []struct {
		dtype onnx.DType
		data  string
		want  any
	}{
		{onnx.Float32, `[0.1, 3.4e38, 1e-46]`, []float32{0.1, 3.4e38, 0}},
		{onnx.Float64, `[0.1, 1.7e308, 1]`, []float64{0.1, 1.7e308, 1}},
		{onnx.Int8, `[-128, 127, 1.0]`, []int64{-128, 127, 1}},
		{onnx.Int16, `[-32768, 32767, 1e2]`, []int64{-32768, 32767, 100}},
		{onnx.Int32, `[-2147483648, 2147483647, -0]`, []int64{-2147483648, 2147483647, 0}},
		{onnx.Int64, `[-9223372036854775808, 9223372036854775807, 0]`, []int64{math.MinInt64, math.MaxInt64, 0}},
		{onnx.Uint8, `[0, 255, 7]`, []int64{0, 255, 7}},
		{onnx.Uint16, `[0, 65535, 7]`, []int64{0, 65535, 7}},
		{onnx.Uint32, `[0, 4294967295, 7]`, []int64{0, 4294967295, 7}},
		{onnx.Uint64, `[0, 18446744073709551615, 7]`, []int64{0, -1, 7}},
		{onnx.Bool, `[true, false, true]`, []bool{true, false, true}},
		{onnx.String, `["", "a b", "\u00e9\n"]`, []string{"", "a b", "é\n"}},
	} {
		t.Run(Datatype(test.dtype), func(t *testing.T) {
			sig := Signature{Inputs: []onnx.Value{{Name: "v", DType: test.dtype, Shape: []int{-1}}}, Outputs: signature.Outputs}
			_, in := decode(t, `{"inputs":[{"name":"v","shape":[3],"datatype":"`+Datatype(test.dtype)+`","data":`+test.data+`}]}`, -1, sig)
			got := in(0)
			if !sameElements(got, test.want) {
				t.Fatalf("JSON: got %+v, want %v", *got, test.want)
			}
			again := &onnx.Tensor{DType: test.dtype}
			body := `{"inputs":[{"name":"v","shape":[3],"datatype":"` + Datatype(test.dtype) + `","parameters":{"binary_data_size":` + itoa(binarySize(got)) + `}}]}`
			var r Request
			if err := r.Decode(AppendBinary([]byte(body), got), len(body), sig, func(int) *onnx.Tensor { return again }); err != nil {
				t.Fatalf("binary: %v", err)
			}
			if !sameElements(again, test.want) {
				t.Errorf("binary: got %+v, want %v", *again, test.want)
			}
		})
	}
}

func sameElements(t *onnx.Tensor, want any) bool {
	switch want := want.(type) {
	case []float32:
		return slices.Equal(t.F32, want)
	case []float64:
		return slices.Equal(t.F64, want)
	case []int64:
		return slices.Equal(t.I64, want)
	case []bool:
		return slices.Equal(t.Bool, want)
	case []string:
		return slices.Equal(t.Str, want)
	}
	return false
}

// The example of the protocol's own binary extension: two binary inputs with a JSON one between them.
func TestDecodeMixesBinaryAndJSON(t *testing.T) {
	sig := Signature{Inputs: []onnx.Value{
		{Name: "input0", DType: onnx.Uint32, Shape: []int{2, 2}},
		{Name: "input1", DType: onnx.Bool, Shape: []int{3}},
		{Name: "input2", DType: onnx.String, Shape: []int{2}},
	}, Outputs: signature.Outputs}
	head := `{"inputs":[{"name":"input0","shape":[2,2],"datatype":"UINT32","parameters":{"binary_data_size":16}},
		{"name":"input1","shape":[3],"datatype":"BOOL","data":[true,false,true]},
		{"name":"input2","shape":[2],"datatype":"BYTES","parameters":{"binary_data_size":11}}]}`
	tail := "\x01\x00\x00\x00\x02\x00\x00\x00\x03\x00\x00\x00\xff\xff\xff\xff" + "\x03\x00\x00\x00a\xffb" + "\x00\x00\x00\x00"
	_, in := decode(t, head+tail, len(head), sig)
	if want := []int64{1, 2, 3, math.MaxUint32}; !slices.Equal(in(0).I64, want) {
		t.Errorf("input0: got %v, want %v", in(0).I64, want)
	}
	if want := []bool{true, false, true}; !slices.Equal(in(1).Bool, want) {
		t.Errorf("input1: got %v, want %v", in(1).Bool, want)
	}
	if want := []string{"a\xffb", ""}; !slices.Equal(in(2).Str, want) {
		t.Errorf("input2: got %q, want %q", in(2).Str, want)
	}
}

func TestDecodeRefuses(t *testing.T) {
	sig := Signature{Inputs: []onnx.Value{
		{Name: "x", DType: onnx.Float32, Shape: []int{-1, 3}},
		{Name: "n", DType: onnx.Int8, Shape: []int{-1, 1}},
		{Name: "s", DType: onnx.String, Shape: []int{-1}},
		{Name: "b", DType: onnx.Bool, Shape: []int{-1}},
	}, Outputs: signature.Outputs}
	x := `{"name":"x","datatype":"FP32","shape":[1,3],"data":[1,2,3]}`
	n := `{"name":"n","datatype":"INT8","shape":[1,1],"data":[1]}`
	s := `{"name":"s","datatype":"BYTES","shape":[1],"data":["a"]}`
	b := `{"name":"b","datatype":"BOOL","shape":[1],"data":[true]}`
	with := func(inputs string) string { return `{"inputs":[` + inputs + `]}` }
	xs := func(shape, data string) string {
		return with(`{"name":"x","datatype":"FP32","shape":` + shape + `,"data":` + data + `}`)
	}
	ns := func(data string) string {
		return with(`{"name":"n","datatype":"INT8","shape":[1,1],"data":` + data + `}`)
	}
	for _, test := range []struct {
		name, body     string
		header         int
		field, message string
	}{
		{"empty", ``, -1, "", "the body is not JSON: at byte 0: want a value, got the end of the body"},
		{"not JSON", `nope`, -1, "", "the body is not JSON: at byte 1: want null, got 'o'"},
		{"bad UTF-8", "{\"id\":\"\xff\"}", -1, "", "the body is not JSON: at byte 7: want UTF-8, got the byte 0xff"},
		{"half a surrogate", `{"id":"\ud800"}`, -1, "", `the body is not JSON: at byte 7: want a pair of surrogates, got '\\'`},
		{"trailing bytes", with(x+","+n+","+s+","+b) + `x`, -1, "", "the body is not JSON: at byte 242: want the end of the body, got 'x'"},
		{"cut", `{"inputs":[`, -1, "", "the body is not JSON: at byte 11: want a value, got the end of the body"},
		{"an array", `[]`, -1, "", "want an object, got an array"},
		{"NaN", xs(`[1,3]`, `[NaN,1,2]`), -1, "", "the body is not JSON: at byte 63: want a value; NaN and Infinity are not JSON, write null for a missing value, got 'N'"},
		{"leading zero", xs(`[1,3]`, `[01,1,2]`), -1, "", "the body is not JSON: at byte 64: want the end of a number (no leading zeros), got '1'"},
		{"too deep", `{"a":` + nest(110) + `}`, -1, "", "want at most 100 levels of lists and objects, got more"},
		{"id not a string", `{"id":7,"inputs":[]}`, -1, "id", "want a string, got a number"},
		{"no inputs", `{}`, -1, "inputs", "the request has no inputs; this model takes x (FP32, [N,3]), n (INT8, [N,1]), s (BYTES, [N]), b (BOOL, [N])"},
		{"inputs an object", `{"inputs":{}}`, -1, "inputs", "want an array, got an object"},
		{"inputs twice", `{"inputs":[],"inputs":[]}`, -1, "inputs", "given twice, want it once"},
		{"input a number", with(`1`), -1, "inputs[0]", "want an object, got a number"},
		{"unknown input", with(x + `,{"name":"y"}`), -1, "inputs[1].name", `this model has no input "y"; it takes x (FP32, [N,3]), n (INT8, [N,1]), s (BYTES, [N]), b (BOOL, [N])`},
		{"input twice", with(x + "," + x), -1, "inputs[1].name", `input "x" is given twice`},
		{"input missing", with(x + "," + n + "," + s), -1, "inputs", `input "b" is missing; this model takes x (FP32, [N,3]), n (INT8, [N,1]), s (BYTES, [N]), b (BOOL, [N])`},
		{"wrong datatype", with(`{"name":"x","datatype":"BOOL","shape":[1,3],"data":[1,2,3]}`), -1, "inputs[0].datatype", `input "x": want FP32, got "BOOL"`},
		{"no integers of floats", with(`{"name":"n","datatype":"FP32","shape":[1,1],"data":[1]}`), -1, "inputs[0].datatype", `input "n": want INT8, got "FP32"`},
		{"no short integers of long ones", with(`{"name":"n","datatype":"INT64","shape":[1,1],"data":[1]}`), -1, "inputs[0].datatype", `input "n": want INT8, got "INT64"`},
		{"no datatype", with(`{"name":"n","datatype":null,"shape":[1,1],"data":[1]}`), -1, "inputs[0].datatype", `input "n": want INT8, got ""`},
		{"no shape", with(`{"name":"x","datatype":"FP32","data":[1,2,3]}`), -1, "inputs[0].shape", `input "x" has no shape; want [N,3]`},
		{"wrong rank", xs(`[3]`, `[1,2,3]`), -1, "inputs[0].shape", `input "x": want [N,3], got [3]`},
		{"wrong width", xs(`[1,2]`, `[1,2]`), -1, "inputs[0].shape", `input "x": want [N,3], got [1,2]`},
		{"negative dimension", xs(`[-1,3]`, `[1,2,3]`), -1, "inputs[0].shape", "want a whole number from 0 to 2147483647, got -1"},
		{"huge shape", xs(`[2147483647,3]`, `[1,2,3]`), -1, "inputs[0].shape", `input "x": [2147483647,3] holds more than 268435456 elements`},
		{"a shape that the data does not fill", xs(`[89478485,3]`, `[1]`), -1, "inputs[0].data", `input "x": want 268435455 elements for shape [89478485,3], got fewer`},
		{"very many dimensions", xs(`[`+strings.Repeat("1,", 70)+`1]`, `[1]`), -1, "inputs[0].shape", "want at most 64 dimensions, got more"},
		{"many dimensions", xs(`[`+strings.Repeat("1,", 40)+`1]`, `[1]`), -1, "inputs[0].shape", `input "x": want [N,3], got [` + strings.Repeat("1,", 16) + `… 41 dimensions]`},
		{"very many inputs", with(strings.Repeat(`{},`, 100) + `{}`), -1, "inputs", "want 4, got more; this model takes x (FP32, [N,3]), n (INT8, [N,1]), s (BYTES, [N]), b (BOOL, [N])"},
		{"a long name", with(`{"name":"` + strings.Repeat("a", 1000) + `"}`), -1, "inputs[0].name", `this model has no input "` + strings.Repeat("a", 40) + `…"; it takes x (FP32, [N,3]), n (INT8, [N,1]), s (BYTES, [N]), b (BOOL, [N])`},
		{"shape of strings", xs(`["1",3]`, `[1,2,3]`), -1, "inputs[0].shape", "want a whole number from 0 on, got a string"},
		{"rows differ", with(x + `,{"name":"n","datatype":"INT8","shape":[2,1],"data":[1,2]}`), -1, "inputs[1].shape", `input "n": want 1 rows as in the inputs before it, got 2`},
		{"no data", with(`{"name":"x","datatype":"FP32","shape":[1,3]}`), -1, "inputs[0].data", `input "x" has neither data nor binary_data_size`},
		{"data a number", xs(`[1,3]`, `1`), -1, "inputs[0].data", "want an array, got a number"},
		{"too few", xs(`[1,3]`, `[1,2]`), -1, "inputs[0].data", `input "x": want 3 elements for shape [1,3], got 2`},
		{"too many", xs(`[1,3]`, `[1,2,3,4]`), -1, "inputs[0].data", `input "x": want 3 elements for shape [1,3], got more`},
		{"too few nested", xs(`[2,3]`, `[[1,2,3],[1,2]]`), -1, "inputs[0].data[1]", `input "x": want 3 elements here for shape [2,3], got 2`},
		{"too many nested", xs(`[1,3]`, `[[1,2,3],[4]]`), -1, "inputs[0].data", `input "x": want 1 elements here for shape [1,3], got more`},
		{"nested unevenly", xs(`[2,3]`, `[[1,2,3],4]`), -1, "inputs[0].data[1]", "want an array of 3, got a number"},
		{"too deeply nested", xs(`[1,3]`, `[[[1],2,3]]`), -1, "inputs[0].data[0][0]", "want a number, got an array"},
		{"a string for a number", xs(`[2,3]`, `[[1,2,3],[4,"5",6]]`), -1, "inputs[0].data[1][1]", "want a number, got a string"},
		{"a boolean for a number", xs(`[1,3]`, `[1,2,true]`), -1, "inputs[0].data[2]", "want a number, got a boolean"},
		{"null", xs(`[1,3]`, `[1,2,null]`), -1, "inputs[0].data[2]", `null is a missing value, and this model does not handle missing values in "x"`},
		{"past float32", xs(`[1,3]`, `[1,2,1e39]`), -1, "inputs[0].data[2]", "1e39 is outside the range of FP32"},
		{"past int8", ns(`[128]`), -1, "inputs[0].data[0]", "128 is outside the range of INT8"},
		{"a fraction", ns(`[[1.5]]`), -1, "inputs[0].data[0][0]", "want a whole number, got 1.5"},
		{"past digits", ns(`[1e300]`), -1, "inputs[0].data[0]", "1e300 is outside the range of INT8"},
		{"a number for a string", with(`{"name":"s","datatype":"BYTES","shape":[1],"data":[1]}`), -1, "inputs[0].data[0]", "want a string, got a number"},
		{"a number for a boolean", with(`{"name":"b","datatype":"BOOL","shape":[1],"data":[1]}`), -1, "inputs[0].data[0]", "want true or false, got a number"},
		{"unknown output", `{"outputs":[{"name":"z"}]}`, -1, "outputs[0].name", `this model has no output "z"; it gives label (INT64, [N]), probabilities (FP32, [N,2])`},
		{"output twice", `{"outputs":[{"name":"label"},{"name":"label"}]}`, -1, "outputs[1].name", `output "label" is requested twice`},
		{"classification", `{"outputs":[{"name":"label","parameters":{"classification":2}}]}`, -1, "outputs[0].parameters.classification", "this extension is not supported; binary_tensor_data is"},
		{"parameters a list", `{"parameters":[]}`, -1, "parameters", "want an object, got an array"},
		{"binary without header", with(`{"name":"x","datatype":"FP32","shape":[1,3],"parameters":{"binary_data_size":12}}`), -1, "inputs[0].parameters.binary_data_size", `input "x" is binary, but the request has no Inference-Header-Content-Length`},
		{"header too long", `{}`, 3, "", "Inference-Header-Content-Length is 3, but the request has 2 bytes"},
	} {
		t.Run(test.name, func(t *testing.T) {
			var r Request
			err := r.Decode([]byte(test.body), test.header, sig, tensors(sig))
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

func nest(depth int) string {
	b := make([]byte, 0, 2*depth)
	for range depth {
		b = append(b, '[')
	}
	for range depth {
		b = append(b, ']')
	}
	return string(b)
}

// TestClaimsReserveNothing keeps the memory of a tensor within what came, whatever its shape claims.
func TestClaimsReserveNothing(t *testing.T) {
	for _, in := range []string{
		`{"name":"x","datatype":"FP32","shape":[89478485,3],"data":[1]}`,
		`{"name":"x","datatype":"FP32","shape":[89478485,3],"parameters":{"binary_data_size":4}}`,
		`{"name":"x","datatype":"FP32","shape":[89478485,3],"parameters":{"binary_data_size":1073741820}}`,
	} {
		var r Request
		tensors := tensors(signature)
		body := `{"inputs":[` + in + `]}`
		if err := r.Decode([]byte(body+"1234"), len(body), signature, tensors); err == nil {
			t.Errorf("%s: want an error", in)
		}
		if got := cap(tensors(0).F32); got > 0 {
			t.Errorf("%s: reserved %d elements", in, got)
		}
	}
}

// TestDecodeConverts takes what pandas and numpy make of numbers, in JSON and in binary, unless that is to be strict.
func TestDecodeConverts(t *testing.T) {
	for _, c := range []struct {
		from, to onnx.DType
		data     string
		want     any
	}{
		{onnx.Float64, onnx.Float32, `[0.1, 2.5, -3]`, []float32{0.1, 2.5, -3}},
		{onnx.Int64, onnx.Float32, `[1, 16777217, -3]`, []float32{1, 16777216, -3}},
		{onnx.Int32, onnx.Float32, `[1, 2, -3]`, []float32{1, 2, -3}},
		{onnx.Float32, onnx.Float64, `[0.5, 2.5, -3]`, []float64{0.5, 2.5, -3}},
		{onnx.Int64, onnx.Float64, `[1, 2, -3]`, []float64{1, 2, -3}},
		{onnx.Int32, onnx.Int64, `[1, 2, -3]`, []int64{1, 2, -3}},
	} {
		sent := Signature{Inputs: []onnx.Value{{Name: "v", DType: c.from, Shape: []int{-1}}}, Outputs: signature.Outputs}
		sig := Signature{Inputs: []onnx.Value{{Name: "v", DType: c.to, Shape: []int{-1}}}, Outputs: signature.Outputs}
		head := `{"inputs":[{"name":"v","shape":[3],"datatype":"` + Datatype(c.from) + `",`
		body := head + `"data":` + c.data + `}]}`
		_, in := decode(t, body, -1, sig)
		if !sameElements(in(0), c.want) {
			t.Errorf("%s for %s: got %+v, want %v", Datatype(c.from), Datatype(c.to), *in(0), c.want)
		}
		_, own := decode(t, body, -1, sent)
		binary := head + `"parameters":{"binary_data_size":` + itoa(binarySize(own(0))) + `}}]}`
		_, in = decode(t, string(AppendBinary([]byte(binary), own(0))), len(binary), sig)
		if !sameElements(in(0), c.want) {
			t.Errorf("%s for %s in binary: got %+v, want %v", Datatype(c.from), Datatype(c.to), *in(0), c.want)
		}
		sig.Strict = true
		var r Request
		if err := r.Decode([]byte(body), -1, sig, tensors(sig)); err == nil {
			t.Errorf("%s for %s: want an error where that is to be strict", Datatype(c.from), Datatype(c.to))
		}
	}
	sig := Signature{Inputs: []onnx.Value{{Name: "v", DType: onnx.Float32, Shape: []int{-1}}}, Outputs: signature.Outputs}
	head := `{"inputs":[{"name":"v","shape":[1],"datatype":"FP64","parameters":{"binary_data_size":8}}]}`
	body := AppendBinary([]byte(head), &onnx.Tensor{DType: onnx.Float64, Shape: []int{1}, F64: []float64{1e300}})
	var r Request
	if err := r.Decode(body, len(head), sig, tensors(sig)); err == nil || !strings.Contains(err.Error(), "element 0 is outside the range of FP32") {
		t.Errorf("1e300 for FP32: got %v, want it refused", err)
	}
}

// TestNullIsAbsent takes the members that MLServer's client sends as null.
func TestNullIsAbsent(t *testing.T) {
	r, in := decode(t, `{"id":null,"parameters":{"binary_data_output":null},"outputs":null,"more":null,"inputs":[{"name":"x","datatype":"FP32","shape":[1,3],
		"parameters":null,"data":[1,2,3]}]}`, -1, signature)
	if r.HasID || len(r.Outputs) != 2 || r.Outputs[0].Binary || len(in(0).F32) != 3 {
		t.Errorf("got %+v, want no id and all outputs in JSON", r)
	}
	r, _ = decode(t, `{"inputs":[{"name":"x","datatype":"FP32","shape":[1,3],"parameters":{"binary_data_size":null},"data":[1,2,3]}],
		"outputs":[{"name":"label","parameters":{"binary_data":null}}]}`, -1, signature)
	if len(r.Outputs) != 1 || r.Outputs[0].Binary {
		t.Errorf("got %+v, want one output in JSON", r.Outputs)
	}
}
