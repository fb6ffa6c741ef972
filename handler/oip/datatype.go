package oip

import "ml-service/onnx"

var datatypes = [...]string{
	onnx.Float32: "FP32", onnx.Float64: "FP64",
	onnx.Int8: "INT8", onnx.Int16: "INT16", onnx.Int32: "INT32", onnx.Int64: "INT64",
	onnx.Uint8: "UINT8", onnx.Uint16: "UINT16", onnx.Uint32: "UINT32", onnx.Uint64: "UINT64",
	onnx.Bool: "BOOL", onnx.String: "BYTES",
}

var sizes = [...]int{
	onnx.Float32: 4, onnx.Float64: 8,
	onnx.Int8: 1, onnx.Int16: 2, onnx.Int32: 4, onnx.Int64: 8,
	onnx.Uint8: 1, onnx.Uint16: 2, onnx.Uint32: 4, onnx.Uint64: 8,
	onnx.Bool: 1, onnx.String: 0,
}

// Datatype is the protocol's name of d: FP32, INT64, BYTES; empty where it has none.
func Datatype(d onnx.DType) string {
	if int(d) < len(datatypes) {
		return datatypes[d]
	}
	return ""
}

// size is the number of bytes of one binary element; 0 for BYTES, whose elements carry their length.
func size(d onnx.DType) int { return sizes[d] }
