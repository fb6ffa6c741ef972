package predict

import (
	"bytes"
	"errors"
	"fmt"
	"slices"

	"ml-service/handler/scan"
	"ml-service/onnx"
)

// Decode reads the body of a POST /predict into the batch, in one pass: {"x": …}, where x is a vector, a list of vectors, an
// object keyed by input name, or a list of such objects. Other members are checked to be JSON and ignored. A failure is an
// *Error; the body is not kept.
func (r *Request) Decode(body []byte) error {
	r.reset(body)
	return r.ended(body, r.document())
}

// DecodeX reads x by itself, without the body around it.
func (r *Request) DecodeX(x []byte) error {
	r.reset(x)
	r.absents = r.codec.MostAbsents(len(x))
	err := r.x()
	if err == nil {
		err = r.scan.End()
	}
	return r.ended(x, err)
}

// ended forgets the text, and says what the pass over it came to.
func (r *Request) ended(text []byte, err error) error {
	r.scan.Text = nil
	if err != nil {
		return asError(text, err)
	}
	return nil
}

// reset gets ready to read a body.
func (r *Request) reset(body []byte) {
	r.scan.Reset(body)
	r.rowwise, r.root = false, "x"
	r.row, r.objects, r.single = -1, false, false
	r.output, r.answered, r.warned = 0, 0, 0
	r.form, r.frameRows, r.probabilities, r.told, r.given = byInput, 0, false, false, false
	r.absents = r.codec.Absents(body)
	for i, t := range r.inputs {
		clearTensor(t)
		r.seen[i] = 0
	}
}

// asError turns what stopped the pass into what the caller reads. A body that is not JSON is said to be so, wherever the
// pass stopped: {"x":["a",2 is a 400 that asks for the end, not a 422 about "a".
func asError(body []byte, err error) *Error {
	var s scan.Scanner
	s.Reset(body)
	if s.Peek(); s.At == len(body) {
		return &Error{NotJSON: true, Message: `the body is empty: want JSON as {"x": …}`}
	}
	if wrong := scan.Valid(body); wrong != nil && wrong != scan.ErrDeep {
		return &Error{NotJSON: true, Message: wrong.Error()}
	}
	var e *Error
	if errors.As(err, &e) {
		return e
	}
	return &Error{Field: "x", Message: err.Error()}
}

// document reads the whole body.
func (r *Request) document() error {
	s := &r.scan
	if s.Peek() != '{' {
		return &Error{Field: "x", Message: `want a JSON object with a member "x", got ` + s.Got()}
	}
	if err := s.Open(); err != nil {
		return err
	}
	found := false
	for s.More('}') {
		name, err := s.Name()
		if err != nil {
			return err
		}
		if s.Peek(); string(name) == "x" {
			if found {
				return &Error{Field: "x", Message: scan.ErrTwice.Error()}
			}
			found = true
			if err := r.x(); err != nil {
				return err
			}
		} else if string(name) == "probabilities" {
			if err := r.readProbabilities(); err != nil {
				return err
			}
		} else if err := s.Skip(); err == scan.ErrDeep {
			return &Error{Field: scan.Shortened(name), Message: err.Error()}
		} else if err != nil {
			return err
		}
	}
	if err := s.Err(); err != nil {
		return err
	}
	if err := s.End(); err != nil {
		return err
	}
	if !found {
		return &Error{Field: "x", Message: "missing, want " + r.codec.wants()}
	}
	return nil
}

// x reads the value of the member x.
func (r *Request) x() error {
	switch r.scan.Peek() {
	case '{':
		r.objects, r.single = true, true
		if err := r.frameOrRow(); err != nil {
			return err
		}
		return r.shape(max(r.frameRows, 1))
	case '[':
		return r.list()
	}
	return &Error{Field: "x", Message: "want " + r.codec.wants() + ", got " + r.scan.Got()}
}

// list reads x where it is a list: a row, a batch of rows, or a batch of objects.
func (r *Request) list() error {
	lists, inner := r.opening()
	r.objects = lists == 1 && inner == '{'
	if lists == 1 && inner == ']' {
		return &Error{Field: "x", Message: "want " + r.codec.wants() + ", got an empty list"}
	}
	if !r.objects && len(r.codec.inputs) != 1 {
		if lists == 1 {
			return &Error{Field: "x", Message: "want " + r.codec.wants() + ", got a list without names"}
		}
		return &Error{Field: "x[0]", Message: "want " + r.codec.wantsObject() + ", got a list"}
	}
	if !r.objects && lists <= len(r.codec.inputs[0].Row) {
		r.single = true
		if err := r.vector(0); err != nil {
			return err
		}
		return r.shape(1)
	}
	return r.rows()
}

// opening looks ahead: how many lists open here one in the other, and what comes first in the innermost.
func (r *Request) opening() (lists int, inner byte) {
	s := &r.scan
	start := s.At
	for inner = s.Peek(); inner == '[' && lists <= scan.MaxDepth; inner = s.Peek() {
		lists++
		s.At++
	}
	s.At = start
	return lists, inner
}

// rows reads a batch.
func (r *Request) rows() error {
	s := &r.scan
	if err := s.Open(); err != nil {
		return err
	}
	const few = 64 // rows for which nothing is set aside
	for r.row = 0; s.More(']'); r.row++ {
		if r.row == few {
			r.reserve()
		}
		var err error
		if r.objects {
			err = r.named()
		} else {
			err = r.vector(0)
		}
		if err != nil {
			return err
		}
	}
	if err := s.Err(); err != nil {
		return err
	}
	return r.shape(r.row)
}

// reserve makes room for the values that are still to come, no more than there are commas, so that their tensors need not grow as
// they come. Each input is taken to have the same share of them as of those before.
func (r *Request) reserve() {
	sum := 0
	for _, t := range r.inputs {
		sum += length(t)
	}
	if sum == 0 {
		return
	}
	come := bytes.Count(r.scan.Text[r.scan.At:], comma) + 1
	for _, t := range r.inputs {
		n := come*length(t)/sum + 1
		switch t.DType {
		case onnx.Float32:
			t.F32 = slices.Grow(t.F32, n)
		case onnx.Float64:
			t.F64 = slices.Grow(t.F64, n)
		case onnx.String:
			t.Str = slices.Grow(t.Str, n)
		case onnx.Bool:
			t.Bool = slices.Grow(t.Bool, n)
		default:
			t.I64 = slices.Grow(t.I64, n)
		}
	}
}

var comma = []byte{','}

// frameOrRow reads x where it is an object: a row, or a batch of columns.
func (r *Request) frameOrRow() error {
	if len(r.inputs) > 1 && r.codec.columns != nil {
		switch r.opensFrame() {
		case byColumn:
			return r.frame()
		case bySplit:
			return r.split()
		}
	}
	return r.named()
}

// opensFrame looks ahead, in an object for a model of several inputs: whether its first member is a list of other than one value,
// or one of a split frame. {"age": [40]} is a row whose part for age is a list of one.
func (r *Request) opensFrame() form {
	s := r.scan
	if s.Open() != nil || !s.More('}') {
		return byInput
	}
	name, err := s.Name()
	if err != nil {
		return byInput
	}
	if isSplit(name) && r.codec.input(name) < 0 {
		return bySplit
	}
	if s.Peek() != '[' || s.Open() != nil {
		return byInput
	}
	n := 0
	for ; n < 2 && s.More(']'); n++ {
		if s.Skip() != nil {
			return byInput
		}
	}
	if n == 1 {
		return byInput
	}
	return byColumn
}

// named reads one row that is an object.
func (r *Request) named() error {
	if len(r.inputs) == 1 && r.codec.columns != nil && r.scan.Peek() == '{' {
		return r.record()
	}
	return r.object()
}

// object reads one row that is an object keyed by input name.
func (r *Request) object() error {
	s := &r.scan
	if s.Peek() != '{' {
		return r.wrong(r.place(-1, 0, 0), "want "+r.codec.wantsObject()+", got "+s.Got())
	}
	if err := s.Open(); err != nil {
		return err
	}
	round := max(r.row, 0) + 1
	r.order = r.order[:0]
	for s.More('}') {
		name, err := s.Name()
		if err != nil {
			return err
		}
		k := r.codec.input(name)
		if k < 0 {
			field := r.place(-1, 0, 0).String() + "." + scan.Shortened(name)
			return &Error{Field: field, Message: "no such input, want " + r.codec.inputNames()}
		}
		if r.seen[k] == round {
			return r.wrong(r.place(k, 0, 0), scan.ErrTwice.Error())
		}
		r.seen[k], r.given = round, true
		if err := r.member(k); err != nil {
			return err
		}
	}
	if err := s.Err(); err != nil {
		return err
	}
	for k := range r.seen {
		if r.seen[k] == round {
			continue
		}
		if len(r.inputs) == 1 || r.codec.columns == nil {
			return r.wrong(r.place(k, 0, 0), "missing, want "+wants(&r.codec.inputs[k]))
		}
		if err := r.absent(k, 1); err != nil {
			return err
		}
	}
	return nil
}

// member reads one input's part of a row: a bare value where its width is 1, else a list.
func (r *Request) member(k int) error {
	if r.codec.inputs[k].Width == 1 && r.scan.Peek() != '[' {
		return r.element(k, 0, 0)
	}
	return r.vector(k)
}

// shape gives the tensors the shape of that many rows.
func (r *Request) shape(rows int) error {
	if r.objects && !r.given && (r.form == byFeature || r.form == byInput) {
		return &Error{Field: "x", Message: "want at least one of " + listed(r.codec.columns) + ", got none"}
	}
	for k, t := range r.inputs {
		in := &r.codec.inputs[k]
		if in.FixedRows > 0 && in.FixedRows != rows {
			return &Error{Field: "x", Message: fmt.Sprintf("want %s, got %d: the model's batch is fixed", count(in.FixedRows, "row"), rows)}
		}
		width := length(t) / rows
		switch {
		case in.Rank == 1:
			t.Resize(rows)
		case in.Rank == 2:
			t.Resize(rows, width)
		default:
			r.dims = append(r.dims[:0], rows)
			r.dims = append(r.dims, in.Row...)
			t.Resize(r.dims...)
		}
	}
	return nil
}

func clearTensor(t *onnx.Tensor) {
	t.F32, t.F64, t.I64, t.Bool, t.Str = t.F32[:0], t.F64[:0], t.I64[:0], t.Bool[:0], t.Str[:0]
}

// length is the number of elements read into t so far.
func length(t *onnx.Tensor) int {
	return len(t.F32) + len(t.F64) + len(t.I64) + len(t.Bool) + len(t.Str)
}
