package oip

import (
	"strconv"

	"ml-service/handler/scan"
	"ml-service/model"
	"ml-service/onnx"
)

// Answer is what an inference answers beside its tensors. It is appended once.
type Answer struct {
	Model, Version, ID string
	Outputs            []Output
	Warnings           string       // sentences, for parameters; empty: none
	Values             []onnx.Value // the model's outputs, which Output.Index points into

	place
}

// place is how far an answer has been appended.
type place struct {
	tail    bool // all of its JSON has been, and binary tensors follow
	text    int  // bytes of JSON that have been
	output  int  // the one of Outputs whose turn it is
	element int  // the element of it whose turn it is
}

const (
	pieceBytes    = 64 << 10 // about how long a piece of an answer is
	chunkElements = 256      // as many are appended before it is asked whether that is reached
)

// Append appends the answer's JSON and then its binary tensors to dst. header is the length of the
// JSON where binary tensors follow it, to be sent as Inference-Header-Content-Length; else it is -1.
func (a *Answer) Append(dst []byte, out func(i int) *onnx.Tensor) (body []byte, header int) {
	for more := true; more; {
		dst, more = a.AppendPiece(dst, out)
	}
	if !a.tail {
		return dst, -1
	}
	return dst, a.text
}

// Lengths are those of an answer with binary tensors, also where some of it has been appended: of its JSON, and of the whole. Of
// an answer in JSON alone they are -1. JSON that is yet to come is written and forgotten, piece by piece, to know how long it is.
func (a *Answer) Lengths(out func(i int) *onnx.Tensor) (header, whole int) {
	if !a.binary() {
		return -1, -1
	}
	rest := *a
	var scratch []byte
	for !rest.tail {
		scratch, _ = rest.appendText(scratch[:0], pieceBytes, out)
	}
	whole = rest.text
	for _, o := range a.Outputs {
		if o.Binary {
			whole += binarySize(out(o.Index))
		}
	}
	return rest.text, whole
}

// Frame is about how many bytes of the answer are there whatever the number of rows: its JSON without the elements, and the
// outputs that do not have one element, or as many, for each row.
func (a *Answer) Frame(out func(i int) *onnx.Tensor, rows int) int {
	n := len(`{"model_name":"","model_version":"","id":"","parameters":{"warnings":""},"outputs":[]}`) +
		len(a.Model) + len(a.Version) + len(a.ID) + len(a.Warnings)
	var scratch []byte
	for _, o := range a.Outputs {
		t := out(o.Index)
		scratch = appendHead(scratch[:0], a.Values[o.Index].Name, t)
		n += len(scratch) + len(`,"parameters":{"binary_data_size":}},`) + 20
		if a.Values[o.Index].Rows > 0 || len(t.Shape) > 0 && t.Shape[0] == rows {
			continue
		}
		if o.Binary {
			n += binarySize(t)
		} else {
			n += len(appendJSON(nil, t, 0, t.Len()))
		}
	}
	return n
}

func (a *Answer) binary() bool {
	for _, o := range a.Outputs {
		if o.Binary {
			return true
		}
	}
	return false
}

// AppendPiece appends the next piece of the answer, some 64 KB of it, and says whether there is more. So a large answer is never
// in memory as a whole.
func (a *Answer) AppendPiece(dst []byte, out func(i int) *onnx.Tensor) (piece []byte, more bool) {
	full := len(dst) + pieceBytes
	if !a.tail {
		if dst, more = a.appendText(dst, full, out); more {
			return dst, true
		}
	}
	if !a.tail {
		return dst, false
	}
	for ; a.output < len(a.Outputs); a.output, a.element = a.output+1, 0 {
		if !a.Outputs[a.output].Binary {
			continue
		}
		for t := out(a.Outputs[a.output].Index); a.element < t.Len(); {
			if len(dst) >= full {
				return dst, true
			}
			from := a.element
			a.element = chunkEnd(t, from)
			dst = appendBinary(dst, t, from, a.element)
		}
	}
	return dst, false
}

// appendText appends JSON until dst is full.
func (a *Answer) appendText(dst []byte, full int, out func(i int) *onnx.Tensor) (piece []byte, more bool) {
	before := len(dst)
	defer func() { a.text += len(piece) - before }()
	if a.text == 0 {
		dst = append(dst, `{"model_name":`...)
		dst = scan.AppendString(dst, a.Model)
		dst = append(dst, `,"model_version":`...)
		dst = scan.AppendString(dst, a.Version)
		dst = append(dst, `,"id":`...)
		dst = scan.AppendString(dst, a.ID)
		if a.Warnings != "" {
			dst = append(dst, `,"parameters":{"warnings":`...)
			dst = append(scan.AppendString(dst, a.Warnings), '}')
		}
		dst = append(dst, `,"outputs":[`...)
	}
	for ; a.output < len(a.Outputs); a.output, a.element = a.output+1, 0 {
		if len(dst) >= full {
			return dst, true
		}
		o := a.Outputs[a.output]
		name, t := a.Values[o.Index].Name, out(o.Index)
		if a.element == 0 {
			if a.output > 0 {
				dst = append(dst, ',')
			}
			dst = appendHead(dst, name, t)
		}
		if o.Binary {
			dst = append(dst, `,"parameters":{"binary_data_size":`...)
			dst = strconv.AppendInt(dst, int64(binarySize(t)), 10)
			dst = append(dst, `}}`...)
			continue
		}
		if a.element == 0 {
			dst = append(dst, `,"data":[`...)
		}
		for a.element < t.Len() {
			if a.element > 0 && len(dst) >= full {
				return dst, true
			}
			from := a.element
			a.element = chunkEnd(t, from)
			dst = appendJSON(dst, t, from, a.element)
		}
		dst = append(dst, `]}`...)
	}
	a.tail, a.output, a.element = a.binary(), 0, 0
	return append(dst, `]}`...), false
}

// chunkEnd is where the chunk of t's elements that begins at from ends.
func chunkEnd(t *onnx.Tensor, from int) int {
	if t.DType == onnx.String { // which may be long
		return from + 1
	}
	return min(from+chunkElements, t.Len())
}

// AppendTensor appends a tensor of an inference request or answer, its data flat and in JSON.
func AppendTensor(dst []byte, name string, t *onnx.Tensor) []byte {
	dst = appendHead(dst, name, t)
	dst = append(dst, `,"data":[`...)
	dst = appendJSON(dst, t, 0, t.Len())
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

// appendJSON appends the elements of t from one up to another, with commas between them and behind those before.
func appendJSON(dst []byte, t *onnx.Tensor, from, to int) []byte {
	for i := from; i < to; i++ {
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
