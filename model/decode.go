package model

import (
	"errors"
	"fmt"

	"ml-service/onnx"
)

// decoder is the part of a Batch that reads a body: one pass, straight into the tensors of the session.
type decoder struct {
	buf     []byte
	at      int               // the next byte to read
	objects bool              // x holds objects keyed by input name
	row     int               // the row being read, -1 where x is one row
	seen    []int             // per input, how many rows hold it
	scratch []byte            // an unescaped string
	dims    []int             // a shape being put together
	texts   map[string]string // strings seen before, so that categories are not allocated again
}

// Decode reads the body of a POST /predict into the session's tensors: {"x": …}, where x is a vector, a
// list of vectors, an object keyed by input name, or a list of such objects. Other members are checked to be
// JSON and ignored. A failure is an *InputError; the body is not kept.
func (b *Batch) Decode(body []byte) error {
	b.buf, b.at, b.row, b.objects, b.single = body, 0, -1, false, false
	for i, t := range b.inputs {
		clearTensor(t)
		b.seen[i] = 0
	}
	err := b.document()
	b.buf = nil
	if err != nil {
		return asInputError(body, err)
	}
	return nil
}

// asInputError turns what stopped the pass into what the caller reads. A body that is not JSON is
// said to be so, wherever the pass stopped.
func asInputError(body []byte, err error) *InputError {
	if wrong := check(body); wrong != nil {
		return wrong
	}
	var e *InputError
	if errors.As(err, &e) {
		return e
	}
	return &InputError{Field: "x", Message: err.Error()}
}

// check says whether body is one JSON value; nil: it is, or is as far as it can be told without nesting too deep.
func check(body []byte) *InputError {
	i := space(body, 0)
	if i == len(body) {
		return &InputError{NotJSON: true, Message: `the body is empty: want JSON as {"x": …}`}
	}
	end, err := skipValue(body, i, 0)
	if err == errDeep {
		return nil
	}
	if err == nil {
		if end = space(body, end); end < len(body) {
			err = unexpected(body, end, "the end of the body")
		}
	}
	if err != nil {
		return &InputError{NotJSON: true, Message: err.Error()}
	}
	return nil
}

// document reads the whole body.
func (b *Batch) document() error {
	buf := b.buf
	i := space(buf, 0)
	if i >= len(buf) || buf[i] != '{' {
		return &InputError{Field: "x", Message: `want a JSON object with a member "x", got ` + got(buf, i)}
	}
	found := false
	i = space(buf, i+1)
	if i < len(buf) && buf[i] == '}' {
		i++
	} else {
		for {
			name, next, err := b.name(i)
			if err != nil {
				return err
			}
			i = space(buf, next)
			if string(name) == "x" {
				if found {
					return &InputError{Field: "x", Message: "given twice, want it once"}
				}
				found = true
				b.at = i
				if err := b.x(); err != nil {
					return err
				}
				i = b.at
			} else if i, err = skipValue(buf, i, 1); err != nil {
				if err == errDeep {
					return &InputError{Field: string(name), Message: deepMessage}
				}
				return err
			}
			if i = space(buf, i); i < len(buf) && buf[i] == ',' {
				i = space(buf, i+1)
				continue
			}
			break
		}
		if i >= len(buf) || buf[i] != '}' {
			return unexpected(buf, i, "',' or '}'")
		}
		i++
	}
	if i = space(buf, i); i != len(buf) {
		return unexpected(buf, i, "the end of the body")
	}
	if !found {
		return &InputError{Field: "x", Message: "missing, want " + b.model.wants()}
	}
	return nil
}

var deepMessage = fmt.Sprintf("want at most %d levels of lists and objects, got more", maxDepth)

// name reads a member's name at i and its colon. The name is valid until the next call.
func (b *Batch) name(i int) (name []byte, next int, err error) {
	buf := b.buf
	if i >= len(buf) || buf[i] != '"' {
		return nil, i, unexpected(buf, i, "a name in quotes")
	}
	end, escaped, err := skipString(buf, i)
	if err != nil {
		return nil, end, err
	}
	name = buf[i+1 : end-1]
	if escaped {
		b.scratch = unescape(b.scratch[:0], name)
		name = b.scratch
	}
	if end = space(buf, end); end >= len(buf) || buf[end] != ':' {
		return nil, end, unexpected(buf, end, "':'")
	}
	return name, end + 1, nil
}

// x reads the value of the member x, which starts at b.at.
func (b *Batch) x() error {
	switch b.peek() {
	case '{':
		b.objects, b.single = true, true
		if err := b.object(); err != nil {
			return err
		}
		return b.shape(1)
	case '[':
		return b.list()
	}
	return &InputError{Field: "x", Message: "want " + b.model.wants() + ", got " + got(b.buf, b.at)}
}

// list reads x where it is a list: a row, a batch of rows, or a batch of objects.
func (b *Batch) list() error {
	first := space(b.buf, b.at+1)
	opens, i := 1, first
	for i < len(b.buf) && b.buf[i] == '[' && opens <= maxDepth {
		opens++
		i = space(b.buf, i+1)
	}
	b.objects = opens == 1 && i < len(b.buf) && b.buf[i] == '{'
	if i < len(b.buf) && b.buf[i] == ']' && opens == 1 {
		return &InputError{Field: "x", Message: "want " + b.model.wants() + ", got an empty list"}
	}
	if !b.objects && len(b.model.inputs) != 1 {
		if opens == 1 {
			return &InputError{Field: "x", Message: "want " + b.model.wants() + ", got a list without names"}
		}
		return &InputError{Field: "x[0]", Message: "want " + b.model.wantsObject() + ", got a list"}
	}
	if !b.objects && opens <= len(b.model.inputs[0].dims) {
		b.single = true
		if err := b.vector(0); err != nil {
			return err
		}
		return b.shape(1)
	}
	return b.rows(first)
}

// rows reads a batch whose first row starts at i.
func (b *Batch) rows(i int) error {
	for b.row = 0; ; b.row++ {
		b.at = i
		var err error
		if b.objects {
			err = b.object()
		} else {
			err = b.vector(0)
		}
		if err != nil {
			return err
		}
		switch i = space(b.buf, b.at); {
		case i < len(b.buf) && b.buf[i] == ',':
			i = space(b.buf, i+1)
		case i < len(b.buf) && b.buf[i] == ']':
			b.at = i + 1
			return b.shape(b.row + 1)
		default:
			return unexpected(b.buf, i, "',' or ']'")
		}
	}
}

// object reads one row that is an object keyed by input name.
func (b *Batch) object() error {
	if b.peek() != '{' {
		return &InputError{Field: b.place(-1, 0, 0).String(), Message: "want " + b.model.wantsObject() + ", got " + got(b.buf, b.at)}
	}
	round := max(b.row, 0) + 1
	i := space(b.buf, b.at+1)
	if i < len(b.buf) && b.buf[i] == '}' {
		i++
	} else {
		for {
			name, next, err := b.name(i)
			if err != nil {
				return err
			}
			k := b.model.inputNamed(name)
			if k < 0 {
				field := b.place(-1, 0, 0).String() + "." + string(name)
				return &InputError{Field: field, Message: "no such input, want " + b.model.inputNames()}
			}
			if b.seen[k] == round {
				return &InputError{Field: b.place(k, 0, 0).String(), Message: "given twice, want it once"}
			}
			b.seen[k] = round
			b.at = space(b.buf, next)
			if err := b.member(k); err != nil {
				return err
			}
			if i = space(b.buf, b.at); i < len(b.buf) && b.buf[i] == ',' {
				i = space(b.buf, i+1)
				continue
			}
			break
		}
		if i >= len(b.buf) || b.buf[i] != '}' {
			return unexpected(b.buf, i, "',' or '}'")
		}
		i++
	}
	b.at = i
	for k := range b.seen {
		if b.seen[k] != round {
			return &InputError{Field: b.place(k, 0, 0).String(), Message: "missing, want " + b.model.inputs[k].wants()}
		}
	}
	return nil
}

// member reads one input's part of a row: a bare value where its width is 1, else a list.
func (b *Batch) member(k int) error {
	in := &b.model.inputs[k]
	if in.Width == 1 && b.peek() != '[' {
		return b.element(k, 0, 0)
	}
	return b.vector(k)
}

func (b *Batch) peek() byte {
	if b.at < len(b.buf) {
		return b.buf[b.at]
	}
	return 0
}

// shape gives the tensors the shape of that many rows.
func (b *Batch) shape(rows int) error {
	for k := range b.inputs {
		in, t := &b.model.inputs[k], b.inputs[k]
		if in.fixed > 0 && in.fixed != rows {
			return &InputError{Field: "x", Message: fmt.Sprintf("want %s, got %d: the model's batch is fixed", count(in.fixed, "row"), rows)}
		}
		width := length(t) / rows
		switch {
		case in.Rank == 1:
			t.Resize(rows)
		case in.Rank == 2:
			t.Resize(rows, width)
		default:
			b.dims = append(b.dims[:0], rows)
			b.dims = append(b.dims, in.dims...)
			t.Resize(b.dims...)
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

// count writes n things, as "1 row" or "3 rows".
func count(n int, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return fmt.Sprintf("%d %ss", n, thing)
}
