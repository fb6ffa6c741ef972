package model

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"unicode/utf8"

	"ml-service/onnx"
)

// place is where in x an element stands.
type place struct {
	model   *Model
	row     int // -1: x is one row
	objects bool
	input   int // -1: the row itself
	index   int // of the element in the row's part of the input, flat
	depth   int // how many indices lead to it
}

// String gives the place as callers read it: x, x[1], x[1][2], x.age, x[3].age.
func (p place) String() string {
	s := []byte("x")
	if p.row >= 0 {
		s = append(strconv.AppendInt(append(s, '['), int64(p.row), 10), ']')
	}
	if p.input < 0 {
		return string(s)
	}
	in := &p.model.inputs[p.input]
	if p.objects {
		s = append(append(s, '.'), in.Name...)
	}
	stride := 1
	for _, d := range in.dims {
		stride *= d
	}
	for k := range p.depth {
		index := p.index
		if k > 0 || len(in.dims) > 1 {
			stride /= in.dims[k]
			index = p.index / stride
			if k > 0 {
				index %= in.dims[k]
			}
		}
		s = append(strconv.AppendInt(append(s, '['), int64(index), 10), ']')
	}
	return string(s)
}

func (b *Batch) place(input, index, depth int) place {
	return place{model: b.model, row: b.row, objects: b.objects, input: input, index: index, depth: depth}
}

func (b *Batch) wrong(p place, message string) error {
	return &InputError{Field: p.String(), Message: message}
}

// vector reads one row of input k, a list.
func (b *Batch) vector(k int) error {
	in := &b.model.inputs[k]
	if len(in.dims) > 1 {
		return b.nested(k, 0, 0)
	}
	if b.peek() != '[' {
		return b.wrong(b.place(k, 0, 0), "want "+in.wantsList(in.Width)+", got "+got(b.buf, b.at))
	}
	width := in.Width
	if width < 0 && b.row > 0 {
		width = length(b.inputs[k]) / b.row
	}
	if in.DType == onnx.Float32 {
		return b.float32s(k, width)
	}
	return b.elements(k, width, 0, 1)
}

// someRoom is how many numbers are read at once where it is not known how many there are.
const someRoom = 32

// float32s reads a list of width numbers.
func (b *Batch) float32s(k, width int) error {
	buf, t := b.buf, b.inputs[k]
	i := space(buf, b.at+1)
	if i < len(buf) && buf[i] == ']' {
		return b.elements(k, width, 0, 1)
	}
	for n := 0; ; {
		room, closed := width-n, false
		if width < 0 {
			room = someRoom
		}
		if room > 0 {
			start, read := len(t.F32), 0
			t.F32 = slices.Grow(t.F32, room)
			read, i, closed = Float32s(t.F32[start:start+room], buf, i)
			t.F32 = t.F32[:start+read]
			n += read
		}
		if !closed {
			if n == width {
				return b.tooMany(k, i, n, place{})
			}
			b.at = space(buf, i)
			if err := b.element(k, n, 1); err != nil {
				return err
			}
			n++
			i = b.at
		}
		if i < len(buf) && buf[i] == ',' {
			if i++; i < len(buf) && buf[i] <= ' ' {
				i = space(buf, i)
			}
			continue
		}
		switch i = space(buf, i); {
		case i < len(buf) && buf[i] == ',':
			i = space(buf, i+1)
		case i < len(buf) && buf[i] == ']':
			if n != width && width >= 0 {
				return b.wrong(b.place(k, 0, 0), b.model.inputs[k].wantsCount(width, n))
			}
			b.at = i + 1
			return nil
		default:
			return unexpected(buf, i, "',' or ']'")
		}
	}
}

// elements reads a list of width elements of input k, the first of which has the flat index first.
// depth is how many indices lead to each.
func (b *Batch) elements(k, width, first, depth int) error {
	buf := b.buf
	list := b.place(k, first, depth-1)
	i := space(buf, b.at+1)
	n := 0
	if i < len(buf) && buf[i] == ']' {
		b.at = i + 1
	} else {
		for {
			if n == width {
				return b.tooMany(k, i, n, list)
			}
			b.at = i
			if err := b.element(k, first+n, depth); err != nil {
				return err
			}
			n++
			if i = space(buf, b.at); i < len(buf) && buf[i] == ',' {
				i = space(buf, i+1)
				continue
			}
			if i >= len(buf) || buf[i] != ']' {
				return unexpected(buf, i, "',' or ']'")
			}
			b.at = i + 1
			break
		}
	}
	if n != width && width >= 0 {
		return b.wrong(list, b.model.inputs[k].wantsCount(width, n))
	}
	return nil
}

// tooMany counts the rest of a list that holds n elements already, the next of which starts at i.
func (b *Batch) tooMany(k, i, n int, list place) error {
	width := n
	if list.model == nil {
		list = b.place(k, 0, 0)
	}
	for {
		var err error
		if i, err = skipValue(b.buf, i, 1); err != nil {
			return err
		}
		n++
		if i = space(b.buf, i); i >= len(b.buf) || b.buf[i] != ',' {
			return b.wrong(list, b.model.inputs[k].wantsCount(width, n))
		}
		i = space(b.buf, i+1)
	}
}

// nested reads a row of an input of three or more dimensions: level lists are open, and index is
// the flat index of the next element.
func (b *Batch) nested(k, level, index int) error {
	in := &b.model.inputs[k]
	here := b.place(k, index, level)
	if b.peek() != '[' {
		return b.wrong(here, "want "+in.wantsList(in.dims[level])+", got "+got(b.buf, b.at))
	}
	if level == len(in.dims)-1 {
		return b.elements(k, in.dims[level], index, level+1)
	}
	stride := 1
	for _, d := range in.dims[level+1:] {
		stride *= d
	}
	i := space(b.buf, b.at+1)
	for n := 0; ; n++ {
		if i < len(b.buf) && b.buf[i] == ']' && n == 0 {
			return b.wrong(here, fmt.Sprintf("want %s, got none", count(in.dims[level], "list")))
		}
		if n == in.dims[level] {
			return b.wrong(here, fmt.Sprintf("want %s, got more", count(n, "list")))
		}
		b.at = i
		if err := b.nested(k, level+1, index+n*stride); err != nil {
			return err
		}
		switch i = space(b.buf, b.at); {
		case i < len(b.buf) && b.buf[i] == ',':
			i = space(b.buf, i+1)
		case i < len(b.buf) && b.buf[i] == ']':
			if n+1 != in.dims[level] {
				return b.wrong(here, fmt.Sprintf("want %s, got %d", count(in.dims[level], "list"), n+1))
			}
			b.at = i + 1
			return nil
		default:
			return unexpected(b.buf, i, "',' or ']'")
		}
	}
}

// element reads one value at b.at into the tensor of input k.
func (b *Batch) element(k, index, depth int) error {
	in, t := &b.model.inputs[k], b.inputs[k]
	c := b.peek()
	switch {
	case c == '"' && in.DType == onnx.String:
		return b.text(t)
	case (c == 't' || c == 'f') && in.DType == onnx.Bool:
		word := "false"
		if c == 't' {
			word = "true"
		}
		end, err := skipWord(b.buf, b.at, word)
		t.Bool = append(t.Bool, c == 't')
		b.at = end
		return err
	case c == 'n' && in.Missing:
		end, err := skipWord(b.buf, b.at, "null")
		if in.DType == onnx.Float32 {
			t.F32 = append(t.F32, float32(math.NaN()))
		} else {
			t.F64 = append(t.F64, math.NaN())
		}
		b.at = end
		return err
	case c == '-' || c >= '0' && c <= '9':
		if in.DType.IsFloat() || in.DType.IsInteger() {
			return b.number(k, index, depth)
		}
	}
	message := "want a " + in.noun() + ", got " + got(b.buf, b.at)
	if c == 'n' {
		message += ", and the model handles no missing value here"
	}
	return b.wrong(b.place(k, index, depth), message)
}

func (b *Batch) number(k, index, depth int) error {
	in, t := &b.model.inputs[k], b.inputs[k]
	n, end := scanNumber(b.buf, b.at)
	if end < 0 {
		_, err := skipNumber(b.buf, b.at)
		return err
	}
	text := b.buf[b.at:end]
	var ok bool
	switch in.DType {
	case onnx.Float32:
		var f float32
		f, ok = n.float32(text)
		t.F32 = append(t.F32, f)
	case onnx.Float64:
		var f float64
		f, ok = n.float64(text)
		t.F64 = append(t.F64, f)
	default:
		magnitude, whole, fits := n.whole()
		if !whole {
			return b.wrong(b.place(k, index, depth), "want a whole number, got "+got(b.buf, b.at))
		}
		var v int64
		v, ok = integer(in.DType, magnitude, n.negative)
		ok = ok && fits
		t.I64 = append(t.I64, v)
	}
	if !ok {
		return b.wrong(b.place(k, index, depth), "want a number in the range of "+in.DType.String()+", got "+got(b.buf, b.at))
	}
	b.at = end
	return nil
}

// integer gives the value as a tensor of that type holds it: uint64 modulo 2^64.
func integer(d onnx.DType, magnitude uint64, negative bool) (int64, bool) {
	if d == onnx.Uint64 {
		return int64(magnitude), !negative || magnitude == 0
	}
	low, high := d.Range()
	if negative {
		return int64(-magnitude), magnitude <= uint64(-low)
	}
	return int64(magnitude), magnitude <= uint64(high)
}

// maxTexts and maxText bound the memory that remembered strings hold.
const maxTexts, maxText = 1024, 64

// text reads a string. One seen before is not allocated again.
func (b *Batch) text(t *onnx.Tensor) error {
	end, escaped, err := skipString(b.buf, b.at)
	if err != nil {
		return err
	}
	s := b.buf[b.at+1 : end-1]
	if escaped {
		b.scratch = unescape(b.scratch[:0], s)
		s = b.scratch
	}
	v, ok := b.texts[string(s)]
	if !ok {
		v = string(s)
		if len(v) <= maxText && len(b.texts) < maxTexts {
			b.texts[v] = v
		}
	}
	t.Str = append(t.Str, v)
	b.at = end
	return nil
}

// got says what stands at i, for people.
func got(buf []byte, i int) string {
	if i >= len(buf) {
		return "the end of the body"
	}
	const longest = 40
	var end int
	var err error
	switch buf[i] {
	case '{':
		return "an object"
	case '[':
		return "a list"
	case '"':
		end, _, err = skipString(buf, i)
	default:
		end, err = skipValue(buf, i, 0)
	}
	if err != nil {
		return unexpected(buf, i, "").got
	}
	if text := buf[i:end]; len(text) > longest {
		cut := longest
		for !utf8.RuneStart(text[cut]) {
			cut--
		}
		return string(text[:cut]) + "…"
	}
	return string(buf[i:end])
}
