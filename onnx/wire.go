package onnx

import (
	"errors"
	"fmt"
	"unicode/utf8"

	"google.golang.org/protobuf/encoding/protowire"
)

// The messages of onnx.proto as far as they are read, decoded straight from the wire.
type modelProto struct {
	opsets    map[string]int64
	producer  string
	metadata  map[string]string
	graph     *graphProto
	functions map[string]*functionProto // by domain and name
}

type graphProto struct {
	nodes        []nodeProto
	initializers []namedTensor
	inputs       []valueProto
	outputs      []valueProto
	values       int // value infos seen, for the limit
	attributes   int
}

type namedTensor struct {
	name   string
	tensor *Tensor
}

// field is one field of a message: bytes for length-delimited ones, number for the rest.
type field struct {
	num    protowire.Number
	typ    protowire.Type
	number uint64
	bytes  []byte
}

var errTruncated = errors.New("truncated or malformed protobuf")

// next reads one field off b.
func next(b []byte) (field, []byte, error) {
	num, typ, n := protowire.ConsumeTag(b)
	if n < 0 {
		return field{}, nil, errTruncated
	}
	f := field{num: num, typ: typ}
	b = b[n:]
	switch typ {
	case protowire.VarintType:
		f.number, n = protowire.ConsumeVarint(b)
	case protowire.Fixed32Type:
		var v uint32
		v, n = protowire.ConsumeFixed32(b)
		f.number = uint64(v)
	case protowire.Fixed64Type:
		f.number, n = protowire.ConsumeFixed64(b)
	case protowire.BytesType:
		f.bytes, n = protowire.ConsumeBytes(b)
	default:
		return field{}, nil, errTruncated
	}
	if n < 0 {
		return field{}, nil, errTruncated
	}
	return f, b[n:], nil
}

// want refuses a field whose wire type is not the one onnx.proto gives it.
func (f field) want(typ protowire.Type) error {
	if f.typ != typ {
		return fmt.Errorf("field %d has wire type %d, want %d", f.num, f.typ, typ)
	}
	return nil
}

// utf8Text is bytes as a string, which everything that becomes JSON has to be.
func utf8Text(b []byte) (string, error) {
	if !utf8.Valid(b) {
		return "", fmt.Errorf("%q is not UTF-8", b[:min(len(b), 100)])
	}
	return string(b), nil
}

// text is a string field within the limit for names.
func (f field) text() (string, error) {
	if err := f.want(protowire.BytesType); err != nil {
		return "", err
	}
	if len(f.bytes) > maxName {
		return "", fmt.Errorf("a name of %d bytes is longer than %d", len(f.bytes), maxName)
	}
	return utf8Text(f.bytes)
}

func (f field) int() (int64, error) {
	return int64(f.number), f.want(protowire.VarintType)
}

// domainName spells the default domain in the one way used here.
func domainName(s string) string {
	if s == "" {
		return "ai.onnx"
	}
	return s
}

func parseModel(b []byte) (*modelProto, error) {
	m := &modelProto{opsets: map[string]int64{}, metadata: map[string]string{}, functions: map[string]*functionProto{}}
	var name, version string
	for len(b) > 0 {
		f, rest, err := next(b)
		if err != nil {
			return nil, err
		}
		b = rest
		switch f.num {
		case 2:
			name, err = f.text()
		case 3:
			version, err = f.text()
		case 7:
			if m.graph != nil {
				return nil, errors.New("two graphs")
			}
			if err = f.want(protowire.BytesType); err == nil {
				m.graph, err = parseGraph(f.bytes, 0)
			}
		case 8:
			err = m.opset(f)
		case 14:
			err = m.entry(f)
		case 25:
			err = m.function(f)
		}
		if err != nil {
			return nil, err
		}
	}
	if m.graph == nil {
		return nil, errors.New("no graph: not an ONNX model")
	}
	if m.producer = name; version != "" {
		m.producer += " " + version
	}
	return m, nil
}

// opset reads an OperatorSetIdProto. The same domain twice is allowed if both agree.
func (m *modelProto) opset(f field) error {
	var domain string
	var version int64
	err := each(f, func(f field) (err error) {
		switch f.num {
		case 1:
			domain, err = f.text()
		case 2:
			version, err = f.int()
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("opset_import: %w", err)
	}
	domain = domainName(domain)
	if have, ok := m.opsets[domain]; ok && have != version {
		return fmt.Errorf("opset_import: domain %s is imported as %d and as %d", domain, have, version)
	}
	if len(m.opsets) >= maxMetadata {
		return errors.New("opset_import: too many domains")
	}
	m.opsets[domain] = version
	return nil
}

func (m *modelProto) entry(f field) error {
	var key, value string
	err := each(f, func(f field) (err error) {
		switch f.num {
		case 1:
			key, err = f.text()
		case 2:
			if err = f.want(protowire.BytesType); err == nil {
				value, err = utf8Text(f.bytes)
			}
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("metadata_props: %w", err)
	}
	if _, ok := m.metadata[key]; ok {
		return fmt.Errorf("metadata_props: %q is given twice", key)
	}
	if len(m.metadata) >= maxMetadata {
		return fmt.Errorf("metadata_props: more than %d entries", maxMetadata)
	}
	m.metadata[key] = value
	return nil
}

// each calls fn for the fields of the message in f.
func each(f field, fn func(field) error) error {
	if err := f.want(protowire.BytesType); err != nil {
		return err
	}
	for b := f.bytes; len(b) > 0; {
		g, rest, err := next(b)
		if err != nil {
			return err
		}
		if err := fn(g); err != nil {
			return err
		}
		b = rest
	}
	return nil
}
