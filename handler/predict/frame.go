package predict

import (
	"bytes"
	"fmt"
	"math"
	"strings"

	"ml-service/handler/scan"
	"ml-service/model"
	"ml-service/onnx"
)

// A pandas DataFrame comes in three forms, each {"x": df.to_dict(…)}: "records" is a list of objects, "list" an object of
// columns, "split" an object with the names of the columns and the rows. Columns are named by the features of a model of one
// input, or by the inputs of one value each of a model of several. Their order is the caller's.

// form is how x spells its rows, which says how the place of a value is spelt.
type form uint8

const (
	byInput   form = iota // x, x[1], x.age, x[3].age[2]
	byFeature             // x.age, x[3].age
	byColumn              // x.age[3]
	bySplit               // x.data[3][1]

	byPosition // x[3][1]
	byTensor   // x.age[3], x.image[3][0][2]
)

// columnsOf are the columns of a frame by name, nil where a model cannot be asked by columns: the features of its one input, or
// its inputs of one value each.
func columnsOf(inputs []model.Input) (names []string, byName map[string]int) {
	if len(inputs) == 1 {
		in := &inputs[0]
		if len(in.Row) == 1 && in.Width > 0 && len(in.Features) == in.Width {
			names = in.Features
		}
	} else {
		for _, in := range inputs {
			if in.Width != 1 || len(in.Row) != 1 {
				return nil, nil
			}
			names = append(names, in.Name)
		}
	}
	byName = make(map[string]int, len(names))
	for i, name := range names {
		byName[name] = i
	}
	if len(byName) != len(names) {
		return nil, nil // two features of one name
	}
	return names, byName
}

// Absents is how many values a body may leave out, so that a few bytes cannot ask for many: as many as it has bytes, and those of
// a row or a few; no more than its rows have, of which there is at most one a comma and one. It is 0 where the model handles no missing
// values, or takes no columns.
func (c *Codec) Absents(body []byte) int {
	if !c.sparse {
		return 0
	}
	objects := bytes.Count(body, brace)
	var s scan.Scanner
	if s.Reset(body); s.Peek() == '{' {
		objects-- // the body itself
	}
	if objects == 0 {
		return 0
	}
	return min(c.MostAbsents(len(body)), (bytes.Count(body, comma)+1)*len(c.columns))
}

// Columns is how many values of a row callers can name; 0: none.
func (c *Codec) Columns() int { return len(c.columns) }

// MostAbsents is what Absents is at most for a body of so many bytes.
func (c *Codec) MostAbsents(bytes int) int {
	const few = 4096
	if !c.sparse {
		return 0
	}
	return bytes + max(few, len(c.columns))
}

var brace = []byte{'{'}

// inputOf is the input that holds column k.
func (r *Request) inputOf(k int) int {
	if len(r.inputs) == 1 {
		return 0
	}
	return k
}

// column gives the column of that name and notes that it has come. round tells the rows apart.
func (r *Request) column(name []byte, round int) (int, error) {
	k, ok := r.codec.columnByName[string(name)]
	if !ok {
		field := r.place(-1, 0, 0).String() + "." + scan.Shortened(name)
		return -1, &Error{Field: field, Message: "no such feature, want " + listed(r.codec.columns)}
	}
	if r.came[k] == round {
		return -1, r.wrong(r.place(r.inputOf(k), k, 0), scan.ErrTwice.Error())
	}
	r.came[k] = round
	r.order = append(r.order, k)
	return k, nil
}

// absent puts n missing values where column k did not come, if the model handles those.
func (r *Request) absent(k, n int) error {
	in := &r.codec.inputs[r.inputOf(k)]
	if !in.Missing {
		return r.wrong(r.place(r.inputOf(k), k, 0), "missing, want a "+noun(in))
	}
	if r.absents -= n; r.absents < 0 {
		return r.wrong(r.place(-1, 0, 0), "more values are absent than the body has bytes: send fewer rows at once")
	}
	r.order = append(r.order, k)
	for range n {
		appendMissing(r.inputs[r.inputOf(k)])
	}
	return nil
}

func appendMissing(t *onnx.Tensor) {
	switch t.DType {
	case onnx.Float32:
		t.F32 = append(t.F32, float32(math.NaN()))
	case onnx.String:
		t.Str = append(t.Str, model.MissingText)
	default:
		t.F64 = append(t.F64, math.NaN())
	}
}

// record reads one row of a model of one input that is an object keyed by feature name.
func (r *Request) record() error {
	s := &r.scan
	start, first := *s, length(r.inputs[0])
	if err := s.Open(); err != nil {
		return err
	}
	r.form, r.order, r.round = byFeature, r.order[:0], r.round+1
	for s.More('}') {
		name, err := s.Name()
		if err != nil {
			return err
		}
		_, known := r.codec.columnByName[string(name)]
		next := s.Peek()
		switch {
		case !known && string(name) == r.codec.inputs[0].Name && next == '[' && len(r.order) == 0:
			*s, r.form = start, byInput
			return r.object()
		case !known && r.row < 0 && isSplit(name):
			*s = start
			return r.split()
		case known && r.row < 0 && next == '[' && len(r.order) == 0:
			*s = start
			return r.frame()
		}
		k, err := r.column(name, r.round)
		if err != nil {
			return err
		}
		if err := r.element(0, k, 0); err != nil {
			return err
		}
	}
	if err := s.Err(); err != nil {
		return err
	}
	r.given = r.given || len(r.order) > 0
	for k := range r.codec.columns {
		if r.came[k] != r.round {
			if err := r.absent(k, 1); err != nil {
				return err
			}
		}
	}
	reorder(r.inputs[0], first, r.order)
	return nil
}

// frame reads a batch that is an object of columns.
func (r *Request) frame() error {
	s := &r.scan
	if err := s.Open(); err != nil {
		return err
	}
	r.form, r.single, r.order, r.round = byColumn, false, r.order[:0], r.round+1
	rows := -1
	for s.More('}') {
		name, err := s.Name()
		if err != nil {
			return err
		}
		r.row = -1
		k, err := r.column(name, r.round)
		if err != nil {
			return err
		}
		if s.Peek() != '[' {
			return r.wrong(r.place(r.inputOf(k), k, 0), "want a list of the column's values, got "+s.Got())
		}
		if err := s.Open(); err != nil {
			return err
		}
		for r.row = 0; s.More(']'); r.row++ {
			if err := r.element(r.inputOf(k), k, 0); err != nil {
				return err
			}
		}
		if err := s.Err(); err != nil {
			return err
		}
		n := r.row
		r.row = -1
		switch {
		case n == 0:
			return r.wrong(r.place(r.inputOf(k), k, 0), "want at least one value, got none")
		case rows >= 0 && n != rows:
			return r.wrong(r.place(r.inputOf(k), k, 0), fmt.Sprintf("want %s, as in the columns before it, got %d", count(rows, "value"), n))
		}
		rows = n
	}
	if err := s.Err(); err != nil {
		return err
	}
	for k := range r.codec.columns {
		if r.came[k] != r.round {
			if err := r.absent(k, rows); err != nil {
				return err
			}
		}
	}
	if len(r.inputs) == 1 {
		transpose(r.inputs[0], rows, r.order)
	}
	r.frameRows = rows
	return nil
}

// listed joins names for a message, the first of many.
func listed(names []string) string {
	const most = 20
	if len(names) > most {
		return strings.Join(names[:most], ", ") + fmt.Sprintf(", … (%d in all)", len(names))
	}
	return strings.Join(names, ", ")
}
