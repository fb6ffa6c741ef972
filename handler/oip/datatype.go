package oip

import "ml-service/onnx"

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
