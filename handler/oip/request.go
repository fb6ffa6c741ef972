package oip

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"ml-service/handler/scan"
	"ml-service/onnx"
)

// Signature is what a model takes and gives. Missing of an input says whether null stands for NaN there.
type Signature struct {
	Inputs, Outputs []onnx.Value
	Strict          bool // a tensor's datatype has to be the input's: none is converted
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

	scan   scan.Scanner
	inputs []input
	tail   []byte // the binary tensors that are not yet taken
	header bool   // the request said how long its JSON is
	binary choice // binary_data_output
}

// input is one element of "inputs" before its place in the model is known.
type input struct {
	name, datatype []byte
	dtype          onnx.DType // of datatype
	seen           struct{ name, datatype, shape, data, parameters bool }
	shape          []int
	data           int // where "data" begins in the JSON; 0: absent
	size           int // binary_data_size; -1: absent
}

// Decode reads a request into the tensors that in gives by the index of the model's input. header is
// the value of Inference-Header-Content-Length, -1 where the request has none. An *Error says what
// is wrong; the tensors may then be half filled.
func (r *Request) Decode(body []byte, header int, sig Signature, in func(i int) *onnx.Tensor) error {
	err := r.decode(body, header, sig, in)
	var e *Error
	if err == nil || errors.As(err, &e) {
		return err
	}
	if broken := scan.Valid(r.scan.Text); broken != nil { // from the start, as /predict does
		err = broken
	}
	return &Error{Message: err.Error()}
}

func (r *Request) decode(body []byte, header int, sig Signature, in func(i int) *onnx.Tensor) error {
	if header > len(body) {
		return wrong("", "Inference-Header-Content-Length is %d, but the request has %d bytes", header, len(body))
	}
	r.ID, r.HasID, r.Outputs, r.inputs, r.tail, r.binary = "", false, r.Outputs[:0], r.inputs[:0], nil, unsaid
	if r.header = header >= 0; r.header {
		body, r.tail = body[:header], body[header:]
	}
	r.scan.Reset(body)
	if err := r.members(sig); err != nil {
		return err
	}
	if err := r.scan.End(); err != nil {
		return err
	}
	r.chooseOutputs(sig)
	return r.fill(sig, in)
}

func (r *Request) members(sig Signature) error {
	s := &r.scan
	if s.Peek() != '{' {
		return mistyped(s, "", "an object")
	}
	if err := s.Open(); err != nil {
		return err
	}
	var inputs, outputs, parameters bool
	for s.More('}') {
		name, err := s.Name()
		if err != nil {
			return err
		}
		if s.Peek() == 'n' { // null is an absent member
			if err := s.Word("null"); err != nil {
				return err
			}
			continue
		}
		switch string(name) {
		case "id":
			if err = once(&r.HasID, name); err == nil {
				err = r.readID()
			}
		case "inputs":
			if err = once(&inputs, name); err == nil {
				err = r.readInputs(sig)
			}
		case "outputs":
			if err = once(&outputs, name); err == nil {
				err = r.readOutputs(sig)
			}
		case "parameters":
			if err = once(&parameters, name); err == nil {
				err = r.readParameters("binary_data_output", &r.binary)
			}
		default:
			err = s.Skip()
		}
		if err != nil {
			return err
		}
	}
	if err := s.Err(); err != nil {
		return err
	}
	if !inputs {
		return wrong("inputs", "the request has no inputs; this model takes %s", names(sig.Inputs))
	}
	return nil
}

func (r *Request) readID() error {
	id, err := word(&r.scan, "id")
	r.ID = string(id)
	return err
}

// readParameters reads an object of parameters, of which only name matters here.
func (r *Request) readParameters(name string, value *choice) error {
	return r.parameters(func(parameter []byte) error {
		switch string(parameter) {
		case name:
			b, err := boolean(&r.scan, name)
			*value = no
			if b {
				*value = yes
			}
			return err
		case "classification", "shared_memory_region":
			return wrong(string(parameter), "this extension is not supported; binary_tensor_data is")
		}
		return r.scan.Skip()
	})
}

// parameters calls read at the value of each member of an object of parameters, which it must read.
func (r *Request) parameters(read func(name []byte) error) error {
	s := &r.scan
	if s.Peek() != '{' {
		return mistyped(s, "parameters", "an object")
	}
	if err := s.Open(); err != nil {
		return err
	}
	for s.More('}') {
		name, err := s.Name()
		switch {
		case err != nil:
		case s.Peek() == 'n': // null is an absent member
			err = s.Word("null")
		default:
			err = read(name)
		}
		if err != nil {
			return under(err, "parameters")
		}
	}
	return s.Err()
}

func (r *Request) readOutputs(sig Signature) error {
	s := &r.scan
	if s.Peek() != '[' {
		return mistyped(s, "outputs", "an array")
	}
	if err := s.Open(); err != nil {
		return err
	}
	for i := 0; s.More(']'); i++ {
		if err := r.readOutput(sig); err != nil {
			return under(err, "outputs["+strconv.Itoa(i)+"]")
		}
	}
	return s.Err()
}

func (r *Request) readOutput(sig Signature) error {
	s := &r.scan
	if s.Peek() != '{' {
		return mistyped(s, here, "an object")
	}
	if err := s.Open(); err != nil {
		return err
	}
	o := Output{Index: -1}
	var named, parameters bool
	for s.More('}') {
		name, err := s.Name()
		if err != nil {
			return err
		}
		if s.Peek() == 'n' { // null is an absent member
			if err := s.Word("null"); err != nil {
				return err
			}
			continue
		}
		switch string(name) {
		case "name":
			if err = once(&named, name); err == nil {
				o.Index, err = r.outputNamed(sig)
			}
		case "parameters":
			if err = once(&parameters, name); err == nil {
				err = r.readParameters("binary_data", &o.binary)
			}
		default:
			err = s.Skip()
		}
		if err != nil {
			return err
		}
	}
	if err := s.Err(); err != nil {
		return err
	}
	if !named {
		return wrong("name", "missing; this model gives %s", names(sig.Outputs))
	}
	r.Outputs = append(r.Outputs, o)
	return nil
}

// outputNamed reads the name of an output and gives its index.
func (r *Request) outputNamed(sig Signature) (int, error) {
	name, err := word(&r.scan, "name")
	if err != nil {
		return -1, err
	}
	k := index(sig.Outputs, name)
	if k < 0 {
		return k, wrong("name", "this model has no output %q; it gives %s", scan.Shortened(name), names(sig.Outputs))
	}
	for _, other := range r.Outputs {
		if other.Index == k {
			return k, wrong("name", "output %q is requested twice", name)
		}
	}
	return k, nil
}

// chooseOutputs names every output where the request named none, and says which are binary: an output's own parameter over
// the request's.
func (r *Request) chooseOutputs(sig Signature) {
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
		list[i] = fmt.Sprintf("%s (%s, %s)", v.Name, Datatype(v.DType), onnx.ShapeText(v.Shape))
	}
	return strings.Join(list, ", ")
}
