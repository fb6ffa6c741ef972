package onnx

import "fmt"

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

var dtypeNames = [...]string{"undefined", "float32", "float64", "int8", "int16", "int32", "int64",
	"uint8", "uint16", "uint32", "uint64", "bool", "string"}

// String gives the name numpy uses: float32, int64, string.
func (d DType) String() string {
	if int(d) < len(dtypeNames) {
		return dtypeNames[d]
	}
	return fmt.Sprintf("dtype(%d)", uint8(d))
}

// IsFloat says whether d is Float32 or Float64.
func (d DType) IsFloat() bool { return d == Float32 || d == Float64 }

// IsInteger says whether d is one of the eight integer types; their elements live in Tensor.I64.
func (d DType) IsInteger() bool { return d >= Int8 && d <= Uint64 }

// Range gives the smallest and largest value of an integer type as Tensor.I64 holds it.
// Uint64 is held modulo 2^64, so its range here is that of int64.
func (d DType) Range() (low, high int64) {
	switch d {
	case Int8:
		return -1 << 7, 1<<7 - 1
	case Int16:
		return -1 << 15, 1<<15 - 1
	case Int32:
		return -1 << 31, 1<<31 - 1
	case Uint8:
		return 0, 1<<8 - 1
	case Uint16:
		return 0, 1<<16 - 1
	case Uint32:
		return 0, 1<<32 - 1
	default:
		return -1 << 63, 1<<63 - 1
	}
}

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
