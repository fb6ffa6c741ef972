package handler

import (
	"encoding/json"
	"math"
	"slices"
	"strconv"

	"ml-service/model"
	"ml-service/onnx"
)

// exampleRow is the x of a request that the model answers: its first golden row, or a row of values that its file knows, with a few that
// most models take where it knows none.
func (s *Service) exampleRow() (string, bool) {
	var golden struct{ X json.RawMessage }
	if s.example != nil && json.Unmarshal(s.example, &golden) == nil && golden.X != nil {
		return string(golden.X), true
	}
	ranges := trainingRanges(s.model)
	for _, text := range []string{"a", "", "0"} {
		for _, number := range []string{"0.5", "0.0", "1.0"} {
			row := tryRow(s.model, proposal{text, number, ranges})
			if _, err := s.answerExample([]byte(`{"x":` + row + `}`)); err == nil {
				return row, true
			}
		}
	}
	return "", false
}

// trainingRanges is what the metadata training_ranges says of columns by name: the least and the largest number, or a list of categories.
// Those of another form are left out.
func trainingRanges(m *model.Model) map[string][]any {
	var members map[string]json.RawMessage
	if json.Unmarshal([]byte(m.Metadata()["training_ranges"]), &members) != nil {
		return nil
	}
	ranges := make(map[string][]any)
	for name, text := range members {
		var values []any
		if json.Unmarshal(text, &values) == nil && len(values) > 0 {
			ranges[name] = values
		}
	}
	return ranges
}

// proposal is what values a row is tried with.
type proposal struct {
	text, number string // where nothing is known
	ranges       map[string][]any
}

// value is the value proposed at place k of a row of an input, as JSON: the first category of its encoder; what the training data held,
// of numbers the middle; or what a scaler or an imputer says of it.
func (p proposal) value(in *model.Input, k int) string {
	var column model.Column
	column.Typical = math.NaN()
	if k < len(in.Columns) {
		column = in.Columns[k]
	} else if in.Width == 1 {
		column.Categories = in.Categories
	}
	name := in.Name
	if k < len(in.Features) {
		name = in.Features[k]
	}
	trained := p.ranges[name]
	if in.DType == onnx.String {
		return quoted(p.textOf(column.Categories, trained))
	}
	if in.DType == onnx.Bool {
		return "true"
	}
	if len(column.Categories) > 0 {
		if v, err := strconv.ParseFloat(column.Categories[0], 64); err == nil && !math.IsNaN(v) {
			return column.Categories[0]
		}
	}
	if len(trained) == 2 {
		low, ok := trained[0].(float64)
		if high, also := trained[1].(float64); ok && also {
			return numberText(in.DType, low/2+high/2)
		}
	}
	if !math.IsNaN(column.Typical) && !math.IsInf(column.Typical, 0) {
		return numberText(in.DType, column.Typical)
	}
	if in.DType.IsInteger() {
		return p.number[:1]
	}
	return p.number
}

func (p proposal) textOf(categories []string, trained []any) string {
	missing := func(category string) bool { return category == "nan" || category == "None" || category == "" }
	if i := slices.IndexFunc(categories, func(c string) bool { return !missing(c) }); i >= 0 {
		return categories[i]
	}
	for _, v := range trained {
		if text, ok := v.(string); ok && !missing(text) {
			return text
		}
	}
	return p.text
}

// numberText writes a proposed number with at most four digits that count; of a whole number, those before the point.
func numberText(d onnx.DType, v float64) string {
	if d.IsInteger() {
		low, high := d.Range()
		return strconv.FormatInt(int64(min(max(math.Round(v), float64(low)), float64(high))), 10)
	}
	if v = round(v); v == math.Trunc(v) && math.Abs(v) < 1e15 {
		return strconv.FormatFloat(v, 'f', 1, 64)
	}
	return strconv.FormatFloat(v, 'g', -1, 64)
}

func round(v float64) float64 {
	r, err := strconv.ParseFloat(strconv.FormatFloat(v, 'g', 4, 64), 64)
	if err != nil {
		return v
	}
	return r
}

// tryRow is a row of the values proposed.
func tryRow(m *model.Model, p proposal) string {
	var values []string
	for i := range m.Inputs() {
		in := &m.Inputs()[i]
		value := ""
		if len(m.Inputs()) == 1 || in.Width != 1 || in.Rank > 2 {
			value = nestedRow(in, p)
		} else {
			value = p.value(in, 0)
		}
		values = append(values, value)
	}
	if len(values) == 1 {
		return values[0]
	}
	row := "{"
	for i, in := range m.Inputs() {
		if i > 0 {
			row += ","
		}
		row += quoted(in.Name) + ":" + values[i]
	}
	return row + "}"
}

func quoted(s string) string {
	b, _ := json.Marshal(s) // a string cannot fail
	return string(b)
}

// nestedRow is a row of in, in lists as deep and as long as its tensor is.
func nestedRow(in *model.Input, p proposal) string {
	dims := []int{max(in.Width, 1)}
	if len(in.Shape) > 2 {
		dims = in.Shape[1:]
	}
	next := 0
	var nest func(level int) []byte
	nest = func(level int) []byte {
		if level == len(dims) {
			next++
			return []byte(p.value(in, next-1))
		}
		row := []byte{'['}
		for k := range max(dims[level], 1) {
			if k > 0 {
				row = append(row, ',')
			}
			row = append(row, nest(level+1)...)
		}
		return append(row, ']')
	}
	return string(nest(0))
}
