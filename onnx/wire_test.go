package onnx_test

import (
	"encoding/binary"
	"errors"
)

// field is one field of a protobuf message. A message that ONNX's schema knows holds its fields as kids.
type field struct {
	num, wire int
	message   string // the schema's name of a sub-message, else empty
	number    uint64 // wire 0, 1 and 5
	data      []byte // wire 2 that is no message
	kids      []*field
}

// messages are the fields of ONNX's schema that are messages themselves, by message and number.
var messages = map[string]map[int]string{
	"model":     {7: "graph", 8: "opset", 14: "entry", 25: "function"},
	"function":  {7: "node", 9: "opset"},
	"graph":     {1: "node", 5: "tensor", 11: "value", 12: "value", 13: "value"},
	"node":      {5: "attribute"},
	"attribute": {5: "tensor", 6: "graph", 10: "tensor", 11: "graph"},
	"value":     {2: "type"},
	"type":      {1: "tensor type", 4: "sequence type", 5: "map type"},
	"tensor type": {
		2: "shape",
	},
	"sequence type": {1: "type"},
	"map type":      {2: "type"},
	"shape":         {1: "dimension"},
}

var errWire = errors.New("not a protobuf message")

// parse reads a message of the named kind into its fields.
func parse(message string, data []byte) ([]*field, error) {
	var fields []*field
	for len(data) > 0 {
		tag, n := binary.Uvarint(data)
		if n <= 0 {
			return nil, errWire
		}
		data = data[n:]
		f := &field{num: int(tag >> 3), wire: int(tag & 7)}
		switch f.wire {
		case 0:
			if f.number, n = binary.Uvarint(data); n <= 0 {
				return nil, errWire
			}
			data = data[n:]
		case 1:
			if len(data) < 8 {
				return nil, errWire
			}
			f.number, data = binary.LittleEndian.Uint64(data), data[8:]
		case 5:
			if len(data) < 4 {
				return nil, errWire
			}
			f.number, data = uint64(binary.LittleEndian.Uint32(data)), data[4:]
		case 2:
			size, n := binary.Uvarint(data)
			if n <= 0 || size > uint64(len(data)-n) {
				return nil, errWire
			}
			f.data, data = data[n:n+int(size)], data[n+int(size):]
			if f.message = messages[message][f.num]; f.message != "" {
				kids, err := parse(f.message, f.data)
				if err != nil {
					return nil, err
				}
				f.kids, f.data = kids, nil
			}
		default:
			return nil, errWire
		}
		fields = append(fields, f)
	}
	return fields, nil
}

// encode appends the fields to out.
func encode(out []byte, fields []*field) []byte {
	for _, f := range fields {
		out = binary.AppendUvarint(out, uint64(f.num)<<3|uint64(f.wire))
		switch f.wire {
		case 0:
			out = binary.AppendUvarint(out, f.number)
		case 1:
			out = binary.LittleEndian.AppendUint64(out, f.number)
		case 5:
			out = binary.LittleEndian.AppendUint32(out, uint32(f.number))
		default:
			data := f.data
			if f.message != "" {
				data = encode(nil, f.kids)
			}
			out = binary.AppendUvarint(out, uint64(len(data)))
			out = append(out, data...)
		}
	}
	return out
}

// clone copies f with all below it.
func (f *field) clone() *field {
	c := *f
	c.kids = make([]*field, len(f.kids))
	for i, kid := range f.kids {
		c.kids[i] = kid.clone()
	}
	return &c
}
