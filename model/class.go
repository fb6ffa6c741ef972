package model

import (
	"math"
	"strconv"

	"ml-service/onnx"
)

// columns finds the score of a label.
type columns struct {
	labels  []string
	ints    map[int64]int
	texts   map[string]int
	indices bool // the labels are 0, 1, 2, …, so that each is its own column
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
	c := &columns{indices: labels.DType.IsInteger()}
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
		c.indices = c.indices && n == int64(i)
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
	if c.indices {
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

// classify finds the class of every row that a session of a classifier with scores has run.
func (m *Model) classify(s session, classes []Class) {
	label, scores := s.Output(m.label), s.Output(m.scores)
	for row := range classes {
		classes[row] = m.class(label, scores, row)
	}
}

// rounding is how far sums of float32 may be off: a forest's 30 leaves of 1/30 add up to 1.0000004, and to -3.6e-7 for the other class.
const rounding = 1e-3

// class finds the column of a row's label and, where the row's scores are a distribution, its score.
func (m *Model) class(label, scores *onnx.Tensor, row int) Class {
	column := m.column(label, scores, row)
	if column < 0 {
		return unknown
	}
	c := Class{Column: column, Confidence: -1}
	width, sum := scores.Shape[1], 0.0
	for k := row * width; k < (row+1)*width; k++ {
		s := floatAt(scores, k)
		if !(s >= -rounding && s <= 1+rounding) {
			return c
		}
		sum += s
	}
	if math.Abs(sum-1) <= rounding {
		c.Confidence = min(max(floatAt(scores, row*width+column), 0), 1)
	}
	return c
}

// column is the column of the scores that holds the label of a row; -1: it is not known.
func (m *Model) column(label, scores *onnx.Tensor, row int) int {
	width := scores.Shape[1]
	if m.columns != nil {
		if len(m.columns.labels) != width {
			return -1
		}
		return m.columns.find(label, row)
	}
	if label.DType == onnx.String {
		return -1
	}
	// The labels are not known: 0, 1, 2, … where the largest score agrees.
	k := label.I64[row]
	if k < 0 || k >= int64(width) {
		return -1
	}
	for c := range width {
		if floatAt(scores, row*width+c) > floatAt(scores, row*width+int(k)) {
			return -1
		}
	}
	return int(k)
}

func floatAt(t *onnx.Tensor, i int) float64 {
	if t.DType == onnx.Float32 {
		return float64(t.F32[i])
	}
	return t.F64[i]
}
