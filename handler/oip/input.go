package oip

import (
	"bytes"
	"math"
	"strconv"

	"ml-service/handler/scan"
	"ml-service/onnx"
)

const (
	maxElements = 1 << 28 // of a shape, whatever its other dimensions are
	maxRank     = 64      // dimensions of a shape
)

func (r *Request) readInputs(sig Signature) error {
	s := &r.scan
	if s.Peek() != '[' {
		return mistyped(s, "inputs", "an array")
	}
	if err := s.Open(); err != nil {
		return err
	}
	for i := 0; s.More(']'); i++ {
		if i > len(sig.Inputs) { // the first that is too much is read, to say which it is
			return wrong("inputs", "want %d, got more; this model takes %s", len(sig.Inputs), names(sig.Inputs))
		}
		if cap(r.inputs) > i {
			r.inputs = r.inputs[:i+1]
		} else {
			r.inputs = append(r.inputs, input{})
		}
		in := &r.inputs[i]
		*in = input{name: in.name[:0], datatype: in.datatype[:0], shape: in.shape[:0], size: -1}
		if err := r.readInput(in); err != nil {
			return under(err, "inputs["+strconv.Itoa(i)+"]")
		}
	}
	return s.Err()
}

func (r *Request) readInput(in *input) error {
	s := &r.scan
	if s.Peek() != '{' {
		return mistyped(s, here, "an object")
	}
	if err := s.Open(); err != nil {
		return err
	}
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
			if err = once(&in.seen.name, name); err == nil {
				in.name, err = r.appendWord(in.name, "name")
			}
		case "datatype":
			if err = once(&in.seen.datatype, name); err == nil {
				in.datatype, err = r.appendWord(in.datatype, "datatype")
			}
		case "shape":
			if err = once(&in.seen.shape, name); err == nil {
				err = r.readShape(in)
			}
		case "parameters":
			if err = once(&in.seen.parameters, name); err == nil {
				err = r.readSize(in)
			}
		case "data":
			if err = once(&in.seen.data, name); err == nil {
				in.data = s.At
				err = skipUnread(s)
			}
		default:
			err = s.Skip()
		}
		if err != nil {
			return err
		}
	}
	return s.Err()
}

// appendWord reads a string into memory of its own.
func (r *Request) appendWord(dst []byte, field string) ([]byte, error) {
	text, err := word(&r.scan, field)
	return append(dst, text...), err
}

func (r *Request) readShape(in *input) error {
	s := &r.scan
	if s.Peek() != '[' {
		return mistyped(s, "shape", "an array of whole numbers")
	}
	if err := s.Open(); err != nil {
		return err
	}
	for s.More(']') {
		n, err := r.readCount("shape")
		if err != nil {
			return err
		}
		if len(in.shape) == maxRank {
			return wrong("shape", "want at most %d dimensions, got more", maxRank)
		}
		in.shape = append(in.shape, n)
	}
	return s.Err()
}

// readCount reads a whole number from 0 on.
func (r *Request) readCount(field string) (int, error) {
	if !isNumber(&r.scan) {
		return 0, mistyped(&r.scan, field, "a whole number from 0 on")
	}
	n, text, err := r.scan.Number()
	if err != nil {
		return 0, err
	}
	magnitude, whole, fits := n.Whole()
	if !whole || !fits || magnitude > math.MaxInt32 || n.Negative() && magnitude > 0 {
		return 0, wrong(field, "want a whole number from 0 to %d, got %s", math.MaxInt32, scan.Shortened(text))
	}
	return int(magnitude), nil
}

// readSize reads the parameters of an input, of which binary_data_size matters.
func (r *Request) readSize(in *input) error {
	return r.parameters(func(name []byte) (err error) {
		switch string(name) {
		case "binary_data_size":
			in.size, err = r.readCount("binary_data_size")
		case "shared_memory_region":
			err = wrong(string(name), "this extension is not supported; binary_tensor_data is")
		default:
			err = r.scan.Skip()
		}
		return err
	})
}

// fill checks the inputs against the model and reads their elements.
func (r *Request) fill(sig Signature, dst func(i int) *onnx.Tensor) error {
	batch := -1
	for i := range r.inputs {
		if err := r.fillOne(i, sig, &batch, dst); err != nil {
			return under(err, "inputs["+strconv.Itoa(i)+"]")
		}
	}
	if len(r.tail) > 0 {
		return wrong("", "%d bytes follow the last binary tensor", len(r.tail))
	}
	for _, want := range sig.Inputs {
		if r.Position(want.Name) < 0 {
			return wrong("inputs", "input %q is missing; this model takes %s", want.Name, names(sig.Inputs))
		}
	}
	return nil
}

func (r *Request) fillOne(i int, sig Signature, batch *int, dst func(i int) *onnx.Tensor) error {
	in := &r.inputs[i]
	k := index(sig.Inputs, in.name)
	if k < 0 {
		return wrong("name", "this model has no input %q; it takes %s", scan.Shortened(in.name), names(sig.Inputs))
	}
	want := &sig.Inputs[k]
	for j := range i {
		if string(r.inputs[j].name) == want.Name {
			return wrong("name", "input %q is given twice", want.Name)
		}
	}
	if in.dtype = dtypeNamed(in.datatype); in.dtype != want.DType && (sig.Strict || !converts(in.dtype, want.DType)) {
		return wrong("datatype", "input %q: want %s, got %q", want.Name, Datatype(want.DType), scan.Shortened(in.datatype))
	}
	if err := in.fits(want, batch); err != nil {
		return err
	}
	if most := bytes.Count(r.scan.Text, []byte{','}) + 1; in.elements() == 0 && len(in.shape) > 0 && in.shape[0] > most {
		return wrong("shape", "input %q: want at most %d rows of no values, got %d", want.Name, most, in.shape[0])
	}
	if in.size >= 0 {
		return r.takeBinary(in, dst(k), want)
	}
	if in.data == 0 {
		return wrong("data", "input %q has neither data nor binary_data_size", want.Name)
	}
	return r.takeJSON(in, dst(k), want)
}

// elements is how many elements the shape asks for.
func (in *input) elements() int {
	n := 1
	for _, d := range in.shape {
		n *= d
	}
	return n
}

// fits checks a shape against the model's. batch is the number of rows of an input before it, or -1.
func (in *input) fits(want *onnx.Value, batch *int) error {
	if !in.seen.shape {
		return wrong("shape", "input %q has no shape; want %s", want.Name, onnx.ShapeText(want.Shape))
	}
	elements := 1
	for _, d := range in.shape {
		if elements *= max(d, 1); elements > maxElements {
			return wrong("shape", "input %q: %s holds more than %d elements", want.Name, onnx.ShapeText(in.shape), maxElements)
		}
	}
	if want.Shape == nil {
		return nil
	}
	good := len(in.shape) == len(want.Shape)
	for i := 0; good && i < len(in.shape); i++ {
		good = want.Shape[i] < 0 || want.Shape[i] == in.shape[i]
	}
	if !good {
		return wrong("shape", "input %q: want %s, got %s", want.Name, onnx.ShapeText(want.Shape), onnx.ShapeText(in.shape))
	}
	if len(in.shape) > 0 && want.Shape[0] < 0 {
		if *batch >= 0 && *batch != in.shape[0] {
			return wrong("shape", "input %q: want %d rows as in the inputs before it, got %d", want.Name, *batch, in.shape[0])
		}
		*batch = in.shape[0]
	}
	return nil
}
