package predict

import (
	"errors"
	"fmt"

	"ml-service/handler/scan"
)

// isSplit says whether a member's name is one of to_dict("split").
func isSplit(name []byte) bool {
	switch string(name) {
	case "columns", "data", "index":
		return true
	}
	return false
}

// split reads a batch as to_dict("split") writes it: the names of the columns, and the rows in their order.
func (r *Request) split() error {
	s := &r.scan
	if err := s.Open(); err != nil {
		return err
	}
	r.form, r.single, r.order, r.round = bySplit, false, r.order[:0], r.round+1
	var data, columns bool
	var rows scan.Scanner
	for s.More('}') {
		name, err := s.Name()
		if err != nil {
			return err
		}
		s.Peek()
		switch string(name) {
		case "columns":
			if columns {
				return &Error{Field: "x.columns", Message: scan.ErrTwice.Error()}
			}
			columns = true
			err = r.splitColumns()
		case "data":
			if data {
				return &Error{Field: "x.data", Message: scan.ErrTwice.Error()}
			}
			data, rows = true, *s
			err = s.Skip()
		default:
			err = s.Skip()
		}
		if err != nil {
			return err
		}
	}
	if err := s.Err(); err != nil {
		return err
	}
	switch {
	case !columns:
		return &Error{Field: "x.columns", Message: "missing, want a list of names"}
	case len(r.order) == 0:
		return &Error{Field: "x.columns", Message: "want at least one name, got none"}
	case !data:
		return &Error{Field: "x.data", Message: "missing, want a list of rows"}
	}
	end := *s
	*s = rows
	if err := r.splitRows(); err != nil {
		return err
	}
	*s = end
	return nil
}

func (r *Request) splitColumns() error {
	s := &r.scan
	if s.Peek() != '[' {
		return &Error{Field: "x.columns", Message: "want a list of names, got " + s.Got()}
	}
	if err := s.Open(); err != nil {
		return err
	}
	for s.More(']') {
		name, err := r.columnName()
		if err != nil {
			return err
		}
		if _, err := r.column(name, r.round); err != nil {
			return ofColumns(scan.Shortened(name), err)
		}
	}
	return s.Err()
}

// columnName reads the name of a column; one without a name is a number in pandas.
func (r *Request) columnName() ([]byte, error) {
	s := &r.scan
	switch c := s.Peek(); {
	case c == '"':
		return s.Quoted()
	case c >= '0' && c <= '9':
		_, text, err := s.Number()
		return text, err
	}
	return nil, &Error{Field: "x.columns", Message: "want names, got " + s.Got()}
}

// ofColumns says of a fault of a column that it stands in the list of their names.
func ofColumns(name string, err error) error {
	var e *Error
	if errors.As(err, &e) {
		return &Error{Field: "x.columns", Message: name + ": " + e.Message}
	}
	return err
}

// splitRow is the place of a row of values in the order of the columns.
func (r *Request) splitRow() string {
	if r.form == byPosition {
		return fmt.Sprintf("x[%d]", r.row)
	}
	return fmt.Sprintf("x.data[%d]", r.row)
}

func (r *Request) splitRows() error {
	s := &r.scan
	if s.Peek() != '[' {
		return &Error{Field: "x.data", Message: "want a list of rows, got " + s.Got()}
	}
	if err := s.Open(); err != nil {
		return err
	}
	given := len(r.order)
	for r.row = 0; s.More(']'); r.row++ {
		first := length(r.inputs[0])
		if s.Peek() != '[' {
			return &Error{Field: r.splitRow(), Message: "want a list of the row's values, got " + s.Got()}
		}
		if err := s.Open(); err != nil {
			return err
		}
		n := 0
		for ; s.More(']'); n++ {
			if n == given {
				return &Error{Field: r.splitRow(), Message: fmt.Sprintf("want %s, got more", count(given, "value"))}
			}
			r.nth = n
			if err := r.element(r.inputOf(r.order[n]), r.order[n], 0); err != nil {
				return err
			}
		}
		if err := s.Err(); err != nil {
			return err
		}
		if n < given {
			return &Error{Field: r.splitRow(), Message: fmt.Sprintf("want %s, got %d", count(given, "value"), n)}
		}
		r.order = r.order[:given]
		for k := range r.codec.columns {
			if r.came[k] != r.round {
				if err := r.absent(k, 1); err != nil {
					return ofColumns(r.codec.columns[k], err)
				}
			}
		}
		if len(r.inputs) == 1 {
			reorder(r.inputs[0], first, r.order)
		}
	}
	if err := s.Err(); err != nil {
		return err
	}
	if r.row == 0 {
		return &Error{Field: "x.data", Message: "want at least one row, got none"}
	}
	r.frameRows = r.row
	return nil
}
