package onnx

import (
	"encoding/binary"
	"math"
	"strconv"
	"strings"
)

// Tensor is a dense array, flat and row-major. Exactly the slice that belongs to DType is used.
type Tensor struct {
	DType DType
	Shape []int // empty: a scalar
	F32   []float32
	F64   []float64
	I64   []int64 // every integer type; the values stay inside the range of DType
	Bool  []bool
	Str   []string
}

// Resize gives t the shape dims and room for its elements, reusing memory where it suffices.
// The elements are not cleared. DType must be set; dims must not be negative.
func (t *Tensor) Resize(dims ...int) {
	t.Shape = append(t.Shape[:0], dims...)
	t.grow(product(dims))
}

// Len is the number of elements, the product of the shape.
func (t *Tensor) Len() int { return product(t.Shape) }

func (t *Tensor) grow(n int) {
	switch {
	case t.DType == Float32:
		t.F32 = sized(t.F32, n)
	case t.DType == Float64:
		t.F64 = sized(t.F64, n)
	case t.DType.IsInteger():
		t.I64 = sized(t.I64, n)
	case t.DType == Bool:
		t.Bool = sized(t.Bool, n)
	case t.DType == String:
		t.Str = sized(t.Str, n)
	}
}

func sized[T any](s []T, n int) []T {
	if cap(s) < n {
		return make([]T, n)
	}
	return s[:n]
}

func product(dims []int) int {
	n := 1
	for _, d := range dims {
		n *= d
	}
	return n
}

// ReadLittleEndian reads the elements of t, as many as its shape says, from data, which holds them little-endian and without
// padding: Len times the type's WireBytes. A bool is true where its byte is not 0. Strings have no such form.
func (t *Tensor) ReadLittleEndian(data []byte) {
	le := binary.LittleEndian
	t.grow(t.Len())
	switch t.DType {
	case Float32:
		for i := range t.F32 {
			t.F32[i] = math.Float32frombits(le.Uint32(data[4*i:]))
		}
	case Float64:
		for i := range t.F64 {
			t.F64[i] = math.Float64frombits(le.Uint64(data[8*i:]))
		}
	case Bool:
		for i := range t.Bool {
			t.Bool[i] = data[i] != 0
		}
	case Int8:
		for i := range t.I64 {
			t.I64[i] = int64(int8(data[i]))
		}
	case Uint8:
		for i := range t.I64 {
			t.I64[i] = int64(data[i])
		}
	case Int16:
		for i := range t.I64 {
			t.I64[i] = int64(int16(le.Uint16(data[2*i:])))
		}
	case Uint16:
		for i := range t.I64 {
			t.I64[i] = int64(le.Uint16(data[2*i:]))
		}
	case Int32:
		for i := range t.I64 {
			t.I64[i] = int64(int32(le.Uint32(data[4*i:])))
		}
	case Uint32:
		for i := range t.I64 {
			t.I64[i] = int64(le.Uint32(data[4*i:]))
		}
	case Int64, Uint64:
		for i := range t.I64 {
			t.I64[i] = int64(le.Uint64(data[8*i:]))
		}
	}
}

// ShapeText spells a shape for people: [N,3]. A dimension that is not known is N where it comes first, which is the batch, and
// "any" elsewhere.
func ShapeText(shape []int) string {
	if shape == nil {
		return "any shape"
	}
	const most = 16 // a caller of the Open Inference Protocol may claim as many as fit into a body
	texts := make([]string, 0, min(len(shape), most+1))
	for i, d := range shape {
		if i == most {
			texts = append(texts, "… "+strconv.Itoa(len(shape))+" dimensions")
			break
		}
		switch {
		case d >= 0:
			texts = append(texts, strconv.Itoa(d))
		case i == 0:
			texts = append(texts, "N")
		default:
			texts = append(texts, "any")
		}
	}
	return "[" + strings.Join(texts, ",") + "]"
}
