package oip

import (
	"strconv"

	"ml-service/handler/scan"
	"ml-service/model"
	"ml-service/onnx"
)

// Answer is what an inference answers beside its tensors.
type Answer struct {
	Model, Version, ID string
	Outputs            []Output
	Values             []onnx.Value // the model's outputs, which Output.Index points into
}

// Append appends the answer's JSON and then its binary tensors to dst. header is the length of the
// JSON where binary tensors follow it, to be sent as Inference-Header-Content-Length; else it is -1.
func (a *Answer) Append(dst []byte, out func(i int) *onnx.Tensor) (body []byte, header int) {
	start := len(dst)
	dst = append(dst, `{"model_name":`...)
	dst = scan.AppendString(dst, a.Model)
	dst = append(dst, `,"model_version":`...)
	dst = scan.AppendString(dst, a.Version)
	dst = append(dst, `,"id":`...)
	dst = scan.AppendString(dst, a.ID)
	dst = append(dst, `,"outputs":[`...)
	header = -1
	for i, o := range a.Outputs {
		if i > 0 {
			dst = append(dst, ',')
		}
		name, t := a.Values[o.Index].Name, out(o.Index)
		if !o.Binary {
			dst = AppendTensor(dst, name, t)
			continue
		}
		header = 0
		dst = appendHead(dst, name, t)
		dst = append(dst, `,"parameters":{"binary_data_size":`...)
		dst = strconv.AppendInt(dst, int64(binarySize(t)), 10)
		dst = append(dst, `}}`...)
	}
	dst = append(dst, `]}`...)
	if header < 0 {
		return dst, header
	}
	header = len(dst) - start
	for _, o := range a.Outputs {
		if o.Binary {
			dst = AppendBinary(dst, out(o.Index))
		}
	}
	return dst, header
}

// AppendTensor appends a tensor of an inference request or answer, its data flat and in JSON.
func AppendTensor(dst []byte, name string, t *onnx.Tensor) []byte {
	dst = appendHead(dst, name, t)
	dst = append(dst, `,"data":[`...)
	dst = appendJSON(dst, t)
	return append(dst, `]}`...)
}

// appendHead appends the beginning of a tensor: what there is before its elements.
func appendHead(dst []byte, name string, t *onnx.Tensor) []byte {
	dst = append(dst, `{"name":`...)
	dst = scan.AppendString(dst, name)
	dst = append(dst, `,"datatype":"`...)
	dst = append(dst, Datatype(t.DType)...)
	dst = append(dst, `","shape":[`...)
	for i, d := range t.Shape {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = strconv.AppendInt(dst, int64(d), 10)
	}
	return append(dst, ']')
}

// appendJSON appends the elements of t with commas between them.
func appendJSON(dst []byte, t *onnx.Tensor) []byte {
	for i := range t.Len() {
		if i > 0 {
			dst = append(dst, ',')
		}
		switch d := t.DType; {
		case d == onnx.Float32:
			dst = scan.AppendFloat(dst, float64(t.F32[i]), 32)
		case d == onnx.Float64:
			dst = scan.AppendFloat(dst, t.F64[i], 64)
		case d == onnx.Bool:
			dst = strconv.AppendBool(dst, t.Bool[i])
		case d == onnx.String && t.Str[i] == model.MissingText:
			dst = append(dst, "null"...)
		case d == onnx.String:
			dst = scan.AppendString(dst, t.Str[i])
		case d == onnx.Uint64:
			dst = strconv.AppendUint(dst, uint64(t.I64[i]), 10)
		default:
			dst = strconv.AppendInt(dst, t.I64[i], 10)
		}
	}
	return dst
}
