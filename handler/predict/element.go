package predict

import (
	"fmt"
	"math"
	"slices"

	"ml-service/handler/scan"
	"ml-service/model"
	"ml-service/onnx"
)

// vector reads one row of input k, a list.
func (r *Request) vector(k int) error {
	in := &r.codec.inputs[k]
	if len(in.Row) > 1 {
		return r.nested(k, 0, 0)
	}
	if r.scan.Peek() != '[' {
		return r.wrong(r.place(k, 0, 0), "want "+wantsList(in, in.Width)+", got "+r.scan.Got())
	}
	width := in.Width
	if width < 0 && r.row > 0 {
		width = length(r.inputs[k]) / r.row
	}
	return r.elements(k, width, 0, 1)
}

// elements reads a list of width elements of input k, any number of them where width is below 0. The first has the flat
// index first, and depth indices lead to each.
func (r *Request) elements(k, width, first, depth int) error {
	s, in := &r.scan, &r.codec.inputs[k]
	if err := s.Open(); err != nil {
		return err
	}
	n := 0
	for s.More(']') {
		if n == width {
			return r.tooMany(k, n, r.place(k, first, depth-1))
		}
		if in.DType == onnx.Float32 {
			read, closed := r.float32s(k, width-n)
			if n += read; closed {
				continue
			}
		}
		if n == width {
			return r.tooMany(k, n, r.place(k, first, depth-1))
		}
		if err := r.element(k, first+n, depth); err != nil {
			return err
		}
		n++
	}
	if err := s.Err(); err != nil {
		return err
	}
	if n != width && width >= 0 {
		return r.wrong(r.place(k, first, depth-1), wantsCount(in, width, n))
	}
	return nil
}

// float32s reads up to room numbers of a list in one go; below 0: any number. If closed, the list goes on or ends behind
// them; if not, an element comes next that has to be read by itself.
func (r *Request) float32s(k, room int) (read int, closed bool) {
	const unknownWidth = 32 // how many are read at once where it is not known how many come
	if room < 0 {
		room = unknownWidth
	}
	t := r.inputs[k]
	start := len(t.F32)
	t.F32 = slices.Grow(t.F32, room)
	read, r.scan.At, closed = scan.Float32List(t.F32[start:start+room], r.scan.Text, r.scan.At)
	t.F32 = t.F32[:start+read]
	return read, closed
}

// tooMany counts the rest of a list that holds n elements already, the next of which comes now.
func (r *Request) tooMany(k, n int, list place) error {
	width := n
	for more := true; more; more = r.scan.More(']') {
		if err := r.scan.Skip(); err != nil {
			return err
		}
		n++
	}
	return r.wrong(list, wantsCount(&r.codec.inputs[k], width, n))
}

// nested reads a row of an input of three or more dimensions: level lists are open, and index is the flat index of the
// next element.
func (r *Request) nested(k, level, index int) error {
	s, in := &r.scan, &r.codec.inputs[k]
	here := r.place(k, index, level)
	if s.Peek() != '[' {
		return r.wrong(here, "want "+wantsList(in, in.Row[level])+", got "+s.Got())
	}
	if level == len(in.Row)-1 {
		return r.elements(k, in.Row[level], index, level+1)
	}
	stride := 1
	for _, d := range in.Row[level+1:] {
		stride *= d
	}
	if err := s.Open(); err != nil {
		return err
	}
	n := 0
	for ; s.More(']'); n++ {
		if n == in.Row[level] {
			return r.wrong(here, fmt.Sprintf("want %s, got more", count(n, "list")))
		}
		if err := r.nested(k, level+1, index+n*stride); err != nil {
			return err
		}
	}
	if err := s.Err(); err != nil {
		return err
	}
	switch n {
	case in.Row[level]:
		return nil
	case 0:
		return r.wrong(here, fmt.Sprintf("want %s, got none", count(in.Row[level], "list")))
	}
	return r.wrong(here, fmt.Sprintf("want %s, got %d", count(in.Row[level], "list"), n))
}

// element reads one value into the tensor of input k.
func (r *Request) element(k, index, depth int) error {
	s, in, t := &r.scan, &r.codec.inputs[k], r.inputs[k]
	c := s.Peek()
	switch {
	case c == '"' && in.DType == onnx.String:
		return r.text(t)
	case (c == 't' || c == 'f') && in.DType == onnx.Bool:
		t.Bool = append(t.Bool, c == 't')
		if c == 't' {
			return s.Word("true")
		}
		return s.Word("false")
	case c == 'n' && in.Missing:
		switch in.DType {
		case onnx.Float32:
			t.F32 = append(t.F32, float32(math.NaN()))
		case onnx.String:
			t.Str = append(t.Str, model.MissingText)
		default:
			t.F64 = append(t.F64, math.NaN())
		}
		return s.Word("null")
	case c == '-' || c >= '0' && c <= '9':
		if in.DType.IsFloat() || in.DType.IsInteger() {
			return r.number(k, index, depth)
		}
	}
	message := "want a " + noun(in) + ", got " + s.Got()
	if c == 'n' {
		message += ", and the model handles no missing value here"
	}
	return r.wrong(r.place(k, index, depth), message)
}

func (r *Request) number(k, index, depth int) error {
	s, in, t := &r.scan, &r.codec.inputs[k], r.inputs[k]
	n, text, err := s.Number()
	if err != nil {
		return err
	}
	var ok bool
	switch in.DType {
	case onnx.Float32:
		var f float32
		f, ok = n.Float32(text)
		t.F32 = append(t.F32, f)
	case onnx.Float64:
		var f float64
		f, ok = n.Float64(text)
		t.F64 = append(t.F64, f)
	default:
		magnitude, whole, fits := n.Whole()
		if !whole {
			return r.wrong(r.place(k, index, depth), "want a whole number, got "+scan.Shortened(text))
		}
		var v int64
		v, ok = in.DType.Integer(magnitude, n.Negative())
		ok = ok && fits
		t.I64 = append(t.I64, v)
	}
	if !ok {
		return r.wrong(r.place(k, index, depth), "want a number in the range of "+in.DType.String()+", got "+scan.Shortened(text))
	}
	return nil
}

// The memory that remembered strings hold is bounded: so many, so long.
const (
	mostTexts   = 1024
	longestText = 64
)

// text reads a string. One seen before is not allocated again.
func (r *Request) text(t *onnx.Tensor) error {
	s, err := r.scan.Quoted()
	if err != nil {
		return err
	}
	v, ok := r.texts[string(s)]
	if !ok {
		v = string(s)
		if len(v) <= longestText && len(r.texts) < mostTexts {
			r.texts[v] = v
		}
	}
	t.Str = append(t.Str, v)
	return nil
}
