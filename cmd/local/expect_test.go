package main_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
)

// recorded is what an output must be: the runtime's, or the library's where that is the truth.
func (f *fixture) recorded(c testCase, output int) tensor {
	name := f.Outputs[output].Name
	t := c.Outputs[name]
	if truth, ok := c.Library[name]; ok && f.Expect == "library" {
		t.Data = truth.Data
	}
	return t
}

func (f *fixture) check(c testCase, text []byte) error {
	var got struct {
		Version     string
		Predictions []json.RawMessage
		Outputs     map[string]json.RawMessage
	}
	if err := json.Unmarshal(text, &got); err != nil {
		return err
	}
	if got.Version != "v1.0.0" {
		return fmt.Errorf("version %q", got.Version)
	}
	kind := f.kind()
	if kind == "raw" {
		return f.checkOutputs(c, got.Outputs)
	}
	if c.rows() == 1 {
		got.Predictions = []json.RawMessage{text}
	}
	if len(got.Predictions) != c.rows() {
		return fmt.Errorf("%d predictions for %d rows", len(got.Predictions), c.rows())
	}
	for i, one := range got.Predictions {
		var p struct{ Prediction, Confidence json.RawMessage }
		if err := json.Unmarshal(one, &p); err != nil {
			return err
		}
		var err error
		if kind == "classifier" {
			err = f.checkClass(c, i, p.Prediction, p.Confidence)
		} else {
			err = f.checkValue(c, i, p.Prediction, p.Confidence)
		}
		if err != nil {
			return fmt.Errorf("row %d: %w", i, err)
		}
	}
	return nil
}

// checkClass compares a row of a classifier: the label, and the confidence where there must be one.
func (f *fixture) checkClass(c testCase, i int, prediction, confidence []byte) error {
	label := f.recorded(c, 0).Data[i]
	if err := same(prediction, label, exactness{}); err != nil {
		return fmt.Errorf("prediction: %w", err)
	}
	scores := f.recorded(c, 1)
	width := scores.Shape[1]
	row := scores.Data[i*width : (i+1)*width]
	column := slices.IndexFunc(f.labels(scores, width), func(l string) bool { return l == string(label) })
	sum, inside := 0.0, column >= 0
	for _, s := range row {
		v := number(s)
		sum += v
		inside = inside && v >= -1e-3 && v <= 1+1e-3 // sums of float32
	}
	if !inside || width < 2 || math.Abs(sum-1) > 1e-3 {
		if confidence != nil {
			return fmt.Errorf("confidence %s for scores %s of which %s is none, want it absent", confidence, row, label)
		}
		return nil
	}
	e := f.Outputs[1].Exactness
	want := number(row[column])
	by := e.Absolute + e.Relative*want
	clamped := func(p float64) string { return rounded(min(max(p, 0), 1)) }
	if low, high := clamped(want-by), clamped(want+by); string(confidence) != low && string(confidence) != high {
		return fmt.Errorf("confidence %q, want %s", confidence, clamped(want))
	}
	return nil
}

// labels are the labels of the columns of scores, as JSON.
func (f *fixture) labels(scores tensor, width int) []string {
	labels := make([]string, width)
	for i := range labels {
		labels[i] = strconv.Itoa(i)
		if scores.Keys != nil {
			labels[i] = string(scores.Keys[i])
		}
	}
	for prefix, special := range classLabels {
		if strings.HasPrefix(f.Name, prefix) && scores.Keys == nil {
			return special
		}
	}
	return labels
}

// rounded is v with three decimals in its shortest form, which for a whole number still has one.
func rounded(v float64) string {
	s := strings.TrimRight(strconv.FormatFloat(v, 'f', 3, 64), "0")
	if strings.HasSuffix(s, ".") {
		s += "0"
	}
	return strings.TrimPrefix(s, "-")
}

// checkValue compares a row of a regressor: a number, or a list of them for several targets.
func (f *fixture) checkValue(c testCase, i int, prediction, confidence []byte) error {
	if confidence != nil {
		return errors.New("a regressor with a confidence")
	}
	t := f.recorded(c, 0)
	width := len(t.Data) / c.rows()
	if width == 1 {
		return same(prediction, t.Data[i], f.Outputs[0].Exactness)
	}
	var list []json.RawMessage
	if err := json.Unmarshal(prediction, &list); err != nil || len(list) != width {
		return fmt.Errorf("prediction %s, want a list of %d", prediction, width)
	}
	for j, got := range list {
		if err := same(got, t.Data[i*width+j], f.Outputs[0].Exactness); err != nil {
			return fmt.Errorf("target %d: %w", j, err)
		}
	}
	return nil
}

// checkOutputs compares all outputs by name. One row is answered without the dimension of the batch.
func (f *fixture) checkOutputs(c testCase, got map[string]json.RawMessage) error {
	if len(got) != len(f.Outputs) {
		return fmt.Errorf("%d outputs, want %d", len(got), len(f.Outputs))
	}
	for i, o := range f.Outputs {
		t := f.recorded(c, i)
		shape, keys := t.Shape, []string(nil)
		if len(shape) == 3 && shape[1] == c.rows() && shape[0] != c.rows() || strings.HasSuffix(f.Name, "_multi_output") && len(shape) == 3 {
			t.Data, shape = rowsFirst(t.Data, shape), []int{shape[1], shape[0], shape[2]} // a forest of several labels puts these first
		}
		if c.rows() == 1 && shape[0] == 1 && !slices.Contains(keepsRows, f.Name) {
			shape = shape[1:]
		}
		for _, k := range t.Keys {
			keys = append(keys, strings.Trim(string(k), `"`))
		}
		values, err := flat(got[o.Name], shape, keys)
		if err != nil {
			return fmt.Errorf("output %s: %w", o.Name, err)
		}
		for j, v := range values {
			if err := same(v, t.Data[j], o.Exactness); err != nil {
				return fmt.Errorf("output %s: element %d: %w", o.Name, j, err)
			}
		}
	}
	return nil
}

// rowsFirst swaps the first two dimensions of three.
func rowsFirst[T any](data []T, shape []int) []T {
	var swapped []T
	for row := range shape[1] {
		for label := range shape[0] {
			at := (label*shape[1] + row) * shape[2]
			swapped = append(swapped, data[at:at+shape[2]]...)
		}
	}
	return swapped
}

// flat reads nested lists of a shape; where keys name the columns, a row is an object.
func flat(text []byte, shape []int, keys []string) ([]json.RawMessage, error) {
	if len(shape) == 0 {
		return []json.RawMessage{text}, nil
	}
	var list []json.RawMessage
	if len(shape) == 1 && keys != nil {
		var row map[string]json.RawMessage
		if err := json.Unmarshal(text, &row); err != nil {
			return nil, err
		}
		for _, k := range keys {
			if row[k] != nil {
				list = append(list, row[k])
			}
		}
		if len(list) != len(row) {
			return nil, fmt.Errorf("keys %v, want %v", slices.Collect(maps.Keys(row)), keys)
		}
	} else if err := json.Unmarshal(text, &list); err != nil {
		return nil, err
	}
	if len(list) != shape[0] {
		return nil, fmt.Errorf("%d elements where the shape is %v", len(list), shape)
	}
	var all []json.RawMessage
	for _, v := range list {
		part, err := flat(v, shape[1:], keys)
		if err != nil {
			return nil, err
		}
		all = append(all, part...)
	}
	return all, nil
}

// same compares a value of an answer with a recorded one. Numbers have a point; what is not finite is null.
func same(got, want []byte, by exactness) error {
	switch {
	case want[0] == '"' && slices.Contains([]string{`"NaN"`, `"+Inf"`, `"-Inf"`}, string(want)):
		if string(got) != "null" {
			return fmt.Errorf("got %s, want null for %s", got, want)
		}
	case want[0] == '"', string(want) == "true", string(want) == "false":
		if !bytes.Equal(got, want) {
			return fmt.Errorf("got %s, want %s", got, want)
		}
	default:
		if !bytes.ContainsAny(got, ".e") {
			return fmt.Errorf("got %s, want a number with a point", got)
		}
		g, err := strconv.ParseFloat(string(got), 64)
		if w := number(want); err != nil || !(math.Abs(g-w) <= by.Absolute+by.Relative*math.Abs(w)) || g == 0 && w == 0 && math.Signbit(g) != math.Signbit(w) && by.Absolute == 0 {
			return fmt.Errorf("got %s, want %s within %v", got, want, by)
		}
	}
	return nil
}

func number(text []byte) float64 {
	v, err := strconv.ParseFloat(strings.Trim(string(text), `"`), 64)
	if err != nil {
		panic(err)
	}
	return v
}
