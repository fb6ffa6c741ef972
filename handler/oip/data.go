package oip

import (
	"math"
	"strconv"

	"ml-service/onnx"
)

// takeJSON reads "data", flat or nested as the shape, into t.
func (r *Request) takeJSON(in *input, t *onnx.Tensor, want *onnx.Value) *Error {
	s := scanner{buf: r.scan.buf, pos: in.data}
	if s.peek() != '[' {
		return s.mistyped("data", "an array")
	}
	e := elements{s: &s, t: t, want: want, n: t.Len()}
	inner := s
	inner.pos++
	var err *Error
	if len(t.Shape) > 1 && inner.peek() == '[' {
		err = e.nested(0)
	} else {
		err = e.flat()
	}
	return err.under("data")
}

// elements reads the elements of one tensor in order.
type elements struct {
	s    *scanner
	t    *onnx.Tensor
	want *onnx.Value
	n    int // how many there must be
	k    int // how many were read
}

func (e *elements) flat() *Error {
	err := e.s.array(func(i int) *Error {
		if i == e.n {
			return wrong(".", "input %q: want %d elements for shape %s, got more", e.want.Name, e.n, shapeWanted(e.t.Shape))
		}
		if err := e.next(); err != nil {
			return err.under("[" + strconv.Itoa(i) + "]")
		}
		return nil
	})
	if err == nil && e.k < e.n {
		err = wrong(".", "input %q: want %d elements for shape %s, got %d", e.want.Name, e.n, shapeWanted(e.t.Shape), e.k)
	}
	return err
}

func (e *elements) nested(level int) *Error {
	if e.s.peek() != '[' {
		return e.s.mistyped(".", "an array of "+strconv.Itoa(e.t.Shape[level]))
	}
	got := 0
	err := e.s.array(func(i int) *Error {
		if got++; got > e.t.Shape[level] {
			return wrong(".", "input %q: want %d elements here for shape %s, got more", e.want.Name, e.t.Shape[level], shapeWanted(e.t.Shape))
		}
		var err *Error
		if level == len(e.t.Shape)-1 {
			err = e.next()
		} else {
			err = e.nested(level + 1)
		}
		if err != nil {
			return err.under("[" + strconv.Itoa(i) + "]")
		}
		return nil
	})
	if err == nil && got < e.t.Shape[level] {
		err = wrong(".", "input %q: want %d elements here for shape %s, got %d", e.want.Name, e.t.Shape[level], shapeWanted(e.t.Shape), got)
	}
	return err
}

// next reads one element into its place.
func (e *elements) next() (err *Error) {
	switch d := e.t.DType; {
	case d == onnx.Float32:
		var f float64
		f, err = e.float(32)
		e.t.F32[e.k] = float32(f)
	case d == onnx.Float64:
		e.t.F64[e.k], err = e.float(64)
	case d.IsInteger():
		e.t.I64[e.k], err = e.integer(d)
	case d == onnx.Bool:
		e.t.Bool[e.k], err = e.s.boolean(".")
	default:
		e.t.Str[e.k], err = e.s.text(".")
	}
	e.k++
	return err
}

// isNumber says whether a number comes next.
func (e *elements) isNumber() bool {
	c := e.s.peek()
	return c == '-' || '0' <= c && c <= '9'
}

func (e *elements) float(bits int) (float64, *Error) {
	if !e.isNumber() {
		if e.s.peek() != 'n' {
			return 0, e.s.mistyped(".", "a number")
		}
		if err := e.s.literal("null"); err != nil {
			return 0, err
		}
		if !e.want.Missing {
			return 0, wrong(".", "null is a missing value, and this model does not handle missing values in %q", e.want.Name)
		}
		return math.NaN(), nil
	}
	text, _, err := e.s.number()
	if err != nil {
		return 0, err
	}
	f, fault := strconv.ParseFloat(string(text), bits)
	if fault != nil {
		return 0, wrong(".", "%s is outside the range of %s", text, Datatype(e.t.DType))
	}
	return f, nil
}

// integer reads a whole number; 2.0 and 1e3 are whole numbers too.
func (e *elements) integer(d onnx.DType) (int64, *Error) {
	if !e.isNumber() {
		return 0, e.s.mistyped(".", "a whole number")
	}
	text, whole, err := e.s.number()
	if err != nil {
		return 0, err
	}
	low, high := d.Range()
	var n int64
	var fault error
	switch {
	case !whole:
		f, _ := strconv.ParseFloat(string(text), 64)
		if f != math.Trunc(f) {
			return 0, wrong(".", "want a whole number, got %s", text)
		}
		if math.Abs(f) > 1<<53 {
			return 0, wrong(".", "want a whole number written in digits, got %s", text)
		}
		if n = int64(f); d == onnx.Uint64 {
			low = 0
		}
	case d == onnx.Uint64:
		var u uint64
		u, fault = strconv.ParseUint(string(text), 10, 64)
		n = int64(u)
		if string(text) == "-0" {
			fault = nil
		}
	default:
		n, fault = strconv.ParseInt(string(text), 10, 64)
	}
	if fault != nil || n < low || n > high {
		return 0, wrong(".", "%s is outside the range of %s", text, Datatype(d))
	}
	return n, nil
}
