package predict

import (
	"strconv"

	"ml-service/model"
)

// place is where in x an element stands.
type place struct {
	inputs  []model.Input
	row     int // -1: x is one row
	objects bool
	input   int // -1: the row itself
	index   int // of the element in the row's part of the input, flat
	depth   int // how many indices lead to it

	form    form
	columns []string // of a frame
	nth     int      // the column's place in a split frame
}

// String gives the place as callers read it: x, x[1], x[1][2], x.age, x[3].age.
func (p place) String() string {
	s := []byte("x")
	if p.form == byTensor && p.input >= 0 {
		s = append(append(s, '.'), p.inputs[p.input].Name...)
		p.objects = false
	}
	if p.input >= 0 && p.form != byInput && p.form != byTensor {
		return p.inFrame(s)
	}
	if p.row >= 0 {
		s = append(strconv.AppendInt(append(s, '['), int64(p.row), 10), ']')
	}
	if p.input < 0 {
		return string(s)
	}
	in := &p.inputs[p.input]
	if p.objects {
		s = append(append(s, '.'), in.Name...)
	}
	stride := 1
	for _, d := range in.Row {
		stride *= d
	}
	for k := range p.depth {
		index := p.index
		if k > 0 || len(in.Row) > 1 {
			stride /= in.Row[k]
			index = p.index / stride
			if k > 0 {
				index %= in.Row[k]
			}
		}
		s = append(strconv.AppendInt(append(s, '['), int64(index), 10), ']')
	}
	return string(s)
}

// inFrame gives the place of a value of a frame; index is its column.
func (p place) inFrame(s []byte) string {
	row := func() {
		if p.row >= 0 {
			s = append(strconv.AppendInt(append(s, '['), int64(p.row), 10), ']')
		}
	}
	switch p.form {
	case bySplit:
		s = append(s, ".data"...)
		row()
		return string(append(strconv.AppendInt(append(s, '['), int64(p.nth), 10), ']'))
	case byPosition:
		row()
		return string(append(strconv.AppendInt(append(s, '['), int64(p.nth), 10), ']'))
	case byColumn:
		s = append(append(s, '.'), p.columns[p.index]...)
		row()
		return string(s)
	}
	row()
	return string(append(append(s, '.'), p.columns[p.index]...))
}

func (r *Request) place(input, index, depth int) place {
	return place{inputs: r.codec.inputs, row: r.row, objects: r.objects, input: input, index: index, depth: depth,
		form: r.form, columns: r.codec.columns, nth: r.nth}
}

func (r *Request) wrong(p place, message string) error {
	return &Error{Field: p.String(), Message: message}
}
