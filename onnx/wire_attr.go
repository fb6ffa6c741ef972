package onnx

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"math/bits"

	"google.golang.org/protobuf/encoding/protowire"
)

type attrKind uint8

// Kinds of attributes, numbered as AttributeProto.AttributeType.
const (
	attrNone attrKind = iota
	attrFloat
	attrInt
	attrString
	attrTensor
	attrGraph
	attrFloats
	attrInts
	attrStrings
	attrTensors
	attrGraphs
)

var attrNames = [...]string{"nothing", "float", "int", "string", "tensor", "graph", "floats", "ints", "strings", "tensors", "graphs"}

func (k attrKind) String() string {
	if int(k) < len(attrNames) {
		return attrNames[k]
	}
	return fmt.Sprintf("attribute type %d", uint8(k))
}

type attrProto struct {
	name      string
	reference string // of the function it stands in: the attribute that takes its place
	kind      attrKind
	f         float32
	i         int64
	s         string
	t         *Tensor
	g         *graphProto
	floats    []float32
	ints      intList
	strings   stringList
}

// kindOfField says which kind a field of AttributeProto carries; the index is the field's number.
var kindOfField = [...]attrKind{2: attrFloat, 3: attrInt, 4: attrString, 5: attrTensor, 6: attrGraph,
	7: attrFloats, 8: attrInts, 9: attrStrings, 10: attrTensors, 11: attrGraphs}

func parseAttribute(f field, depth int) (attrProto, error) {
	var a attrProto
	if err := f.want(protowire.BytesType); err != nil {
		return a, err
	}
	declared, found := attrNone, attrNone
	for b := f.bytes; len(b) > 0; {
		if n, err := a.long(b); err != nil {
			return a, fmt.Errorf("attribute %q: %w", a.name, err)
		} else if n > 0 {
			kind := attrFloats
			switch b[0] {
			case tagInts:
				kind = attrInts
			case tagStrings:
				kind = attrStrings
			}
			if found != attrNone && found != kind {
				return a, fmt.Errorf("attribute %q holds both %s and %s", a.name, found, kind)
			}
			found, b = kind, b[n:]
			continue
		}
		f, rest, err := next(b)
		if err != nil {
			return a, err
		}
		b = rest
		if int(f.num) < len(kindOfField) && kindOfField[f.num] != attrNone {
			if kind := kindOfField[f.num]; found != attrNone && found != kind {
				return a, fmt.Errorf("attribute %q holds both %s and %s", a.name, found, kind)
			}
			found = kindOfField[f.num]
		}
		if err := a.field(f, &declared, depth); err != nil {
			return a, fmt.Errorf("attribute %q: %w", a.name, err)
		}
	}
	if declared != attrNone && found != attrNone && declared != found {
		return a, fmt.Errorf("attribute %q is declared %s and holds %s", a.name, declared, found)
	}
	if a.kind = max(declared, found); a.kind == attrTensor && a.t == nil {
		return a, fmt.Errorf("attribute %q: no tensor", a.name)
	}
	if a.kind == attrGraph && a.g == nil {
		return a, fmt.Errorf("attribute %q: no graph", a.name)
	}
	return a, nil
}

func (a *attrProto) field(f field, declared *attrKind, depth int) (err error) {
	switch f.num {
	case 1:
		a.name, err = f.text()
	case 2:
		err = f.want(protowire.Fixed32Type)
		a.f = math.Float32frombits(uint32(f.number))
	case 3:
		a.i, err = f.int()
	case 4:
		if err = f.want(protowire.BytesType); err == nil {
			a.s, err = utf8Text(f.bytes)
		}
	case 5:
		if err = f.want(protowire.BytesType); err == nil {
			_, a.t, err = parseTensor(f.bytes)
		}
	case 6:
		if err = f.want(protowire.BytesType); err == nil {
			a.g, err = parseGraph(f.bytes, depth+1)
		}
	case 7:
		err = a.packedFloats(f)
	case 8:
		err = a.packedInts(f)
	case 20:
		if f.number > uint64(attrGraphs) {
			return fmt.Errorf("attribute type %d is not supported", f.number)
		}
		*declared = attrKind(f.number)
	case 21:
		err = a.refer(f)
	case 22, 23:
		err = errors.New("sparse tensors are not supported")
	case 14, 15:
		err = errors.New("types as attributes are not supported")
	}
	return err
}

// Exporters write long lists unpacked: one tag before each element.
const (
	tagFloats  = 7<<3 | byte(protowire.Fixed32Type)
	tagInts    = 8<<3 | byte(protowire.VarintType)
	tagStrings = 9<<3 | byte(protowire.BytesType)
)

// long reads a run of unpacked list elements at the start of b and says how many bytes it took; 0: there is none.
func (a *attrProto) long(b []byte) (int, error) {
	switch b[0] {
	case tagFloats:
		return a.runOfFloats(b)
	case tagInts:
		return a.runOfInts(b)
	case tagStrings:
		return a.runOfStrings(b)
	}
	return 0, nil
}

func (a *attrProto) runOfFloats(b []byte) (int, error) {
	n := 0
	for i := 0; i < len(b) && b[i] == tagFloats; i += 5 {
		n++
	}
	if n*5 > len(b) {
		return 0, errTruncated
	}
	a.floats = room(a.floats, n)
	for i := range n {
		a.floats = append(a.floats, math.Float32frombits(binary.LittleEndian.Uint32(b[i*5+1:])))
	}
	return n * 5, nil
}

func (a *attrProto) runOfInts(b []byte) (int, error) {
	if a.ints.len() == 0 {
		a.ints.room((ends(b) + 1) / 2) // a tag and the last byte of a varint each
	}
	i := a.ints.shortRun(b)
	for i < len(b) && b[i] == tagInts {
		v, n := varint(b[i+1:])
		if n <= 0 {
			return 0, errTruncated
		}
		a.ints.add(v)
		i += 1 + n
	}
	return i, nil
}

func (a *attrProto) runOfStrings(b []byte) (int, error) {
	n, i := 0, 0
	for ; i < len(b) && b[i] == tagStrings; n++ {
		l, k := varint(b[i+1:])
		if k <= 0 || l < 0 || l > int64(len(b)-i-1-k) {
			return 0, errTruncated
		}
		i += 1 + k + int(l)
	}
	a.strings.room(n)
	for b = b[:i]; len(b) > 0; {
		l, k := varint(b[1:])
		end := 1 + k + int(l)
		if err := a.strings.add(b[1+k : end]); err != nil {
			return 0, err
		}
		b = b[end:]
	}
	return i, nil
}

func (a *attrProto) packedFloats(f field) error {
	if err := f.want(protowire.BytesType); err != nil {
		return err
	}
	if len(f.bytes)%4 != 0 {
		return errTruncated
	}
	a.floats = room(a.floats, len(f.bytes)/4)
	for b := f.bytes; len(b) > 0; b = b[4:] {
		a.floats = append(a.floats, math.Float32frombits(binary.LittleEndian.Uint32(b)))
	}
	return nil
}

func (a *attrProto) packedInts(f field) (err error) {
	if err = f.want(protowire.BytesType); err != nil {
		return err
	}
	a.ints.room(ends(f.bytes))
	for b := f.bytes; len(b) > 0; {
		v, n := varint(b)
		if n <= 0 {
			return errTruncated
		}
		a.ints.add(v)
		b = b[n:]
	}
	return nil
}

// varint decodes one varint; n <= 0: truncated or too long.
func varint(b []byte) (v int64, n int) {
	if len(b) > 0 && b[0] < 0x80 {
		return int64(b[0]), 1
	}
	if len(b) > 2 {
		if b[1] < 0x80 {
			return int64(b[0]&0x7f) | int64(b[1])<<7, 2
		}
		if b[2] < 0x80 {
			return int64(b[0]&0x7f) | int64(b[1]&0x7f)<<7 | int64(b[2])<<14, 3
		}
	}
	u, n := binary.Uvarint(b)
	return int64(u), n
}

// ends counts the bytes of b below 0x80: the last bytes of varints, one-byte tags included.
func ends(b []byte) int {
	n := 0
	for ; len(b) >= 8; b = b[8:] {
		n += bits.OnesCount64(^binary.LittleEndian.Uint64(b) & 0x8080808080808080)
	}
	for _, c := range b {
		if c < 0x80 {
			n++
		}
	}
	return n
}
