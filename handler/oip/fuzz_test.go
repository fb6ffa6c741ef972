package oip

import (
	"bytes"
	"encoding/json"
	"testing"

	"ml-service/onnx"
)

// FuzzDecode feeds requests to a model with an input of every kind. What is accepted must survive
// being sent again in binary, and the JSON of what is accepted must be JSON to encoding/json too.
func FuzzDecode(f *testing.F) {
	sig := Signature{Inputs: []onnx.Value{
		{Name: "x", DType: onnx.Float32, Shape: []int{-1, 2}, Missing: true},
		{Name: "i", DType: onnx.Int16},
		{Name: "u", DType: onnx.Uint64, Shape: []int{-1}},
		{Name: "b", DType: onnx.Bool, Shape: []int{}},
		{Name: "s", DType: onnx.String, Shape: []int{-1}},
	}, Outputs: signature.Outputs}
	const all = `{"id":"7","inputs":[{"name":"x","datatype":"FP32","shape":[1,2],"data":[[1e3,null]]},
		{"name":"i","datatype":"INT16","shape":[2,0,1],"data":[[],[]]},{"name":"u","datatype":"UINT64","shape":[1],"data":[18446744073709551615]},
		{"name":"b","datatype":"BOOL","shape":[],"data":[true]},{"name":"s","datatype":"BYTES","shape":[1],"data":["\ud83d\ude00\\"]}],
		"outputs":[{"name":"label","parameters":{"binary_data":true}}],"parameters":{"binary_data_output":false}}`
	f.Add([]byte(all), -1)
	f.Add([]byte(all), len(all))
	const mixed = `{"inputs":[{"name":"s","datatype":"BYTES","shape":[2],"parameters":{"binary_data_size":9}}]}`
	f.Add([]byte(mixed+"\x01\x00\x00\x00a\x00\x00\x00\x00"), len(mixed))
	f.Add([]byte(`{"inputs":[],"id":"\u12`), -1)
	var r, again Request
	f.Fuzz(func(t *testing.T, body []byte, header int) {
		in := tensors(sig)
		if err := r.Decode(body, header, sig, in); err != nil {
			return
		}
		text := body
		if header >= 0 {
			text = body[:header]
		}
		if !json.Valid(text) {
			t.Fatalf("accepted what is not JSON: %q", text)
		}
		head := []byte(`{"inputs":[`)
		var tail []byte
		for i, v := range sig.Inputs {
			if i > 0 {
				head = append(head, ',')
			}
			shape, _ := json.Marshal(append([]int{}, in(i).Shape...))
			head = append(head, `{"name":"`+v.Name+`","datatype":"`+Datatype(v.DType)+`","shape":`...)
			head = append(head, shape...)
			head = append(head, `,"parameters":{"binary_data_size":`+itoa(binarySize(in(i)))+`}}`...)
			tail = AppendBinary(tail, in(i))
		}
		head = append(head, `]}`...)
		second := tensors(sig)
		if err := again.Decode(append(head, tail...), len(head), sig, second); err != nil {
			t.Fatalf("sent again in binary: %v", err)
		}
		var got []byte
		for i := range sig.Inputs {
			got = AppendBinary(got, second(i))
		}
		if !bytes.Equal(got, tail) {
			t.Fatalf("sent again in binary: got %q, want %q", got, tail)
		}
	})
}
