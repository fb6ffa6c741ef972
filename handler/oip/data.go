package oip

import (
	"math"
	"strconv"

	"ml-service/model"
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
		err = e.list(e.n, "", nil)
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

// nested reads the lists from dimension level on.
func (e *elements) nested(level int) *Error {
	if e.s.peek() != '[' {
		return e.s.mistyped(".", "an array of "+strconv.Itoa(e.t.Shape[level]))
	}
	if level == len(e.t.Shape)-1 {
		return e.list(e.t.Shape[level], " here", nil)
	}
	return e.list(e.t.Shape[level], " here", func() *Error { return e.nested(level + 1) })
}

// list reads an array of n values, each by the function given, or of n elements where there is none.
func (e *elements) list(n int, where string, value func() *Error) *Error {
	s, got := e.s, 0
	s.pos++
	if !s.take(']') {
		for {
			if got == n {
				return wrong(".", "input %q: want %d elements%s for shape %s, got more", e.want.Name, n, where, shapeWanted(e.t.Shape))
			}
			read, closed := 0, false
			if value == nil {
				read, closed = e.plain(n - got)
				got += read
			}
			if !closed {
				if err := e.one(value); err != nil {
					return err.under("[" + strconv.Itoa(got) + "]")
				}
				got++
			}
			if s.take(']') {
				break
			}
			if !s.take(',') {
				return s.notJSON("',' or ']'")
			}
		}
	}
	if got < n {
		return wrong(".", "input %q: want %d elements%s for shape %s, got %d", e.want.Name, n, where, shapeWanted(e.t.Shape), got)
	}
	return nil
}

// plain reads up to n float32 as long as they are written as most are, and says whether their list goes on or ends there.
func (e *elements) plain(n int) (read int, closed bool) {
	if e.t.DType == onnx.Float32 {
		read, e.s.pos, closed = model.Float32s(e.t.F32[e.k:e.k+n], e.s.buf, e.s.pos)
		e.k += read
	}
	return read, closed
}

// one reads one value by the function given, or an element where there is none.
func (e *elements) one(value func() *Error) *Error {
	switch {
	case value != nil:
		return value()
	case e.quick():
		return nil
	}
	return e.next()
}

// quick reads one float where a number comes next, and does nothing where anything else does.
func (e *elements) quick() bool {
	e.s.peek()
	var end int
	var fits bool
	switch e.t.DType {
	case onnx.Float32:
		e.t.F32[e.k], end, fits = model.Float32(e.s.buf, e.s.pos)
	case onnx.Float64:
		e.t.F64[e.k], end, fits = model.Float64(e.s.buf, e.s.pos)
	}
	if !fits {
		return false
	}
	e.s.pos = end
	e.k++
	return true
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
