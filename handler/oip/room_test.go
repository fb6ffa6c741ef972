package oip

import (
	"fmt"
	"testing"

	"ml-service/onnx"
)

// TestClaimedShapes reserves memory for what came, whatever a shape says.
func TestClaimedShapes(t *testing.T) {
	sig := Signature{Inputs: []onnx.Value{
		{Name: "x", DType: onnx.Float32, Shape: []int{-1, 3}},
		{Name: "s", DType: onnx.String, Shape: []int{-1}},
		{Name: "any", DType: onnx.Int64},
	}}
	const huge = 89478485
	for _, c := range []struct {
		name, input, tail string
		field, message    string
	}{
		{"three hundred million floats", fmt.Sprintf(`{"name":"x","datatype":"FP32","shape":[%d,3],"data":[1]}`, huge), "",
			"inputs[0].data", fmt.Sprintf(`input "x": want %d elements for shape [%d,3], got fewer`, 3*huge, huge)},
		{"strings", `{"name":"s","datatype":"BYTES","shape":[100000000],"data":["a","b"]}`, "",
			"inputs[0].data", `input "s": want 100000000 elements for shape [100000000], got fewer`},
		{"rows of nothing", `{"name":"any","datatype":"INT64","shape":[200000000,0],"data":[]},{"name":"x","datatype":"FP32","shape":[1,3],"data":[1,2,3]},` +
			`{"name":"s","datatype":"BYTES","shape":[1],"data":["a"]}`, "",
			"inputs[0].shape", `input "any": want at most 16 rows of no values, got 200000000`},
	} {
		t.Run(c.name, func(t *testing.T) {
			text := `{"inputs":[` + c.input + `]}`
			header := -1
			if c.tail != "" {
				header = len(text)
			}
			in := tensors(sig)
			var r Request
			err := r.Decode([]byte(text+c.tail), header, sig, in)
			if got, ok := err.(*Error); !ok || got.Field != c.field || got.Message != c.message { //nolint:errorlint // it is made as one
				t.Errorf("got %#v, want %s at %s", err, c.message, c.field)
			}
			for k := range sig.Inputs {
				if n := cap(in(k).F32) + cap(in(k).Str) + cap(in(k).I64); n > 64 {
					t.Errorf("input %d has room for %d elements", k, n)
				}
			}
			if len(r.inputs) > len(sig.Inputs)+1 {
				t.Errorf("%d inputs were kept", len(r.inputs))
			}
		})
	}
}
