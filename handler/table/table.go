// Package table is CSV rows on their way into a batch of a model, and its answers as CSV. Both the command that scores a file and
// the routes that take CSV stand on it.
package table

import (
	"bytes"
	"errors"
	"fmt"
	"slices"

	"ml-service/model"
	"ml-service/onnx"
)

// Table takes lines of CSV for one model. It is immutable.
type Table struct {
	model  *model.Model
	fields []field // one a column of the lines
	absent []field // values that no column has, each missing in every row
	byName bool    // the columns have the model's own names
}

// field is where a column goes: value at of a row of an input.
type field struct {
	name      string
	input, at int // input -1: nowhere
	empty     empty
}

// Error is a line, or a header, that does not fit the model.
type Error struct {
	Column  string // its name; empty where it has none
	Nth     int    // the column's place in the line; -1: the line itself
	Message string // what was expected and what was got
}

func (e *Error) Error() string {
	switch {
	case e.Nth < 0:
		return e.Message
	case e.Column == "":
		return fmt.Sprintf("column %d: %s", e.Nth+1, e.Message)
	}
	return fmt.Sprintf("column %q: %s", e.Column, e.Message)
}

// InOrder takes lines without a header: the values of a row in the order of the model's inputs.
func InOrder(m *model.Model) (*Table, error) {
	places, byName, err := placesOf(m)
	if err != nil {
		return nil, err
	}
	return &Table{model: m, fields: places, byName: byName}, nil
}

// IsHeader says whether a line names columns of the model, and so is no row.
func (t *Table) IsHeader(line []byte) bool {
	cells, err := Split(nil, line)
	if err != nil || !t.byName {
		return false
	}
	for _, cell := range cells {
		for i := range t.fields {
			if t.fields[i].name == string(cell) {
				return true
			}
		}
	}
	return false
}

// Named takes lines below a header. ignored are its columns that the model does not have. A value that has no column is missing in
// every row where the model handles that; beside ignored columns it is an error all the same, for one of them may be it, misspelt.
func Named(m *model.Model, header []byte) (t *Table, ignored []string, err error) {
	t = &Table{model: m}
	names, err := Split(nil, bytes.TrimRight(header, "\r\n"))
	if err != nil {
		return nil, nil, err
	}
	places, byName, err := placesOf(m)
	if err != nil {
		return nil, nil, err
	}
	if !byName {
		if len(names) != len(places) {
			return nil, nil, fmt.Errorf("the header has %d columns; the model takes %d values, whose names it does not say%s", len(names), len(places), separator(names))
		}
		for i, name := range names {
			places[i].name = string(name)
		}
		t.fields = places
		return t, nil, nil
	}
	t.byName = true
	known := make(map[string]field, len(places))
	for _, p := range places {
		known[p.name] = p
	}
	seen := make(map[string]bool, len(names))
	for _, text := range names {
		name := string(text)
		f, ok := known[name]
		switch {
		case !ok:
			f = field{name: name, input: -1}
			ignored = append(ignored, name)
		case seen[name]:
			return nil, nil, fmt.Errorf("the header has column %q twice", name)
		}
		seen[name] = true
		t.fields = append(t.fields, f)
	}
	var want []string
	inputs := m.Inputs()
	columns := len(inputs) == 1 || !slices.ContainsFunc(inputs, func(in model.Input) bool { return in.Width != 1 })
	for _, p := range places {
		switch {
		case seen[p.name]:
		case columns && inputs[p.input].Missing:
			t.absent = append(t.absent, p)
		default:
			want = append(want, p.name)
		}
	}
	switch {
	case len(want) > 0:
	case len(t.absent) == len(places):
		want = t.Absent()
	case len(t.absent) > 0 && len(ignored) > 0:
		return nil, nil, fmt.Errorf("the header has no column %s, but %s, which the model does not have: leave one or the other out, or add the column with empty fields", QuotedList(t.Absent()), QuotedList(ignored))
	}
	if len(want) > 0 {
		return nil, nil, fmt.Errorf("the header has no column %s%s", QuotedList(want), separator(names))
	}
	return t, ignored, nil
}

// Absent are the names of the values that are missing in every row, having no column.
func (t *Table) Absent() (names []string) {
	for i := range t.absent {
		names = append(names, t.absent[i].name)
	}
	return names
}

// separator says of a line whose cells were not parted by commas what they may be parted by; empty: nothing.
func separator(cells [][]byte) string {
	if len(cells) == 1 {
		if i := bytes.IndexAny(cells[0], ";\t|"); i >= 0 {
			return fmt.Sprintf("; want commas between the columns, got %q", cells[0][i])
		}
	}
	return ""
}

// placesOf are the values of a row in the order of the inputs. byName: they have names, as all have but those
// of one input whose values the file does not name.
func placesOf(m *model.Model) (places []field, byName bool, err error) {
	inputs := m.Inputs()
	for k, in := range inputs {
		if in.Width < 1 || in.Rank > 2 || in.FixedRows > 0 {
			return nil, false, fmt.Errorf("input %s takes %s: such a model takes no CSV", in.Name, onnx.ShapeText(in.Shape))
		}
		for i := range in.Width {
			p := field{input: k, at: i, empty: emptyOf(&in, i)}
			switch {
			case in.Features != nil:
				p.name = in.Features[i]
			case len(inputs) > 1 && in.Width == 1:
				p.name = in.Name
			case len(inputs) > 1:
				return nil, false, fmt.Errorf("input %s has %d values without names: feature_names in metadata.json gives them", in.Name, in.Width)
			}
			places = append(places, p)
		}
	}
	return places, places[0].name != "", nil
}

// QuotedList writes names for a message, the first of many.
func QuotedList(names []string) string {
	const most = 20
	if more := len(names) - most; more > 0 {
		names = append(append([]string(nil), names[:most]...), fmt.Sprintf("%d more", more))
	}
	return fmt.Sprintf("%q", names)
}

// Refused says at which row and column the value stands that the model refuses: an *Error. row is -1 where err is none of a value.
func (t *Table) Refused(err error) (row int, at *Error) {
	var e *onnx.RunError
	if !errors.As(err, &e) || len(e.Element) == 0 {
		return -1, nil
	}
	for i := range t.model.Inputs() {
		if t.model.Inputs()[i].Name != e.Input {
			continue
		}
		if nth := t.Nth(i, e.Element); nth >= 0 {
			return e.Element[0], t.wrong(nth, e.Message)
		}
	}
	return e.Element[0], &Error{Nth: -1, Message: e.Error()}
}

// Nth is the place in the line of the column that has an element of an input; -1: none has it.
func (t *Table) Nth(input int, element []int) int {
	at := 0
	if len(element) > 1 {
		at = element[1]
	}
	return slices.IndexFunc(t.fields, func(f field) bool { return f.input == input && f.at == at })
}

// Column is the name of that column; empty where it has none.
func (t *Table) Column(nth int) string { return t.fields[nth].name }

func (t *Table) wrong(nth int, message string) *Error {
	return &Error{Column: t.fields[nth].name, Nth: nth, Message: message}
}

// Resize gives the inputs of a batch so many rows.
func (t *Table) Resize(b *model.Batch, rows int) {
	for k, in := range t.model.Inputs() {
		if in.Rank == 1 {
			b.Input(k).Resize(rows)
		} else {
			b.Input(k).Resize(rows, in.Width)
		}
	}
}

// Fill puts the cells of a line into their places in a row. A failure is an *Error.
func (t *Table) Fill(b *model.Batch, row int, cells [][]byte) error {
	if len(cells) != len(t.fields) {
		return &Error{Nth: -1, Message: fmt.Sprintf("want %d fields, got %d%s", len(t.fields), len(cells), separator(cells))}
	}
	for i := range t.fields {
		f := &t.fields[i]
		if f.input < 0 {
			continue
		}
		in := &t.model.Inputs()[f.input]
		if err := setCell(b.Input(f.input), row*in.Width+f.at, in, f.empty, cells[i]); err != nil {
			return t.wrong(i, err.Error())
		}
	}
	for i := range t.absent {
		f := &t.absent[i]
		setMissing(b.Input(f.input), row*t.model.Inputs()[f.input].Width+f.at)
	}
	return nil
}
