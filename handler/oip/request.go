package oip

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"

	"ml-service/onnx"
)

// Signature is what a model takes and gives. Missing of an input says whether null stands for NaN there.
type Signature struct {
	Inputs, Outputs []onnx.Value
}

// Output is a requested output: its index in Signature.Outputs, and whether it is answered in binary.
type Output struct {
	Index  int
	Binary bool

	binary choice
}

// choice is a boolean parameter that may be absent.
type choice int8

const (
	unsaid choice = iota
	no
	yes
)

// Request is a decoded inference request. Its zero value is ready for Decode, and it may be reused:
// what it holds is then overwritten.
type Request struct {
	ID      string   // as given
	HasID   bool     // the request has an id
	Outputs []Output // in the order requested; every output of the model where the request names none

	scan   scanner
	inputs []input
	tail   []byte // the binary tensors that are not yet taken
	header bool   // the request said how long its JSON is
	binary choice // binary_data_output
}

// input is one element of "inputs" before its place in the model is known.
type input struct {
	name, datatype []byte
	seen           struct{ name, datatype, shape, data, parameters bool }
	shape          []int
	data           int // where "data" begins in the JSON; 0: absent
	size           int // binary_data_size; -1: absent
}

// Decode reads a request into the tensors that in gives by the index of the model's input. header is
// the value of Inference-Header-Content-Length, -1 where the request has none. An *Error says what
// is wrong; the tensors may then be half filled.
func (r *Request) Decode(body []byte, header int, sig Signature, in func(i int) *onnx.Tensor) error {
	if err := r.decode(body, header, sig, in); err != nil {
		return err
	}
	return nil
}

func (r *Request) decode(body []byte, header int, sig Signature, in func(i int) *onnx.Tensor) *Error {
	if header > len(body) {
		return wrong("", "Inference-Header-Content-Length is %d, but the request has %d bytes", header, len(body))
	}
	r.ID, r.Outputs, r.inputs, r.tail, r.binary = "", r.Outputs[:0], r.inputs[:0], nil, unsaid
	if r.header = header >= 0; r.header {
		body, r.tail = body[:header], body[header:]
	}
	if !utf8.Valid(body) {
		return wrong("", "the request is not JSON: it is not UTF-8")
	}
	r.scan = scanner{buf: body}
	if err := r.members(sig); err != nil {
		return err
	}
	if err := r.scan.end(); err != nil {
		return err
	}
	r.settle(sig)
	return r.fill(sig, in)
}

func (r *Request) members(sig Signature) *Error {
	s := &r.scan
	if c := s.peek(); c != '{' && s.pos < len(s.buf) {
		return s.mistyped("", "an object")
	}
	var inputs, outputs, parameters bool
	r.HasID = false
	err := s.object(func(key []byte) (err *Error) {
		switch string(key) {
		case "id":
			if err = once(&r.HasID, key); err == nil {
				r.ID, err = s.text("id")
			}
		case "inputs":
			if err = once(&inputs, key); err == nil {
				err = r.readInputs()
			}
		case "outputs":
			if err = once(&outputs, key); err == nil {
				err = r.readOutputs(sig)
			}
		case "parameters":
			if err = once(&parameters, key); err == nil {
				err = r.readParameters("binary_data_output", &r.binary)
			}
		default:
			err = s.skip()
		}
		return err
	})
	if err == nil && !inputs {
		err = wrong("inputs", "the request has no inputs; this model takes %s", names(sig.Inputs))
	}
	return err
}

// once refuses the second member of one name.
func once(seen *bool, key []byte) *Error {
	if *seen {
		return wrong(string(key), "given twice")
	}
	*seen = true
	return nil
}

// readParameters reads an object of parameters, of which only name matters here.
func (r *Request) readParameters(name string, value *choice) *Error {
	s := &r.scan
	switch s.peek() {
	case 'n':
		return s.literal("null")
	case '{':
	default:
		return s.mistyped("parameters", "an object")
	}
	err := s.object(func(key []byte) *Error {
		switch string(key) {
		case name:
			b, err := s.boolean(name)
			*value = no
			if b {
				*value = yes
			}
			return err
		case "classification", "shared_memory_region":
			return wrong(string(key), "this extension is not supported; binary_tensor_data is")
		}
		return s.skip()
	})
	return err.under("parameters")
}

func (r *Request) readOutputs(sig Signature) *Error {
	s := &r.scan
	switch s.peek() {
	case 'n':
		return s.literal("null")
	case '[':
	default:
		return s.mistyped("outputs", "an array")
	}
	return s.array(func(i int) *Error {
		err := r.readOutput(sig)
		if err != nil {
			return err.under("outputs[" + strconv.Itoa(i) + "]")
		}
		return nil
	})
}

func (r *Request) readOutput(sig Signature) *Error {
	s := &r.scan
	if s.peek() != '{' {
		return s.mistyped(".", "an object")
	}
	var o Output
	var name []byte
	var named, parameters bool
	err := s.object(func(key []byte) (err *Error) {
		switch string(key) {
		case "name":
			if err = once(&named, key); err == nil {
				name, err = s.word("name")
			}
		case "parameters":
			if err = once(&parameters, key); err == nil {
				err = r.readParameters("binary_data", &o.binary)
			}
		default:
			err = s.skip()
		}
		return err
	})
	if err != nil {
		return err
	}
	if o.Index = index(sig.Outputs, name); o.Index < 0 {
		return wrong("name", "this model has no output %q; it gives %s", name, names(sig.Outputs))
	}
	for _, other := range r.Outputs {
		if other.Index == o.Index {
			return wrong("name", "output %q is requested twice", name)
		}
	}
	r.Outputs = append(r.Outputs, o)
	return nil
}

// settle names every output where the request named none, and decides which are binary.
func (r *Request) settle(sig Signature) {
	if len(r.Outputs) == 0 {
		for i := range sig.Outputs {
			r.Outputs = append(r.Outputs, Output{Index: i})
		}
	}
	for i := range r.Outputs {
		o := &r.Outputs[i]
		o.Binary = o.binary == yes || o.binary == unsaid && r.binary == yes
	}
}

func index(values []onnx.Value, name []byte) int {
	for i := range values {
		if values[i].Name == string(name) {
			return i
		}
	}
	return -1
}

// Position is the place of an input in the decoded request; -1: it is not there.
func (r *Request) Position(name string) int {
	for i := range r.inputs {
		if string(r.inputs[i].name) == name {
			return i
		}
	}
	return -1
}

// names lists what the model has, with type and shape: x (FP32, [N,3]).
func names(values []onnx.Value) string {
	list := make([]string, len(values))
	for i, v := range values {
		list[i] = fmt.Sprintf("%s (%s, %s)", v.Name, Datatype(v.DType), shapeWanted(v.Shape))
	}
	return strings.Join(list, ", ")
}

func shapeWanted(shape []int) string {
	if shape == nil {
		return "any shape"
	}
	list := make([]string, len(shape))
	for i, d := range shape {
		switch {
		case d >= 0:
			list[i] = strconv.Itoa(d)
		case i == 0:
			list[i] = "N"
		default:
			list[i] = "any"
		}
	}
	return "[" + strings.Join(list, ",") + "]"
}
