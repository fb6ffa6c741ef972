package oip

import (
	"encoding/binary"
	"math"

	"ml-service/onnx"
)

// takeBinary reads the next in.size bytes of the binary part into t.
func (r *Request) takeBinary(in *input, t *onnx.Tensor, want *onnx.Value) error {
	const field = "parameters.binary_data_size"
	switch {
	case in.data != 0:
		return wrong("data", "input %q has both data and binary_data_size", want.Name)
	case !r.header:
		return wrong(field, "input %q is binary, but the request has no Inference-Header-Content-Length", want.Name)
	case in.size > len(r.tail):
		return wrong(field, "input %q: want %d bytes after the JSON, got %d", want.Name, in.size, len(r.tail))
	}
	b := r.tail[:in.size]
	r.tail = r.tail[in.size:]
	n := in.elements()
	if t.DType == onnx.String {
		if n > len(b)/4 {
			return wrong(field, "input %q: want %d elements for shape %s, got at most %d", want.Name, n, onnx.ShapeText(in.shape), len(b)/4)
		}
		t.Resize(in.shape...)
		return takeBytes(b, t, want)
	}
	if n *= in.dtype.WireBytes(); n != len(b) {
		return wrong(field, "input %q: want %d bytes for shape %s of %s, got %d",
			want.Name, n, onnx.ShapeText(in.shape), Datatype(in.dtype), len(b))
	}
	t.Resize(in.shape...)
	if in.dtype != t.DType {
		src := onnx.Tensor{DType: in.dtype}
		src.Resize(in.shape...)
		src.ReadLittleEndian(b)
		if i := convert(t, &src); i >= 0 {
			return wrong(field, "input %q: element %d is outside the range of %s", want.Name, i, Datatype(t.DType))
		}
		return nil
	}
	if t.DType == onnx.Bool {
		for i, c := range b {
			if c > 1 {
				return wrong(field, "input %q: byte %d is %d; a BOOL is 0 or 1", want.Name, i, c)
			}
		}
	}
	t.ReadLittleEndian(b)
	return nil
}

// takeBytes reads strings, each behind its length in four bytes.
func takeBytes(b []byte, t *onnx.Tensor, want *onnx.Value) error {
	const field = "parameters.binary_data_size"
	all := string(b)
	for i := range t.Str {
		if len(all) < 4 {
			return wrong(field, "input %q: want %d elements for shape %s, got %d", want.Name, len(t.Str), onnx.ShapeText(t.Shape), i)
		}
		n := uint64(all[0]) | uint64(all[1])<<8 | uint64(all[2])<<16 | uint64(all[3])<<24
		if all = all[4:]; n > uint64(len(all)) {
			return wrong(field, "input %q: element %d is %d bytes long, but only %d follow", want.Name, i, n, len(all))
		}
		t.Str[i], all = all[:n], all[n:]
	}
	if len(all) > 0 {
		return wrong(field, "input %q: %d bytes follow its %d elements", want.Name, len(all), len(t.Str))
	}
	return nil
}

// binarySize is the number of bytes that AppendBinary appends.
func binarySize(t *onnx.Tensor) int {
	if t.DType != onnx.String {
		return t.Len() * t.DType.WireBytes()
	}
	n := 4 * len(t.Str)
	for _, s := range t.Str {
		n += len(s)
	}
	return n
}

// AppendBinary appends the elements of t, little-endian, without padding.
func AppendBinary(dst []byte, t *onnx.Tensor) []byte { return appendBinary(dst, t, 0, t.Len()) }

// appendBinary appends the elements of t from one up to another.
func appendBinary(dst []byte, t *onnx.Tensor, from, to int) []byte {
	le := binary.LittleEndian
	switch d := t.DType; {
	case d == onnx.Float32:
		for _, f := range t.F32[from:to] {
			dst = le.AppendUint32(dst, math.Float32bits(f))
		}
	case d == onnx.Float64:
		for _, f := range t.F64[from:to] {
			dst = le.AppendUint64(dst, math.Float64bits(f))
		}
	case d == onnx.Bool:
		for _, b := range t.Bool[from:to] {
			dst = append(dst, bit(b))
		}
	case d == onnx.String:
		for _, s := range t.Str[from:to] {
			dst = le.AppendUint32(dst, uint32(len(s)))
			dst = append(dst, s...)
		}
	default:
		for _, n := range t.I64[from:to] {
			switch d.WireBytes() {
			case 1:
				dst = append(dst, byte(n))
			case 2:
				dst = le.AppendUint16(dst, uint16(n))
			case 4:
				dst = le.AppendUint32(dst, uint32(n))
			default:
				dst = le.AppendUint64(dst, uint64(n))
			}
		}
	}
	return dst
}

func bit(b bool) byte {
	if b {
		return 1
	}
	return 0
}
