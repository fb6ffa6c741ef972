package model

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"unicode/utf8"

	"ml-service/onnx"
)

// describe reads the signature out of the graph: inputs, kind, classes, and the names in the metadata.
func (m *Model) describe() error {
	named, _ := m.graph.(interface {
		Categories(input int) (categories []string, closed bool)
	})
	for i, v := range m.graph.Inputs() {
		in, err := describeInput(v)
		if err != nil {
			return err
		}
		in.Missing = v.Missing && (in.DType.IsFloat() || named != nil) || in.DType.IsFloat() && m.metadata["missing_values"] == "allowed"
		if named != nil {
			in.Categories, in.Closed = named.Categories(i)
		}
		if g, ok := m.graph.(graph); ok {
			in.describeColumns(i, g)
		}
		m.inputs = append(m.inputs, in)
	}
	if len(m.inputs) == 0 {
		return fmt.Errorf("want at least one input, got none")
	}
	if err := m.checkLabels(); err != nil {
		return err
	}
	m.recognise()
	return m.nameFeatures()
}

// describeColumns takes what the graph says of the values of an input.
func (in *Input) describeColumns(input int, g graph) {
	in.Missing = in.Missing || g.Missing(input)
	for _, c := range g.Model.Columns() {
		if c.Input != input {
			continue
		}
		for len(in.Columns) <= c.Index {
			in.Columns = append(in.Columns, Column{Typical: math.NaN()})
		}
		column := &in.Columns[c.Index]
		if column.Closed = c.Closed; c.HasTypical {
			column.Typical = float64(c.Typical)
		}
		if c.Categories != nil {
			for i := range c.Categories.Len() {
				column.Categories = append(column.Categories, c.Categories.Text(i))
			}
		}
	}
	if in.Width == 1 && in.Columns != nil {
		in.Categories, in.Closed = in.Columns[0].Categories, in.Columns[0].Closed
	}
}

func describeInput(v onnx.Value) (Input, error) {
	in := Input{Name: v.Name, DType: v.DType, Rank: len(v.Shape), Width: 1, Shape: slices.Clone(v.Shape)}
	if v.Shape == nil {
		in.Rank, in.Width, in.Row = 2, -1, []int{-1}
		return in, nil
	}
	if in.Rank == 0 {
		return in, fmt.Errorf("input %s: want a dimension for the batch, got a scalar", v.Name)
	}
	in.FixedRows = max(v.Shape[0], 0)
	in.Row = slices.Clone(v.Shape[1:])
	for _, d := range in.Row {
		if d < 0 && in.Rank > 2 {
			return in, fmt.Errorf("input %s: want a fixed shape for a row, got %v", v.Name, v.Shape)
		}
		in.Width *= d
	}
	if in.Rank == 1 {
		in.Row = []int{1}
	}
	return in, nil
}

// recognise finds out what the model answers, and from which outputs.
func (m *Model) recognise() {
	m.kind, m.label, m.scores = Raw, -1, -1
	outputs := m.Outputs()
	if g, ok := m.graph.(interface{ Extra() int }); ok {
		outputs = outputs[:len(outputs)-g.Extra()]
	}
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

// nameFeatures takes feature_names and class_names out of the metadata.
func (m *Model) nameFeatures() error {
	features, err := m.list("feature_names")
	if err != nil {
		return err
	}
	if features != nil {
		if err := m.spreadFeatures(features); err != nil {
			return err
		}
	}
	m.classNames, err = m.list("class_names")
	if err == nil && m.classNames != nil && m.columns != nil && len(m.classNames) != len(m.columns.labels) {
		err = fmt.Errorf("metadata class_names: want one for each of the %d classes, got %d", len(m.columns.labels), len(m.classNames))
	}
	return err
}

// spreadFeatures gives each input the names of its columns. They say how many there are of the one input, if any, whose file leaves
// that open.
func (m *Model) spreadFeatures(features []string) error {
	width, open := 0, -1
	for i, in := range m.inputs {
		switch {
		case in.Width >= 0:
			width += in.Width
		case open >= 0 || in.Rank != 2:
			return fmt.Errorf("metadata feature_names: the number of columns of more than one input is not in the file")
		default:
			open = i
		}
	}
	if open >= 0 && len(features) > width {
		in := &m.inputs[open]
		in.Width = len(features) - width
		in.Row = []int{in.Width}
		if width = len(features); len(in.Shape) == 2 {
			in.Shape[1] = in.Width
		}
	}
	if len(features) != width {
		return fmt.Errorf("metadata feature_names: want one for each of the %d values of a row, got %d", width, len(features))
	}
	for i := range m.inputs {
		in := &m.inputs[i]
		in.Features, features = features[:in.Width:in.Width], features[in.Width:]
	}
	return nil
}

// list reads a metadata value that is a JSON list of strings; nil where the key is absent.
func (m *Model) list(key string) ([]string, error) { return listOf(m.Metadata(), key) }

func listOf(metadata map[string]string, key string) ([]string, error) {
	text, ok := metadata[key]
	if !ok || text == "" {
		return nil, nil
	}
	var names []string
	if err := json.Unmarshal([]byte(text), &names); err != nil {
		return nil, fmt.Errorf("metadata %s: want a JSON list of strings: %w", key, err)
	}
	return names, nil
}

// checkLabels refuses class labels that are not UTF-8: neither JSON nor a metric can say them.
func (m *Model) checkLabels() error {
	for _, v := range m.Outputs() {
		for _, t := range []*onnx.Tensor{v.Labels, v.Classes} {
			if t == nil {
				continue
			}
			for _, label := range t.Str {
				if !utf8.ValidString(label) {
					return fmt.Errorf("output %s: the class label %q is not UTF-8: train with labels that are text, or with numbers", v.Name, label)
				}
			}
		}
	}
	return nil
}
