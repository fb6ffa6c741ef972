package predict

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"ml-service/handler/scan"
	"ml-service/model"
)

// The bodies of the managed platforms and of MLflow, each {"<member>": rows, …}:
//
//	instances          a list of rows        Vertex AI, KServe V1, TensorFlow Serving, MLflow
//	inputs             that, or an object of columns or of tensors, a list with an element for each row each
//	dataframe_records  a list of objects     MLflow
//	dataframe_split    {"columns": […], "data": […]}
//
// A row is a list, an object by name, or, of a model of one value a row, that value. A bare list is a list of rows, as
// SageMaker's JSONSerializer writes it. The answer is {"predictions": […]}, one element a row. A body with x is one of POST /predict.
const (
	instances = "instances"
	inputs    = "inputs"
	records   = "dataframe_records"
	split     = "dataframe_split"
)

// NewForPlatforms makes a codec for DecodePlatform: as that of New, and where the values of a row have no names they are called
// 0, 1, 2, …, as pandas does.
func NewForPlatforms(m *model.Model) *Codec {
	in := slices.Clone(m.Inputs())
	if one := &in[0]; len(in) == 1 && one.Features == nil && len(one.Row) == 1 && one.Width > 0 {
		for i := range one.Width {
			one.Features = append(one.Features, strconv.Itoa(i))
		}
	}
	return newCodec(m, in)
}

// DecodePlatform reads the body of a managed platform into the batch. A failure is an *Error; the body is not kept.
func (r *Request) DecodePlatform(body []byte) error {
	r.reset(body)
	r.rowwise, r.root = true, instances
	err := r.platform()
	r.scan.Text = nil
	if err == nil {
		return nil
	}
	e := asError(body, err)
	if e.NotJSON && len(body) == 0 {
		e.Message = `the body is empty: want JSON as {"instances": […]}`
	}
	return r.rooted(e)
}

// rooted puts what the rows are called in the body into the field of an error.
func (r *Request) rooted(err error) error {
	var e *Error
	if r.root == "x" || !errors.As(err, &e) {
		return err
	}
	if rest, ok := strings.CutPrefix(e.Field, "x"); ok && (rest == "" || rest[0] == '.' || rest[0] == '[') {
		e.Field = r.root + rest
	}
	return e
}

// platform reads the whole body.
func (r *Request) platform() error {
	s := &r.scan
	if s.Peek() == '[' {
		r.root = ""
		if err := r.rowsOf(); err != nil {
			return err
		}
		return s.End()
	}
	if s.Peek() != '{' {
		return &Error{Field: "x", Message: `want a JSON object with a member "instances", got ` + s.Got()}
	}
	if err := s.Open(); err != nil {
		return err
	}
	found := ""
	for s.More('}') {
		text, err := s.Name()
		if err != nil {
			return err
		}
		name := string(text)
		s.Peek()
		switch name {
		case instances, inputs, records, split, "x":
			if found != "" {
				r.root = "x"
				return &Error{Field: name, Message: fmt.Sprintf("want the rows once, got them in %q as well", found)}
			}
			found, r.root = name, name
			err = r.rowsBy(name)
		case "parameters", "params":
			err = r.parameters(name)
		case "probabilities":
			err = r.readProbabilities()
		default:
			if err = s.Skip(); err == scan.ErrDeep {
				return &Error{Field: scan.Shortened(text), Message: err.Error()}
			}
		}
		if err != nil {
			return err
		}
	}
	if err := s.Err(); err != nil {
		return err
	}
	if err := s.End(); err != nil {
		return err
	}
	if found == "" {
		return &Error{Field: "x", Message: `missing, want one of "instances", "inputs", "dataframe_records", "dataframe_split"`}
	}
	return nil
}

// rowsBy reads the member that holds the rows.
func (r *Request) rowsBy(name string) error {
	open := r.scan.Peek() == '{'
	var err error
	switch {
	case name == "x":
		r.rowwise = false
		return r.x()
	case name == split && open:
		err = r.split()
	case name == inputs && open:
		err = r.columnwise()
	case name == split:
		return &Error{Field: "x", Message: `want an object with "columns" and "data", got ` + r.scan.Got()}
	default:
		return r.rowsOf()
	}
	if err != nil {
		return err
	}
	return r.shape(r.frameRows)
}

// parameters reads what a caller asks for beside the rows; what is not known is passed over.
func (r *Request) parameters(member string) error {
	s := &r.scan
	if s.Peek() != '{' {
		if s.Peek() == 'n' {
			return s.Word("null")
		}
		return &Error{Field: member, Message: "want an object, got " + s.Got()}
	}
	if err := s.Open(); err != nil {
		return err
	}
	for s.More('}') {
		name, err := s.Name()
		if err != nil {
			return err
		}
		if s.Peek(); string(name) != "probabilities" {
			err = s.Skip()
		} else if err = r.readProbabilities(); err != nil {
			var e *Error
			if errors.As(err, &e) {
				e.Field = member + ".probabilities"
			}
		}
		if err != nil {
			return err
		}
	}
	return s.Err()
}

// rowsOf reads a list whose every element is a row.
func (r *Request) rowsOf() error {
	s := &r.scan
	if s.Peek() != '[' {
		return &Error{Field: "x", Message: "want a list of rows, got " + s.Got()}
	}
	lists, inner := r.opening()
	if lists == 1 && inner == ']' {
		return &Error{Field: "x", Message: "want at least one row, got none"}
	}
	r.objects = lists == 1 && inner == '{'
	if several := len(r.inputs) > 1; several && !r.objects {
		if r.codec.columns == nil {
			return &Error{Field: "x[0]", Message: "want " + r.codec.wantsObject() + ", got a row without names"}
		}
		return r.byPosition()
	}
	if err := s.Open(); err != nil {
		return err
	}
	for r.row = 0; s.More(']'); r.row++ {
		var err error
		switch {
		case r.objects:
			err = r.named()
		default:
			err = r.rowOf(0)
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

// rowOf reads a row of an input: a list, or a value where it is only that.
func (r *Request) rowOf(k int) error {
	if in := &r.codec.inputs[k]; in.Width == 1 && len(in.Row) == 1 && r.scan.Peek() != '[' {
		return r.element(k, 0, 0)
	}
	return r.vector(k)
}

// byPosition reads rows for a model of several inputs of one value each, in their order.
func (r *Request) byPosition() error {
	r.form, r.order, r.round = byPosition, r.order[:0], r.round+1
	for k := range r.codec.columns {
		r.came[k] = r.round
		r.order = append(r.order, k)
	}
	if err := r.splitRows(); err != nil {
		return err
	}
	return r.shape(r.frameRows)
}

// columnwise reads an object of columns, or of tensors by the names of the inputs.
func (r *Request) columnwise() error {
	s := r.scan
	if s.Open() == nil && s.More('}') {
		name, err := s.Name()
		if err != nil {
			return err
		}
		if _, column := r.codec.columnByName[string(name)]; column && len(r.inputs) == 1 {
			return r.frame()
		}
	}
	return r.tensors()
}

// tensors reads an object with a list of rows for each input.
func (r *Request) tensors() error {
	s := &r.scan
	if err := s.Open(); err != nil {
		return err
	}
	r.form, r.round, r.frameRows = byTensor, r.round+1, 0
	for s.More('}') {
		name, err := s.Name()
		if err != nil {
			return err
		}
		k := r.codec.input(name)
		if k < 0 {
			return &Error{Field: "x." + scan.Shortened(name), Message: "no such input, want " + r.codec.inputNames()}
		}
		r.row = -1
		if r.seen[k] > 0 {
			return r.wrong(r.place(k, 0, 0), scan.ErrTwice.Error())
		}
		r.seen[k] = 1
		if s.Peek() != '[' {
			return r.wrong(r.place(k, 0, 0), "want a list of rows, got "+s.Got())
		}
		if err := s.Open(); err != nil {
			return err
		}
		for r.row = 0; s.More(']'); r.row++ {
			if err := r.rowOf(k); err != nil {
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
			return r.wrong(r.place(k, 0, 0), "want at least one row, got none")
		case r.frameRows > 0 && n != r.frameRows:
			return r.wrong(r.place(k, 0, 0), fmt.Sprintf("want %s, as in the inputs before it, got %d", count(r.frameRows, "row"), n))
		}
		r.frameRows = n
	}
	if err := s.Err(); err != nil {
		return err
	}
	r.order = r.order[:0]
	for k := range r.seen {
		if r.seen[k] > 0 {
			continue
		}
		if len(r.inputs) == 1 || r.codec.columns == nil || r.frameRows == 0 || !r.codec.inputs[k].Missing {
			return r.wrong(r.place(k, 0, 0), "missing, want a list of rows")
		}
		if err := r.absent(k, r.frameRows); err != nil {
			return err
		}
	}
	return nil
}

// FillRowwise makes r ready for a batch that is filled elsewhere, whose answer is {"predictions": […]}. field says where an element of
// an input came from.
func (r *Request) FillRowwise(field func(input int, element []int) string) {
	r.reset(nil)
	r.rowwise, r.root, r.elsewhere = true, "csv", field
}

// AllScores says whether all scores are asked for.
func (r *Request) AllScores() bool { return r.probabilities }
