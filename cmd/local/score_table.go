package main

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"ml-service/handler/scan"
	"ml-service/model"
	"ml-service/onnx"
)

// table scores CSV: which column of the file is which value of a row.
type table struct {
	model  *model.Model
	fields []field // one a column of the file
}

// field is where a column of the file goes: value at of a row of an input.
type field struct {
	name      string
	input, at int // input -1: nowhere
}

// newTable reads the header. ignored are the columns that the model does not have.
func newTable(m *model.Model, header []byte) (t *table, ignored []string, err error) {
	t = &table{model: m}
	names, err := split(nil, bytes.TrimRight(header, "\r\n"))
	if err != nil {
		return nil, nil, fmt.Errorf("line 1: %w", err)
	}
	places, err := placesOf(m)
	if err != nil {
		return nil, nil, err
	}
	if places[0].name == "" {
		if len(names) != len(places) {
			return nil, nil, fmt.Errorf("the header has %d columns; the model takes %d values, whose names it does not say", len(names), len(places))
		}
		for i, name := range names {
			places[i].name = string(name)
		}
		t.fields = places
		return t, nil, nil
	}
	byName := make(map[string]field, len(places))
	for _, p := range places {
		byName[p.name] = p
	}
	seen := make(map[string]bool, len(names))
	for _, text := range names {
		name := string(text)
		f, ok := byName[name]
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
	var absent []string
	for _, p := range places {
		if !seen[p.name] {
			absent = append(absent, p.name)
		}
	}
	if len(absent) > 0 {
		return nil, nil, fmt.Errorf("the header has no column %s", quotedList(absent))
	}
	return t, ignored, nil
}

// placesOf are the values of a row in the order of the inputs. They have no names where the model has one input and names none.
func placesOf(m *model.Model) (places []field, err error) {
	inputs := m.Inputs()
	for k, in := range inputs {
		if in.Width < 1 || in.Rank > 2 || in.FixedRows > 0 {
			return nil, fmt.Errorf("input %s takes %s: such a model is not scored from CSV", in.Name, shapeText(in.Shape))
		}
		for i := range in.Width {
			p := field{input: k, at: i}
			switch {
			case in.Features != nil:
				p.name = in.Features[i]
			case len(inputs) > 1 && in.Width == 1:
				p.name = in.Name
			case len(inputs) > 1:
				return nil, fmt.Errorf("input %s has %d values without names: feature_names in metadata.json gives them", in.Name, in.Width)
			}
			places = append(places, p)
		}
	}
	return places, nil
}

func quotedList(names []string) string {
	const most = 20
	if more := len(names) - most; more > 0 {
		names = append(append([]string(nil), names[:most]...), fmt.Sprintf("%d more", more))
	}
	return fmt.Sprintf("%q", names)
}

// rowsAtOnce are run together.
const rowsAtOnce = 512

func (t *table) score(dst []byte, p piece) (answers []byte, rows int64, err error) {
	b := t.model.Batch()
	defer b.Release()
	var cells [][]byte
	var at [rowsAtOnce]int64 // the line of each row
	for next := p.lines; len(p.text) > 0; {
		t.resize(b, rowsAtOnce)
		n := 0
		for len(p.text) > 0 && n < rowsAtOnce {
			line, rest := cutLine(p.text, true)
			at[n] = next + 1
			next += int64(bytes.Count(p.text[:len(p.text)-len(rest)], []byte("\n")))
			if p.text = rest; len(line) == 0 {
				continue
			}
			if cells, err = split(cells[:0], line); err == nil {
				err = t.fill(b, n, cells)
			}
			if err != nil {
				return dst, rows, fmt.Errorf("line %d: %w", at[n], err)
			}
			n++
		}
		if n == 0 {
			break
		}
		t.resize(b, n)
		if err := b.Run(nil); err != nil {
			return dst, rows, t.refused(err, at[:n])
		}
		dst = t.append(dst, b, n)
		rows += int64(n)
	}
	return dst, rows, nil
}

// refused says at which line and column the value stands that the model refuses.
func (t *table) refused(err error, at []int64) error {
	var e *onnx.RunError
	if !errors.As(err, &e) || len(e.Element) == 0 || e.Element[0] >= len(at) {
		return err
	}
	column := 0
	if len(e.Element) > 1 {
		column = e.Element[1]
	}
	for _, f := range t.fields {
		if f.input >= 0 && t.model.Inputs()[f.input].Name == e.Input && f.at == column {
			return fmt.Errorf("line %d: column %q: %s", at[e.Element[0]], f.name, e.Message)
		}
	}
	return fmt.Errorf("line %d: %w", at[e.Element[0]], err)
}

// resize gives the inputs so many rows.
func (t *table) resize(b *model.Batch, rows int) {
	for k, in := range t.model.Inputs() {
		if in.Rank == 1 {
			b.Input(k).Resize(rows)
		} else {
			b.Input(k).Resize(rows, in.Width)
		}
	}
}

// fill puts the cells of a line into their places in a row.
func (t *table) fill(b *model.Batch, row int, cells [][]byte) error {
	if len(cells) != len(t.fields) {
		return fmt.Errorf("want %d fields, got %d", len(t.fields), len(cells))
	}
	for i := range t.fields {
		f := &t.fields[i]
		if f.input < 0 {
			continue
		}
		in := &t.model.Inputs()[f.input]
		if err := setCell(b.Input(f.input), row*in.Width+f.at, in, cells[i]); err != nil {
			return fmt.Errorf("column %q: %w", f.name, err)
		}
	}
	return nil
}

// missing are the words for a missing value, beside nothing at all, that pandas and R write.
func missing(cell []byte) bool {
	switch string(cell) {
	case "", "NaN", "nan", "NA", "null", "None":
		return true
	}
	return false
}

func setCell(t *onnx.Tensor, i int, in *model.Input, cell []byte) error {
	switch d := in.DType; {
	case d == onnx.String:
		t.Str[i] = string(cell)
		if in.Missing && len(cell) == 0 && !slices.Contains(in.Categories, "") {
			t.Str[i] = model.MissingText
		}
		return nil
	case d == onnx.Bool:
		v, err := strconv.ParseBool(strings.ToLower(string(cell)))
		if err != nil {
			return fmt.Errorf("want true or false, got %q", clip(cell))
		}
		t.Bool[i] = v
		return nil
	case d.IsFloat() && in.Missing && missing(cell):
		if d == onnx.Float32 {
			t.F32[i] = float32(math.NaN())
		} else {
			t.F64[i] = math.NaN()
		}
		return nil
	case d == onnx.Float32:
		f, err := float(cell, 32)
		t.F32[i] = float32(f)
		return err
	case d == onnx.Float64:
		f, err := float(cell, 64)
		t.F64[i] = f
		return err
	default:
		n, end := scan.ReadNumber(cell, 0)
		magnitude, whole, fits := n.Whole()
		v, ok := d.Integer(magnitude, n.Negative())
		if end != len(cell) || !whole || !fits || !ok {
			return fmt.Errorf("want a whole number in the range of %s, got %q", d, clip(cell))
		}
		t.I64[i] = v
		return nil
	}
}

// float reads a number, rounded once.
func float(cell []byte, bits int) (float64, error) {
	if n, end := scan.ReadNumber(cell, 0); end == len(cell) && end > 0 {
		if bits == 32 {
			if f, ok := n.Float32(cell); ok {
				return float64(f), nil
			}
		} else if f, ok := n.Float64(cell); ok {
			return f, nil
		}
	}
	f, err := strconv.ParseFloat(string(cell), bits)
	if err != nil || f != f {
		what := "a number"
		if missing(cell) {
			what = "a number, and the model handles no missing value here"
		}
		return 0, fmt.Errorf("want %s, got %q", what, clip(cell))
	}
	return f, nil
}

func clip(cell []byte) string { return string(cell[:min(len(cell), 40)]) }

// split takes a line apart at its commas. A field in quotes may hold commas, line breaks, and quotes that are doubled.
func split(cells [][]byte, line []byte) ([][]byte, error) {
	for {
		if len(line) == 0 || line[0] != '"' {
			end := bytes.IndexByte(line, ',')
			if end < 0 {
				return append(cells, line), nil
			}
			cells, line = append(cells, line[:end]), line[end+1:]
			continue
		}
		cell, rest, err := unquoted(line)
		if err != nil {
			return nil, err
		}
		if cells = append(cells, cell); len(rest) == 0 {
			return cells, nil
		}
		line = rest[1:]
	}
}

// unquoted takes a field in quotes; rest is empty or begins with the comma behind it.
func unquoted(line []byte) (cell, rest []byte, err error) {
	rest = line[1:]
	for {
		end := bytes.IndexByte(rest, '"')
		if end < 0 {
			return nil, nil, fmt.Errorf("a quote that is not closed: %q", clip(line))
		}
		cell, rest = append(cell, rest[:end]...), rest[end+1:]
		switch {
		case len(rest) == 0 || rest[0] == ',':
			return cell, rest, nil
		case rest[0] != '"':
			return nil, nil, fmt.Errorf("want a comma behind a closing quote, got %q", clip(rest))
		}
		cell, rest = append(cell, '"'), rest[1:]
	}
}
