// Package predict is the JSON of POST /predict: rows in, answers out, and the field of an error. It fills a model.Batch and
// reads one; the model itself knows nothing of JSON.
package predict

import (
	"errors"
	"slices"
	"sync"

	"ml-service/handler/scan"
	"ml-service/model"
	"ml-service/onnx"
)

// Codec reads and writes the requests of one model. It is immutable and may be used by many goroutines.
type Codec struct {
	model        *model.Model
	inputs       []model.Input
	byName       map[string]int
	columns      []string // of a frame; nil: the model cannot be asked by columns
	columnByName map[string]int
	sparse       bool     // a column may be absent
	unrounded    bool     // so are confidences
	outputs      [][]byte // the outputs' names as JSON, with their colons
	classes      [][]byte // the classes as names of a JSON object, in the order of the scores; nil: they are not known
	tail         []byte   // the end of every answer: the version and the closing brace
	pool         sync.Pool
}

// New makes the codec of a model.
func New(m *model.Model) *Codec { return newCodec(m, m.Inputs()) }

// NewUnrounded makes a codec as that of New, whose answers have the scores as the model gives them.
func NewUnrounded(m *model.Model) *Codec {
	c := New(m)
	c.unrounded = true
	return c
}

func newCodec(m *model.Model, inputs []model.Input) *Codec {
	c := &Codec{model: m, inputs: inputs, byName: make(map[string]int)}
	for i, in := range c.inputs {
		c.byName[in.Name] = i
	}
	c.columns, c.columnByName = columnsOf(c.inputs)
	c.sparse = c.columns != nil && slices.ContainsFunc(c.inputs, func(in model.Input) bool { return in.Missing })
	for _, v := range m.Outputs() {
		c.outputs = append(c.outputs, append(scan.AppendString(nil, v.Name), ':'))
	}
	for _, class := range m.Classes() {
		c.classes = append(c.classes, append(scan.AppendString(nil, class), ':'))
	}
	c.tail = append(scan.AppendString([]byte(`,"version":`), m.Version()), '}')
	return c
}

// input gives the index of the input of that name; -1: there is none.
func (c *Codec) input(name []byte) int {
	const searched = 8 // up to so many names a search is quicker than the map
	if len(c.inputs) <= searched {
		for i := range c.inputs {
			if c.inputs[i].Name == string(name) {
				return i
			}
		}
		return -1
	}
	if i, ok := c.byName[string(name)]; ok {
		return i
	}
	return -1
}

// Request is one body on its way through the model. Its memory is reused, and so is that of its batch. It must not be used
// by two goroutines at once.
type Request struct {
	Batch *model.Batch // what Decode fills and AppendAnswer reads; run it in between

	codec     *Codec
	inputs    []*onnx.Tensor // the batch's
	scan      scan.Scanner
	single    bool // x is one row, so it is answered as one
	objects   bool // x holds objects
	form      form
	row       int // the row being read; -1 where x is one row
	seen      []int
	came      []int // per column of a frame, the round in which it came last
	round     int
	given     bool              // some object of x names a column
	absents   int               // how many values more may be absent
	order     []int             // the columns in the order in which they came
	nth       int               // of order, the column being read of a row of a split frame
	frameRows int               // how many rows a frame had
	dims      []int             // a shape being put together
	texts     map[string]string // strings seen before, so that categories are not allocated again

	probabilities bool // all scores are asked for
	told          bool // the body says whether they are

	rowwise bool   // each element of a list is a row, and the answer is {"predictions": […]}
	root    string // what stands for x in the field of an error

	elsewhere func(input int, element []int) string // where a batch that was filled elsewhere has an element; nil: it was decoded

	warned           int // how many of the batch's unknown categories are in the pieces so far
	output, answered int // how much of the answer is in the pieces so far: outputs of a model answered by name, and rows
}

// Request takes a request out of the codec's pool. Release gives it back.
func (c *Codec) Request() *Request {
	r, ok := c.pool.Get().(*Request)
	if !ok {
		r = &Request{codec: c, seen: make([]int, len(c.inputs)), came: make([]int, len(c.columns)), texts: make(map[string]string), inputs: make([]*onnx.Tensor, len(c.inputs))}
	}
	if r.Batch == nil {
		r.Batch = c.model.Batch()
		for i := range r.inputs {
			r.inputs[i] = r.Batch.Input(i)
		}
	}
	return r
}

// Release gives r and its batch back. Neither may be used afterwards.
func (r *Request) Release() {
	r.elsewhere = nil
	if !r.Batch.Renew() {
		r.Batch = nil
		clear(r.inputs)
	}
	r.codec.pool.Put(r)
}

// Refused says where in the body the value stands that made Batch.Run fail: an *Error. Any other failure stays what it is.
func (r *Request) Refused(err error) error {
	if err == nil {
		return nil
	}
	return r.refused(err)
}

func (r *Request) refused(err error) error {
	var refused *onnx.RunError
	if !errors.As(err, &refused) {
		return err
	}
	message := refused.Message // the field says where
	if refused.Input == "" {
		message = refused.Error()
	}
	return r.rooted(&Error{Field: r.field(refused), Message: message, cause: refused})
}

// field is where the element that the model refused stands in the body.
func (r *Request) field(e *onnx.RunError) string {
	for i := range r.codec.inputs {
		in := &r.codec.inputs[i]
		if in.Name != e.Input || len(e.Element) == 0 {
			continue
		}
		if r.elsewhere != nil {
			return r.elsewhere(i, e.Element)
		}
		at := r.place(i, 0, 0)
		at.row = -1
		if !r.single {
			at.row = e.Element[0]
		}
		if r.form != byInput && r.form != byTensor {
			at.row = e.Element[0]
			if at.index = i; len(r.inputs) == 1 && len(e.Element) > 1 {
				at.index = e.Element[1]
			}
			if r.form == byFeature && r.single {
				at.row = -1
			}
			at.nth = slices.Index(r.order, at.index)
			return at.String()
		}
		if rest := e.Element[1:]; len(rest) == len(in.Row) && !(r.objects && in.Width == 1) {
			for k, d := range in.Row {
				at.index = at.index*d + rest[k]
			}
			at.depth = len(rest)
		}
		return at.String()
	}
	return "x"
}
