package oip

import (
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"

	"ml-service/onnx"
)

const width = 30

// requests makes n requests of rows rows with different numbers in them.
func requests(n, rows int, binary bool) (bodies [][]byte, headers []int, sig Signature) {
	sig = Signature{Inputs: []onnx.Value{{Name: "x", DType: onnx.Float32, Shape: []int{-1, width}}}, Outputs: signature.Outputs}
	r := rand.New(rand.NewPCG(1, 2))
	for range n {
		x := &onnx.Tensor{DType: onnx.Float32}
		x.Resize(rows, width)
		for i := range x.F32 {
			x.F32[i] = float32(r.NormFloat64())
		}
		head := fmt.Sprintf(`{"id":"1","inputs":[{"name":"x","shape":[%d,%d],"datatype":"FP32",`, rows, width)
		if binary {
			head += `"parameters":{"binary_data_size":` + strconv.Itoa(binarySize(x)) + `}}],"parameters":{"binary_data_output":true}}`
			bodies, headers = append(bodies, AppendBinary([]byte(head), x)), append(headers, len(head))
			continue
		}
		var data strings.Builder
		for i, f := range x.F32 {
			if i > 0 {
				data.WriteByte(',')
			}
			data.WriteString(strconv.FormatFloat(float64(f), 'g', -1, 32))
		}
		bodies, headers = append(bodies, []byte(head+`"data":[`+data.String()+`]}]}`)), append(headers, -1)
	}
	return bodies, headers, sig
}

func BenchmarkDecode(b *testing.B) {
	for _, binary := range []bool{false, true} {
		for _, rows := range []int{1, 1000} {
			b.Run(fmt.Sprintf("binary=%t/rows=%d", binary, rows), func(b *testing.B) {
				bodies, headers, sig := requests(64, rows, binary)
				in := tensors(sig)
				var r Request
				b.SetBytes(int64(len(bodies[0])))
				b.ReportAllocs()
				i := 0
				for b.Loop() {
					k := i % len(bodies)
					i++
					if err := r.Decode(bodies[k], headers[k], sig, in); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}

func answers(rows int, binary bool) (Answer, func(i int) *onnx.Tensor) {
	r := rand.New(rand.NewPCG(1, 2))
	label := &onnx.Tensor{DType: onnx.Int64}
	label.Resize(rows)
	scores := &onnx.Tensor{DType: onnx.Float32}
	scores.Resize(rows, 2)
	for i := range rows {
		label.I64[i] = int64(r.IntN(2))
		scores.F32[2*i] = r.Float32()
		scores.F32[2*i+1] = 1 - scores.F32[2*i]
	}
	return Answer{Model: "ml-service", Version: "v1.0.0", ID: "1", Values: signature.Outputs,
			Outputs: []Output{{Index: 0, Binary: binary}, {Index: 1, Binary: binary}}},
		func(i int) *onnx.Tensor { return []*onnx.Tensor{label, scores}[i] }
}

func BenchmarkAppend(b *testing.B) {
	for _, binary := range []bool{false, true} {
		for _, rows := range []int{1, 1000} {
			b.Run(fmt.Sprintf("binary=%t/rows=%d", binary, rows), func(b *testing.B) {
				a, out := answers(rows, binary)
				var body []byte
				b.ReportAllocs()
				for b.Loop() {
					a := a // it is appended once
					body, _ = a.Append(body[:0], out)
				}
				b.SetBytes(int64(len(body)))
			})
		}
	}
}

// Once a Request has seen its largest body, decoding numbers allocates for the id alone.
func TestSteadyStateAllocations(t *testing.T) {
	for _, binary := range []bool{false, true} {
		bodies, headers, sig := requests(2, 4, binary)
		in := tensors(sig)
		var r Request
		i := 0
		got := testing.AllocsPerRun(100, func() {
			k := i % len(bodies)
			i++
			if err := r.Decode(bodies[k], headers[k], sig, in); err != nil {
				t.Fatal(err)
			}
		})
		if got > 1 {
			t.Errorf("decode, binary %t: got %v allocations a request, want at most 1", binary, got)
		}
		a, out := answers(4, binary)
		var body []byte
		if got := testing.AllocsPerRun(100, func() { a := a; body, _ = a.Append(body[:0], out) }); got > 0 {
			t.Errorf("append, binary %t: got %v allocations an answer, want 0", binary, got)
		}
	}
}
