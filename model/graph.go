package model

import (
	"slices"

	"ml-service/onnx"
)

// graph is an ONNX model as an evaluator.
type graph struct {
	*onnx.Model
	nulls [][]string // per input of strings: by value of a row, the category that null stands for; nil: none
}

func newGraph(m *onnx.Model) graph {
	g := graph{Model: m, nulls: make([][]string, len(m.Inputs()))}
	for _, c := range m.Columns() {
		in := &m.Inputs()[c.Input]
		if c.Categories == nil || in.DType != onnx.String {
			continue
		}
		if text := nullAmong(c.Categories.Str); text != "" {
			for len(g.nulls[c.Input]) <= c.Index {
				g.nulls[c.Input] = append(g.nulls[c.Input], "")
			}
			g.nulls[c.Input][c.Index] = text
		}
	}
	return g
}

// nullAmong is the category that stands for a missing value: exporters write NaN as nan and Python's None by its name. Where both are
// there, NaN is what pandas reads out of a table.
func nullAmong(categories []string) string {
	for _, text := range []string{"nan", "None"} {
		if slices.Contains(categories, text) {
			return text
		}
	}
	return ""
}

// Missing says whether null stands for a category in one of the values of an input of strings.
func (g graph) Missing(input int) bool { return g.nulls[input] != nil }

func (g graph) NewSession() session {
	s := &graphSession{Session: g.Model.NewSession(), g: g}
	for i, nulls := range g.nulls {
		if nulls != nil {
			s.nullable = append(s.nullable, i)
		}
	}
	return s
}

// graphSession runs a graph.
type graphSession struct {
	*onnx.Session
	g        graph
	nullable []int // the inputs in which null may stand
}

// Run puts the category of missing values where they are, and runs the graph.
func (s *graphSession) Run() error {
	for _, i := range s.nullable {
		if err := s.fill(i); err != nil {
			return err
		}
	}
	return s.Session.Run()
}

func (s *graphSession) fill(i int) error {
	t, nulls := s.Input(i), s.g.nulls[i]
	width := 1
	for _, d := range t.Shape[min(1, len(t.Shape)):] {
		width *= d
	}
	for k, text := range t.Str {
		if text != MissingText {
			continue
		}
		column := k % width
		if column >= len(nulls) || nulls[column] == "" {
			element := []int{k / width}
			if len(t.Shape) == 2 {
				element = append(element, column)
			}
			return &onnx.RunError{Input: s.g.Inputs()[i].Name, Element: element, Message: "want a string, got null, and the model handles no missing value here"}
		}
		t.Str[k] = nulls[column]
	}
	return nil
}
