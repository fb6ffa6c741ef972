package oip

import (
	"math"
	"strconv"

	"ml-service/handler/scan"
	"ml-service/model"
	"ml-service/onnx"
)

// takeJSON reads "data", flat or nested as the shape, into t.
func (r *Request) takeJSON(in *input, t *onnx.Tensor, want *onnx.Value) error {
	var s scan.Scanner
	s.Reset(r.scan.Text)
	s.At = in.data
	if s.Peek() != '[' {
		return mistyped(&s, "data", "an array")
	}
	// A size is believed only as far as the bytes that came: an element takes two of them, itself and what is behind it.
	if n := in.elements(); n > (len(s.Text)-s.At)/2+1 {
		return wrong("data", "input %q: want %d elements for shape %s, got fewer", want.Name, n, onnx.ShapeText(in.shape))
	}
	t.Resize(in.shape...)
	e := elements{s: &s, t: t, want: want}
	s.At++
	nested := len(t.Shape) > 1 && s.Peek() == '['
	s.At = in.data
	if nested {
		return under(e.nested(0), "data")
	}
	return under(e.list(t.Len(), "", len(t.Shape)), "data")
}

// elements reads the elements of one tensor in order.
type elements struct {
	s    *scan.Scanner
	t    *onnx.Tensor
	want *onnx.Value
	k    int // how many were read
}

// nested reads the lists from dimension level on.
func (e *elements) nested(level int) error {
	if e.s.Peek() != '[' {
		return mistyped(e.s, here, "an array of "+strconv.Itoa(e.t.Shape[level]))
	}
	return e.list(e.t.Shape[level], " here", level+1)
}

// list reads an array of n: of elements where level is past the last dimension, else of the lists of that dimension.
func (e *elements) list(n int, where string, level int) error {
	s, got := e.s, 0
	if err := s.Open(); err != nil {
		return err
	}
	for s.More(']') {
		if got == n {
			return wrong(here, "input %q: want %d elements%s for shape %s, got more", e.want.Name, n, where, onnx.ShapeText(e.t.Shape))
		}
		if level < len(e.t.Shape) {
			if err := e.nested(level); err != nil {
				return under(err, "["+strconv.Itoa(got)+"]")
			}
			got++
			continue
		}
		read, closed := e.float32s(n - got)
		if got += read; closed {
			continue
		}
		if err := e.next(); err != nil {
			return under(err, "["+strconv.Itoa(got)+"]")
		}
		got++
	}
	if err := s.Err(); err != nil {
		return err
	}
	if got < n {
		return wrong(here, "input %q: want %d elements%s for shape %s, got %d", e.want.Name, n, where, onnx.ShapeText(e.t.Shape), got)
	}
	return nil
}

// float32s reads up to n float32 in one go. If closed, their list goes on or ends there; if not, an element comes next
// that has to be read by itself.
func (e *elements) float32s(n int) (read int, closed bool) {
	if e.t.DType == onnx.Float32 {
		read, e.s.At, closed = scan.Float32List(e.t.F32[e.k:e.k+n], e.s.Text, e.s.At)
		e.k += read
	}
	return read, closed
}

// next reads one element into its place.
func (e *elements) next() (err error) {
	switch d := e.t.DType; {
	case d.IsFloat():
		err = e.float()
	case d.IsInteger():
		e.t.I64[e.k], err = e.integer(d)
	case d == onnx.Bool:
		e.t.Bool[e.k], err = boolean(e.s, here)
	case e.want.Missing && e.s.Peek() == 'n':
		e.t.Str[e.k], err = model.MissingText, e.s.Word("null")
	default:
		var text []byte
		text, err = word(e.s, here)
		e.t.Str[e.k] = string(text)
	}
	e.k++
	return err
}

func (e *elements) float() error {
	if !isNumber(e.s) {
		return e.missing()
	}
	n, text, err := e.s.Number()
	if err != nil {
		return err
	}
	var fits bool
	if e.t.DType == onnx.Float32 {
		e.t.F32[e.k], fits = n.Float32(text)
	} else {
		e.t.F64[e.k], fits = n.Float64(text)
	}
	if !fits {
		return wrong(here, "%s is outside the range of %s", scan.Shortened(text), Datatype(e.t.DType))
	}
	return nil
}

// missing reads null, which stands for NaN where the model handles that.
func (e *elements) missing() error {
	if e.s.Peek() != 'n' {
		return mistyped(e.s, here, "a number")
	}
	if err := e.s.Word("null"); err != nil {
		return err
	}
	if !e.want.Missing {
		return wrong(here, "null is a missing value, and this model does not handle missing values in %q", e.want.Name)
	}
	if e.t.DType == onnx.Float32 {
		e.t.F32[e.k] = float32(math.NaN())
	} else {
		e.t.F64[e.k] = math.NaN()
	}
	return nil
}

// integer reads a whole number; 2.0 and 1e3 are whole numbers too.
func (e *elements) integer(d onnx.DType) (int64, error) {
	if !isNumber(e.s) {
		return 0, mistyped(e.s, here, "a whole number")
	}
	n, text, err := e.s.Number()
	if err != nil {
		return 0, err
	}
	magnitude, whole, fits := n.Whole()
	if !whole {
		return 0, wrong(here, "want a whole number, got %s", scan.Shortened(text))
	}
	v, ok := d.Integer(magnitude, n.Negative())
	if !ok || !fits {
		return 0, wrong(here, "%s is outside the range of %s", scan.Shortened(text), Datatype(d))
	}
	return v, nil
}
