package oip

import (
	"strconv"

	"ml-service/onnx"
)

// maxElements bounds what a shape may ask for, whatever its other dimensions are.
const maxElements = 1 << 28

func (r *Request) readInputs() *Error {
	s := &r.scan
	if s.peek() != '[' {
		return s.mistyped("inputs", "an array")
	}
	return s.array(func(i int) *Error {
		if cap(r.inputs) > i {
			r.inputs = r.inputs[:i+1]
		} else {
			r.inputs = append(r.inputs, input{})
		}
		in := &r.inputs[i]
		*in = input{shape: in.shape[:0], size: -1}
		if err := r.readInput(in); err != nil {
			return err.under("inputs[" + strconv.Itoa(i) + "]")
		}
		return nil
	})
}

func (r *Request) readInput(in *input) *Error {
	s := &r.scan
	if s.peek() != '{' {
		return s.mistyped(".", "an object")
	}
	return s.object(func(key []byte) (err *Error) {
		switch string(key) {
		case "name":
			if err = once(&in.seen.name, key); err == nil {
				in.name, err = s.word("name")
			}
		case "datatype":
			if err = once(&in.seen.datatype, key); err == nil {
				in.datatype, err = s.word("datatype")
			}
		case "shape":
			if err = once(&in.seen.shape, key); err == nil {
				err = r.readShape(in)
			}
		case "parameters":
			if err = once(&in.seen.parameters, key); err == nil {
				err = r.readSize(in)
			}
		case "data":
			if err = once(&in.seen.data, key); err == nil {
				if s.peek() != 'n' {
					in.data = s.pos
				}
				err = s.pass()
			}
		default:
			err = s.skip()
		}
		return err
	})
}

func (r *Request) readShape(in *input) *Error {
	s := &r.scan
	if s.peek() != '[' {
		return s.mistyped("shape", "an array of whole numbers")
	}
	return s.array(func(int) *Error {
		n, err := r.readCount("shape")
		in.shape = append(in.shape, n)
		return err
	})
}

// readCount reads a whole number from 0 on.
func (r *Request) readCount(field string) (int, *Error) {
	s := &r.scan
	if c := s.peek(); c != '-' && (c < '0' || c > '9') {
		return 0, s.mistyped(field, "a whole number from 0 on")
	}
	text, _, err := s.number()
	if err != nil {
		return 0, err
	}
	n, fault := strconv.ParseUint(string(text), 10, 31)
	if fault != nil {
		return 0, wrong(field, "want a whole number from 0 to %d, got %s", 1<<31-1, text)
	}
	return int(n), nil
}

// readSize reads the parameters of an input, of which binary_data_size matters.
func (r *Request) readSize(in *input) *Error {
	s := &r.scan
	switch s.peek() {
	case 'n':
		return s.literal("null")
	case '{':
	default:
		return s.mistyped("parameters", "an object")
	}
	err := s.object(func(key []byte) (err *Error) {
		switch string(key) {
		case "binary_data_size":
			in.size, err = r.readCount("binary_data_size")
		case "shared_memory_region":
			err = wrong(string(key), "this extension is not supported; binary_tensor_data is")
		default:
			err = s.skip()
		}
		return err
	})
	return err.under("parameters")
}

// fill checks the inputs against the model and reads their elements.
func (r *Request) fill(sig Signature, dst func(i int) *onnx.Tensor) *Error {
	batch := -1
	for i := range r.inputs {
		if err := r.fillOne(i, sig, &batch, dst); err != nil {
			return err.under("inputs[" + strconv.Itoa(i) + "]")
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

func (r *Request) fillOne(i int, sig Signature, batch *int, dst func(i int) *onnx.Tensor) *Error {
	in := &r.inputs[i]
	k := index(sig.Inputs, in.name)
	if k < 0 {
		return wrong("name", "this model has no input %q; it takes %s", in.name, names(sig.Inputs))
	}
	want := &sig.Inputs[k]
	for j := range i {
		if string(r.inputs[j].name) == want.Name {
			return wrong("name", "input %q is given twice", want.Name)
		}
	}
	if string(in.datatype) != Datatype(want.DType) {
		return wrong("datatype", "input %q: want %s, got %q", want.Name, Datatype(want.DType), in.datatype)
	}
	if err := in.fits(want, batch); err != nil {
		return err
	}
	t := dst(k)
	t.Resize(in.shape...)
	if in.size >= 0 {
		return r.takeBinary(in, t, want)
	}
	if in.data == 0 {
		return wrong("data", "input %q has neither data nor binary_data_size", want.Name)
	}
	return r.takeJSON(in, t, want)
}

// fits checks a shape against the model's. batch is the number of rows of an input before it, or -1.
func (in *input) fits(want *onnx.Value, batch *int) *Error {
	if !in.seen.shape {
		return wrong("shape", "input %q has no shape; want %s", want.Name, shapeWanted(want.Shape))
	}
	elements := 1
	for _, d := range in.shape {
		if elements *= max(d, 1); elements > maxElements {
			return wrong("shape", "input %q: %v holds more than %d elements", want.Name, in.shape, maxElements)
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
		return wrong("shape", "input %q: want %s, got %s", want.Name, shapeWanted(want.Shape), shapeWanted(in.shape))
	}
	if len(in.shape) > 0 && want.Shape[0] < 0 {
		if *batch >= 0 && *batch != in.shape[0] {
			return wrong("shape", "input %q: want %d rows as in the inputs before it, got %d", want.Name, *batch, in.shape[0])
		}
		*batch = in.shape[0]
	}
	return nil
}
