package onnx

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"strings"

	"google.golang.org/protobuf/encoding/protowire"
)

// dtypeCodes are TensorProto.DataType's numbers.
var dtypeCodes = map[int64]DType{1: Float32, 2: Uint8, 3: Int8, 4: Uint16, 5: Int16, 6: Int32, 7: Int64, 8: String,
	9: Bool, 11: Float64, 12: Uint32, 13: Uint64}

var otherCodes = map[int64]string{10: "float16", 14: "complex64", 15: "complex128", 16: "bfloat16"}

func dtypeOf(code int64) (DType, error) {
	if d, ok := dtypeCodes[code]; ok {
		return d, nil
	}
	name, ok := otherCodes[code]
	if !ok {
		name = fmt.Sprintf("number %d", code)
	}
	return 0, fmt.Errorf("element type %s is not supported; supported: %s", name, strings.Join(dtypeNames(), ", "))
}

// tensorProto is a TensorProto before its data is put into a Tensor.
type tensorProto struct {
	name          string
	dims          []int64
	code          int64
	raw           []byte
	hasRaw        bool
	floats        []float32
	int32s, longs []int64
	doubles       []float64
	ulongs        []int64
	strings       []string
}

func parseTensor(b []byte) (name string, t *Tensor, err error) {
	var p tensorProto
	for len(b) > 0 {
		f, rest, err := next(b)
		if err != nil {
			return p.name, nil, err
		}
		b = rest
		if err := p.field(f); err != nil {
			return p.name, nil, err
		}
	}
	t, err = p.tensor()
	return p.name, t, err
}

func (p *tensorProto) field(f field) (err error) {
	switch f.num {
	case 1:
		p.dims, err = addInts(p.dims, f)
		if err == nil && len(p.dims) > maxRank {
			err = fmt.Errorf("more than %d dimensions", maxRank)
		}
	case 2:
		p.code, err = f.int()
	case 3:
		err = errors.New("tensors in segments are not supported")
	case 4:
		p.floats, err = addFloats(p.floats, f)
	case 5:
		p.int32s, err = addInts(p.int32s, f)
	case 6:
		if err = f.want(protowire.BytesType); err == nil {
			var s string
			s, err = utf8Text(f.bytes)
			p.strings = append(p.strings, s)
		}
	case 7:
		p.longs, err = addInts(p.longs, f)
	case 8:
		p.name, err = f.text()
	case 9:
		p.raw, p.hasRaw, err = f.bytes, true, f.want(protowire.BytesType)
	case 10:
		p.doubles, err = addDoubles(p.doubles, f)
	case 11:
		p.ulongs, err = addInts(p.ulongs, f)
	case 13:
		err = errExternal
	case 14:
		if f.number != 0 {
			err = errExternal
		}
	}
	return err
}

var errExternal = errors.New("data in other files is not supported; supported: raw_data and typed data inside of the model file")

func addInts(dst []int64, f field) ([]int64, error) {
	if f.typ == protowire.VarintType {
		return append(dst, int64(f.number)), nil
	}
	if err := f.want(protowire.BytesType); err != nil {
		return nil, err
	}
	return unpackInts(dst, f.bytes)
}

func addFloats(dst []float32, f field) ([]float32, error) {
	if f.typ == protowire.Fixed32Type {
		return append(dst, math.Float32frombits(uint32(f.number))), nil
	}
	if err := f.want(protowire.BytesType); err != nil {
		return nil, err
	}
	a := attrProto{floats: dst}
	err := a.packedFloats(f)
	return a.floats, err
}

func addDoubles(dst []float64, f field) ([]float64, error) {
	if f.typ == protowire.Fixed64Type {
		return append(dst, math.Float64frombits(f.number)), nil
	}
	if err := f.want(protowire.BytesType); err != nil {
		return nil, err
	}
	if len(f.bytes)%8 != 0 {
		return nil, errTruncated
	}
	dst = room(dst, len(f.bytes)/8)
	for b := f.bytes; len(b) > 0; b = b[8:] {
		dst = append(dst, math.Float64frombits(binary.LittleEndian.Uint64(b)))
	}
	return dst, nil
}

// tensor checks that the data is what type and shape promise.
func (p *tensorProto) tensor() (*Tensor, error) {
	dtype, err := dtypeOf(p.code)
	if err != nil {
		return nil, err
	}
	t := &Tensor{DType: dtype, Shape: make([]int, len(p.dims))}
	for i, d := range p.dims {
		if d < 0 || d > maxTensor {
			return nil, fmt.Errorf("dimension %d is out of range", d)
		}
		t.Shape[i] = int(d)
	}
	n, ok := volume(t.Shape)
	if !ok {
		return nil, fmt.Errorf("shape %v has more than %d elements", t.Shape, maxTensor)
	}
	if p.hasRaw {
		err = p.fromRaw(t, n)
	} else {
		err = p.fromLists(t)
	}
	if err == nil && t.size() != n {
		err = fmt.Errorf("shape %v wants %d elements, the data has %d", t.Shape, n, t.size())
	}
	if err == nil {
		err = t.inRange()
	}
	return t, err
}

// size is the number of elements that are there.
func (t *Tensor) size() int {
	return len(t.F32) + len(t.F64) + len(t.I64) + len(t.Bool) + len(t.Str)
}

func (t *Tensor) inRange() error {
	low, high := t.DType.Range()
	for _, v := range t.I64 {
		if v < low || v > high {
			return fmt.Errorf("%d is outside of %s", v, t.DType)
		}
	}
	return nil
}

func (p *tensorProto) fromLists(t *Tensor) error {
	switch t.DType {
	case Float32:
		t.F32 = p.floats
	case Float64:
		t.F64 = p.doubles
	case Int64:
		t.I64 = p.longs
	case Uint32, Uint64:
		t.I64 = p.ulongs
	case String:
		t.Str = p.strings
	case Bool:
		t.Bool = make([]bool, len(p.int32s))
		for i, v := range p.int32s {
			t.Bool[i] = v != 0
		}
	default:
		t.I64 = p.int32s
	}
	if have := len(p.floats) + len(p.doubles) + len(p.int32s) + len(p.longs) + len(p.ulongs) + len(p.strings); have != t.size() {
		return fmt.Errorf("data of another type than %s", t.DType)
	}
	return nil
}

func (p *tensorProto) fromRaw(t *Tensor, n int) error {
	width := t.DType.WireBytes()
	if width == 0 {
		return fmt.Errorf("raw_data of %s", t.DType)
	}
	if len(p.raw) != n*width {
		return fmt.Errorf("shape %v of %s wants %d bytes of raw_data, there are %d", t.Shape, t.DType, n*width, len(p.raw))
	}
	t.ReadLittleEndian(p.raw)
	return nil
}
