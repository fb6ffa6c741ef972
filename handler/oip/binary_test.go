package oip

import (
	"encoding/binary"
	"errors"
	"math"
	"strconv"
	"strings"
	"testing"

	"ml-service/handler/scan"
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
			a := a // an answer is appended once
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

// TestAnswerInPieces appends large answers piece by piece: the bytes are those of one whole, and no piece is large.
func TestAnswerInPieces(t *testing.T) {
	const rows = 20_000
	label := &onnx.Tensor{DType: onnx.String, Shape: []int{rows}}
	scores := &onnx.Tensor{DType: onnx.Float32, Shape: []int{rows, 2}}
	one := &onnx.Tensor{DType: onnx.Int64, Shape: []int{}, I64: []int64{7}}
	none := &onnx.Tensor{DType: onnx.Bool, Shape: []int{0}}
	var words, numbers, bytes, floats []string
	for i := range rows {
		label.Str = append(label.Str, strings.Repeat("é", i%9))
		scores.F32 = append(scores.F32, float32(i), float32(i)/3)
		words = append(words, strconv.Quote(label.Str[i]))
		numbers = append(numbers, strconv.Itoa(i)+".0", string(scan.AppendFloat(nil, float64(float32(i)/3), 32)))
		bytes = append(bytes, string(binary.LittleEndian.AppendUint32(nil, uint32(len(label.Str[i]))))+label.Str[i])
		for _, f := range scores.F32[2*i:] {
			floats = append(floats, string(binary.LittleEndian.AppendUint32(nil, math.Float32bits(f))))
		}
	}
	all := []*onnx.Tensor{label, scores, one, none}
	out := func(i int) *onnx.Tensor { return all[i] }
	tail := []string{strings.Join(bytes, ""), strings.Join(floats, ""), "\x07\x00\x00\x00\x00\x00\x00\x00", ""}
	shapes := []string{`"BYTES","shape":[20000]`, `"FP32","shape":[20000,2]`, `"INT64","shape":[]`, `"BOOL","shape":[0]`}
	data := []string{strings.Join(words, ","), strings.Join(numbers, ","), "7", ""}
	for choice := range 1 << len(all) {
		a := Answer{Model: "m", Version: "v", ID: "1", Values: []onnx.Value{{Name: "n"}, {Name: "n"}, {Name: "n"}, {Name: "n"}}}
		text, behind := `{"model_name":"m","model_version":"v","id":"1","outputs":[`, ""
		for i := range all {
			isBinary := choice>>i&1 == 1
			a.Outputs = append(a.Outputs, Output{Index: i, Binary: isBinary})
			text += `{"name":"n","datatype":` + shapes[i]
			if isBinary {
				text += `,"parameters":{"binary_data_size":` + strconv.Itoa(len(tail[i])) + `}},`
				behind += tail[i]
			} else {
				text += `,"data":[` + data[i] + `]},`
			}
		}
		text = strings.TrimSuffix(text, ",") + `]}`
		wantHeader, wantWhole := len(text), len(text)+len(behind)
		if choice == 0 {
			wantHeader, wantWhole = -1, -1
		}
		var got []byte
		pieces := 0
		for more := true; more; pieces++ {
			if header, whole := a.Lengths(out); header != wantHeader || whole != wantWhole {
				t.Errorf("choice %b, after %d pieces: lengths %d and %d, want %d and %d", choice, pieces, header, whole, wantHeader, wantWhole)
			}
			var piece []byte
			if piece, more = a.AppendPiece(nil, out); len(piece) > pieceBytes+8000 {
				t.Errorf("choice %b: a piece of %d bytes", choice, len(piece))
			}
			got = append(got, piece...)
		}
		if pieces < 2 || string(got) != text+behind {
			t.Errorf("choice %b: %d pieces, %d bytes that are not the %d wanted", choice, pieces, len(got), len(text)+len(behind))
		}
	}
}
