package model

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"ml-service/onnx"
)

// describe reads the signature out of the graph: inputs, kind, classes, and the names in the metadata.
func (m *Model) describe() error {
	m.byName = make(map[string]int)
	for _, v := range m.graph.Inputs() {
		in, err := describeInput(v)
		if err != nil {
			return err
		}
		in.Missing = in.DType.IsFloat() && (v.Missing || m.Metadata()["missing_values"] == "allowed")
		m.byName[in.Name] = len(m.inputs)
		m.inputs = append(m.inputs, in)
	}
	if len(m.inputs) == 0 {
		return fmt.Errorf("want at least one input, got none")
	}
	for _, v := range m.Outputs() {
		m.names = append(m.names, append(appendString(nil, v.Name), ':'))
	}
	m.tail = append(appendString([]byte(`,"version":`), m.version), '}')
	m.recognise()
	return m.nameFeatures()
}

func describeInput(v onnx.Value) (Input, error) {
	in := Input{Name: v.Name, DType: v.DType, Rank: len(v.Shape), Width: 1, Shape: slices.Clone(v.Shape)}
	if v.Shape == nil {
		in.Rank, in.Width, in.dims = 2, -1, []int{-1}
		return in, nil
	}
	if in.Rank == 0 {
		return in, fmt.Errorf("input %s: want a dimension for the batch, got a scalar", v.Name)
	}
	in.fixed = max(v.Shape[0], 0)
	in.dims = slices.Clone(v.Shape[1:])
	for _, d := range in.dims {
		if d < 0 && in.Rank > 2 {
			return in, fmt.Errorf("input %s: want a fixed shape for a row, got %v", v.Name, v.Shape)
		}
		in.Width *= d
	}
	if in.Rank == 1 {
		in.dims = []int{1}
	}
	return in, nil
}

// recognise finds out what the model answers, and from which outputs.
func (m *Model) recognise() {
	m.kind, m.label, m.scores = Raw, -1, -1
	outputs := m.Outputs()
	switch len(outputs) {
	case 1:
		v := outputs[0]
		switch {
		case isLabel(v) && (v.Role == onnx.Label || v.DType == onnx.String):
			m.kind, m.label = Classifier, 0
		case perRow(v) && v.DType != onnx.String && v.DType != onnx.Bool:
			m.kind, m.targets = Regressor, 1
		case len(v.Shape) == 2 && v.Shape[1] > 1 && v.DType.IsFloat() && v.Role == onnx.Targets:
			m.kind, m.targets = Regressor, v.Shape[1]
		}
	case 2:
		for label, scores := range []int{1, 0} {
			if isLabel(outputs[label]) && isScores(outputs[scores]) {
				m.kind, m.label, m.scores = Classifier, label, scores
				m.columns = columnsOf(outputs[scores])
				return
			}
		}
	}
}

// perRow says whether v holds one value a row.
func perRow(v onnx.Value) bool {
	return len(v.Shape) == 1 || len(v.Shape) == 2 && v.Shape[1] == 1
}

// isLabel says whether v may be a predicted class: one a row. Where the graph says so, [1, N] is that as well.
func isLabel(v onnx.Value) bool {
	return (v.DType.IsInteger() || v.DType == onnx.String) && (perRow(v) || v.Role == onnx.Label && len(v.Shape) != 1)
}

func isScores(v onnx.Value) bool {
	return v.DType.IsFloat() && (len(v.Shape) == 2 || v.Shape == nil && v.Role == onnx.Scores)
}

// columns finds the score of a label.
type columns struct {
	labels []string
	ints   map[int64]int
	texts  map[string]int
	plain  bool // the labels are 0, 1, 2, …
}

// columnsOf reads the labels of the columns of v; nil where they are not known.
func columnsOf(v onnx.Value) *columns {
	labels := v.Labels
	if labels == nil {
		labels = v.Classes
	}
	if labels == nil {
		return nil
	}
	c := &columns{plain: labels.DType.IsInteger()}
	if labels.DType == onnx.String {
		c.texts = make(map[string]int)
		for i, s := range labels.Str {
			c.labels = append(c.labels, s)
			c.texts[s] = i
		}
		return c
	}
	c.ints = make(map[int64]int)
	for i, n := range labels.I64 {
		c.labels = append(c.labels, strconv.FormatInt(n, 10))
		c.ints[n] = i
		c.plain = c.plain && n == int64(i)
	}
	return c
}

// find gives the column of element i of the label tensor t; -1: none.
func (c *columns) find(t *onnx.Tensor, i int) int {
	if t.DType == onnx.String {
		if k, ok := c.texts[t.Str[i]]; ok {
			return k
		}
		return -1
	}
	n := t.I64[i]
	if c.plain {
		if n >= 0 && n < int64(len(c.labels)) {
			return int(n)
		}
		return -1
	}
	if k, ok := c.ints[n]; ok {
		return k
	}
	return -1
}

// nameFeatures takes feature_names and class_names out of the metadata.
func (m *Model) nameFeatures() error {
	features, err := m.list("feature_names")
	if err != nil {
		return err
	}
	width := 0
	for _, in := range m.inputs {
		if in.Width < 0 {
			return nil
		}
		width += in.Width
	}
	if features != nil && len(features) != width {
		return fmt.Errorf("metadata feature_names: want %s, one a value of a row, got %d", count(width, "name"), len(features))
	}
	for i := range m.inputs {
		if features != nil {
			m.inputs[i].Features, features = features[:m.inputs[i].Width:m.inputs[i].Width], features[m.inputs[i].Width:]
		}
	}
	m.classNames, err = m.list("class_names")
	if err == nil && m.classNames != nil && m.columns != nil && len(m.classNames) != len(m.columns.labels) {
		err = fmt.Errorf("metadata class_names: want %s, one a class, got %d", count(len(m.columns.labels), "name"), len(m.classNames))
	}
	return err
}

// list reads a metadata value that is a JSON list of strings; nil where the key is absent.
func (m *Model) list(key string) ([]string, error) {
	text, ok := m.Metadata()[key]
	if !ok || text == "" {
		return nil, nil
	}
	var names []string
	if err := json.Unmarshal([]byte(text), &names); err != nil {
		return nil, fmt.Errorf("metadata %s: want a JSON list of strings: %w", key, err)
	}
	return names, nil
}

func (in *Input) noun() string {
	switch {
	case in.DType == onnx.String:
		return "string"
	case in.DType == onnx.Bool:
		return "boolean"
	case in.DType.IsInteger():
		return "whole number"
	}
	return "number"
}

// wants says what one row of the input is.
func (in *Input) wants() string {
	if in.Width == 1 {
		return "a " + in.noun()
	}
	return in.wantsList(in.Width)
}

func (in *Input) wantsList(n int) string {
	switch {
	case len(in.dims) > 1 && n != in.dims[len(in.dims)-1]:
		return "a list of " + count(n, "list")
	case n < 0:
		return "a list of " + in.noun() + "s"
	}
	return "a list of " + count(n, in.noun())
}

func (in *Input) wantsCount(want, got int) string {
	if got == 0 {
		return "want " + count(want, in.noun()) + ", got none"
	}
	return fmt.Sprintf("want %s, got %d", count(want, in.noun()), got)
}

// wants says what x is.
func (m *Model) wants() string {
	if len(m.inputs) == 1 {
		return m.inputs[0].wantsList(m.inputs[0].Width)
	}
	return m.wantsObject()
}

func (m *Model) wantsObject() string { return "an object with " + m.inputNames() }

func (m *Model) inputNames() string {
	const most = 20
	var names []string
	for _, in := range m.inputs {
		names = append(names, in.Name)
	}
	if len(names) > most {
		names = append(names[:most], fmt.Sprintf("… (%d in all)", len(m.inputs)))
	}
	return strings.Join(names, ", ")
}
