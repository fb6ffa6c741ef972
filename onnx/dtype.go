package onnx

import (
	"fmt"
	"math"
	"unsafe"
)

// DType is the element type of a tensor. Its zero value is no type.
type DType uint8

// The element types, in ONNX's own order of kinds.
const (
	Float32 DType = iota + 1
	Float64
	Int8
	Int16
	Int32
	Int64
	Uint8
	Uint16
	Uint32
	Uint64
	Bool
	String
)

// dtypes say what there is to know of each type: its name in numpy, the bytes of an element in a file or on the wire, those in
// a Tensor, and the range of an integer as Tensor.I64 holds it.
var dtypes = [...]struct {
	name       string
	wire, held int
	low, high  int64
}{
	0:       {name: "undefined"},
	Float32: {"float32", 4, 4, math.MinInt64, math.MaxInt64},
	Float64: {"float64", 8, 8, math.MinInt64, math.MaxInt64},
	Int8:    {"int8", 1, 8, math.MinInt8, math.MaxInt8},
	Int16:   {"int16", 2, 8, math.MinInt16, math.MaxInt16},
	Int32:   {"int32", 4, 8, math.MinInt32, math.MaxInt32},
	Int64:   {"int64", 8, 8, math.MinInt64, math.MaxInt64},
	Uint8:   {"uint8", 1, 8, 0, math.MaxUint8},
	Uint16:  {"uint16", 2, 8, 0, math.MaxUint16},
	Uint32:  {"uint32", 4, 8, 0, math.MaxUint32},
	Uint64:  {"uint64", 8, 8, math.MinInt64, math.MaxInt64}, // held modulo 2^64
	Bool:    {"bool", 1, 1, math.MinInt64, math.MaxInt64},
	String:  {"string", 0, int(unsafe.Sizeof("")), math.MinInt64, math.MaxInt64},
}

func dtypeNames() []string {
	var names []string
	for _, d := range dtypes[1:] {
		names = append(names, d.name)
	}
	return names
}

// String gives the name numpy uses: float32, int64, string.
func (d DType) String() string {
	if int(d) < len(dtypes) {
		return dtypes[d].name
	}
	return fmt.Sprintf("dtype(%d)", uint8(d))
}

// IsFloat says whether d is Float32 or Float64.
func (d DType) IsFloat() bool { return d == Float32 || d == Float64 }

// IsInteger says whether d is one of the eight integer types; their elements live in Tensor.I64.
func (d DType) IsInteger() bool { return d >= Int8 && d <= Uint64 }

// WireBytes is the size of an element in a file or on the wire, little-endian; 0 for strings, which carry their length.
func (d DType) WireBytes() int { return dtypes[d].wire }

// HeldBytes is the size of an element in a Tensor, where integers of every type take 64 bits; of a string without its characters.
func (d DType) HeldBytes() int { return dtypes[d].held }

// Range gives the smallest and largest value of an integer type as Tensor.I64 holds it.
// Uint64 is held modulo 2^64, so its range here is that of int64.
func (d DType) Range() (low, high int64) { return dtypes[d].low, dtypes[d].high }

// Integer gives a whole number as Tensor.I64 holds it in the integer type d, and says whether d has it.
func (d DType) Integer(magnitude uint64, negative bool) (v int64, ok bool) {
	if d == Uint64 {
		return int64(magnitude), !negative || magnitude == 0
	}
	low, high := d.Range()
	if negative {
		return int64(-magnitude), magnitude <= uint64(-low)
	}
	return int64(magnitude), magnitude <= uint64(high)
}
