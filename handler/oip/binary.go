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
	if t.DType == onnx.String {
		return takeBytes(b, t, want)
	}
	if n := t.Len() * size(t.DType); n != len(b) {
		return wrong(field, "input %q: want %d bytes for shape %s of %s, got %d",
			want.Name, n, shapeWanted(t.Shape), Datatype(t.DType), len(b))
	}
	switch t.DType {
	case onnx.Float32:
		for i := range t.F32 {
			t.F32[i] = math.Float32frombits(binary.LittleEndian.Uint32(b[4*i:]))
		}
	case onnx.Float64:
		for i := range t.F64 {
			t.F64[i] = math.Float64frombits(binary.LittleEndian.Uint64(b[8*i:]))
		}
	case onnx.Bool:
		for i, c := range b {
			if c > 1 {
				return wrong(field, "input %q: byte %d is %d; a BOOL is 0 or 1", want.Name, i, c)
			}
			t.Bool[i] = c == 1
		}
	default:
		takeIntegers(b, t)
	}
	return nil
}

func takeIntegers(b []byte, t *onnx.Tensor) {
	le := binary.LittleEndian
	for i := range t.I64 {
		switch t.DType {
		case onnx.Int8:
			t.I64[i] = int64(int8(b[i]))
		case onnx.Uint8:
			t.I64[i] = int64(b[i])
		case onnx.Int16:
			t.I64[i] = int64(int16(le.Uint16(b[2*i:])))
		case onnx.Uint16:
			t.I64[i] = int64(le.Uint16(b[2*i:]))
		case onnx.Int32:
			t.I64[i] = int64(int32(le.Uint32(b[4*i:])))
		case onnx.Uint32:
			t.I64[i] = int64(le.Uint32(b[4*i:]))
		default:
			t.I64[i] = int64(le.Uint64(b[8*i:]))
		}
	}
}

// takeBytes reads strings, each behind its length in four bytes.
func takeBytes(b []byte, t *onnx.Tensor, want *onnx.Value) error {
	const field = "parameters.binary_data_size"
	all := string(b)
	for i := range t.Str {
		if len(all) < 4 {
			return wrong(field, "input %q: want %d elements for shape %s, got %d", want.Name, len(t.Str), shapeWanted(t.Shape), i)
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
		return t.Len() * size(t.DType)
	}
	n := 4 * len(t.Str)
	for _, s := range t.Str {
		n += len(s)
	}
	return n
}

// AppendBinary appends the elements of t, little-endian, without padding.
func AppendBinary(dst []byte, t *onnx.Tensor) []byte {
	le := binary.LittleEndian
	switch d := t.DType; {
	case d == onnx.Float32:
		for _, f := range t.F32 {
			dst = le.AppendUint32(dst, math.Float32bits(f))
		}
	case d == onnx.Float64:
		for _, f := range t.F64 {
			dst = le.AppendUint64(dst, math.Float64bits(f))
		}
	case d == onnx.Bool:
		for _, b := range t.Bool {
			dst = append(dst, bit(b))
		}
	case d == onnx.String:
		for _, s := range t.Str {
			dst = le.AppendUint32(dst, uint32(len(s)))
			dst = append(dst, s...)
		}
	default:
		for _, n := range t.I64 {
			switch size(d) {
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
