package oip

import (
	"math"

	"ml-service/onnx"
)

var datatypes = [...]string{
	onnx.Float32: "FP32", onnx.Float64: "FP64",
	onnx.Int8: "INT8", onnx.Int16: "INT16", onnx.Int32: "INT32", onnx.Int64: "INT64",
	onnx.Uint8: "UINT8", onnx.Uint16: "UINT16", onnx.Uint32: "UINT32", onnx.Uint64: "UINT64",
	onnx.Bool: "BOOL", onnx.String: "BYTES",
}

// Datatype is the protocol's name of d: FP32, INT64, BYTES; empty where it has none.
func Datatype(d onnx.DType) string {
	if int(d) < len(datatypes) {
		return datatypes[d]
	}
	return ""
}

// dtypeNamed is the type of that name in the protocol; 0: there is none.
func dtypeNamed(name []byte) onnx.DType {
	for d, known := range datatypes {
		if known != "" && known == string(name) {
			return onnx.DType(d)
		}
	}
	return 0
}

// converts says whether tensors of type from are taken for an input of type to. pandas and numpy make FP64 and INT64 of
// whatever is a number, which a float input takes as it takes the same numbers in JSON; an integer input takes what it holds
// exactly, whatever the values are.
func converts(from, to onnx.DType) bool {
	switch to {
	case onnx.Float32, onnx.Float64:
		return from == onnx.Float32 || from == onnx.Float64 || from == onnx.Int32 || from == onnx.Int64
	case onnx.Int64:
		return from == onnx.Int32
	}
	return false
}

// convert gives the elements of src to dst, which has its shape and another type. It gives the first that does not fit; -1:
// all do.
func convert(dst, src *onnx.Tensor) int {
	for i := range dst.Len() {
		var f float64
		switch src.DType {
		case onnx.Float32:
			f = float64(src.F32[i])
		case onnx.Float64:
			f = src.F64[i]
		default:
			f = float64(src.I64[i])
		}
		switch dst.DType {
		case onnx.Float32:
			dst.F32[i] = float32(f)
			if math.IsInf(float64(dst.F32[i]), 0) && !math.IsInf(f, 0) {
				return i
			}
		case onnx.Float64:
			dst.F64[i] = f
		default:
			dst.I64[i] = src.I64[i]
		}
	}
	return -1
}
