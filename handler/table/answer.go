package table

import (
	"bytes"
	"fmt"
	"strconv"

	"ml-service/model"
	"ml-service/onnx"
)

// Columns are the names of the answers' columns.
func (t *Table) Columns() (names []string) {
	m := t.model
	switch m.Kind() {
	case model.Classifier:
		names = []string{"prediction"}
		if m.ScoresOutput() >= 0 {
			names = append(names, "confidence")
		}
	case model.Regressor:
		names = numbered("prediction", m.Targets())
	default:
		for _, v := range m.Outputs() {
			width := 1
			for _, d := range v.Shape[min(1, len(v.Shape)):] {
				width *= max(d, 1)
			}
			names = append(names, numbered(v.Name, width)...)
		}
	}
	return names
}

func numbered(name string, n int) []string {
	if n == 1 {
		return []string{name}
	}
	names := make([]string, n)
	for i := range names {
		names[i] = fmt.Sprintf("%s_%d", name, i)
	}
	return names
}

// Header is the line of their names.
func (t *Table) Header() []byte {
	var line []byte
	for i, name := range t.Columns() {
		if i > 0 {
			line = append(line, ',')
		}
		line = appendText(line, name)
	}
	return append(line, '\n')
}

// Append appends the answers of a batch.
func (t *Table) Append(dst []byte, b *model.Batch, rows int) []byte {
	m := t.model
	for r := range rows {
		switch {
		case !b.PerRow():
			for i := range m.Outputs() {
				dst = appendValues(dst, b, i, r, i == 0)
			}
		case m.Kind() == model.Classifier:
			dst = appendValue(dst, b.Label(), r)
			if m.ScoresOutput() >= 0 {
				dst = append(dst, ',')
				if p := b.Class(r).Confidence; p >= 0 {
					dst = appendConfidence(dst, m, p)
				}
			}
		default:
			dst = appendValues(dst, b, 0, r, true)
		}
		dst = append(dst, '\n')
	}
	return dst
}

func appendConfidence(dst []byte, m *model.Model, p float64) []byte {
	bits := 64
	if m.Outputs()[m.ScoresOutput()].DType == onnx.Float32 {
		bits = 32
	}
	return strconv.AppendFloat(dst, p, 'g', -1, bits)
}

// appendValue appends a value as pandas reads it back: the shortest decimal, and nothing for NaN.
func appendValue(dst []byte, t *onnx.Tensor, i int) []byte {
	switch t.DType {
	case onnx.Float32:
		if v := t.F32[i]; v == v {
			return strconv.AppendFloat(dst, float64(v), 'g', -1, 32)
		}
		return dst
	case onnx.Float64:
		if v := t.F64[i]; v == v {
			return strconv.AppendFloat(dst, v, 'g', -1, 64)
		}
		return dst
	case onnx.String:
		return appendText(dst, t.Str[i])
	case onnx.Bool:
		return strconv.AppendBool(dst, t.Bool[i])
	case onnx.Uint64:
		return strconv.AppendUint(dst, uint64(t.I64[i]), 10)
	}
	return strconv.AppendInt(dst, t.I64[i], 10)
}

func appendText(dst []byte, s string) []byte {
	if s != "" && !bytes.ContainsAny([]byte(s), ",\"\r\n") {
		return append(dst, s...)
	}
	dst = append(dst, '"')
	for _, c := range []byte(s) {
		if c == '"' {
			dst = append(dst, '"')
		}
		dst = append(dst, c)
	}
	return append(dst, '"')
}

// AppendRow appends the answer to a row as a line without a confidence: the label, or the values. scores is the output whose
// scores follow the label; -1: none.
func AppendRow(dst []byte, b *model.Batch, row, scores int) []byte {
	m := b.Model()
	switch {
	case !b.PerRow():
		for i := range m.Outputs() {
			dst = appendValues(dst, b, i, row, i == 0)
		}
	case m.Kind() == model.Classifier:
		dst = appendValue(dst, b.Label(), row)
		if scores >= 0 {
			dst = appendValues(dst, b, scores, row, false)
		}
	default:
		dst = appendValues(dst, b, 0, row, true)
	}
	return append(dst, '\n')
}

// appendValues appends a row's part of output i.
func appendValues(dst []byte, b *model.Batch, i, row int, first bool) []byte {
	t, axis := b.Output(i), b.Model().Outputs()[i].Rows
	if len(t.Shape) < 3 {
		axis = 0
	}
	inner, rows := 1, t.Shape[axis]
	for _, d := range t.Shape[axis+1:] {
		inner *= d
	}
	for at := row * inner; at < t.Len(); at += rows * inner {
		for k := range inner {
			if !first {
				dst = append(dst, ',')
			}
			first = false
			dst = appendValue(dst, t, at+k)
		}
	}
	return dst
}
