package model

import (
	"math"
	"strconv"

	"ml-service/onnx"
)

// AppendAnswer appends the body of the answer to POST /predict, after Run.
func (b *Batch) AppendAnswer(dst []byte) []byte {
	m, rows := b.model, b.Rows()
	if m.kind == Raw || !b.answersRows(rows) {
		dst = b.appendOutputs(append(dst, `{"outputs":`...), rows)
		return append(dst, m.tail...)
	}
	if b.single && rows == 1 {
		dst = b.appendRow(append(dst, '{'), 0)
		return append(dst, m.tail...)
	}
	dst = append(dst, `{"predictions":[`...)
	for row := range rows {
		if row > 0 {
			dst = append(dst, ',')
		}
		dst = append(b.appendRow(append(dst, '{'), row), '}')
	}
	return append(append(dst, ']'), m.tail...)
}

// answersRows says whether the outputs hold what the signature promises: so many values for each row.
func (b *Batch) answersRows(rows int) bool {
	if b.model.kind == Regressor {
		return b.Output(0).Len() == rows*b.model.targets
	}
	if b.Output(b.model.label).Len() != rows {
		return false
	}
	if b.model.scores < 0 {
		return true
	}
	s := b.Output(b.model.scores)
	return len(s.Shape) == 2 && s.Shape[0] == rows
}

func (b *Batch) appendRow(dst []byte, row int) []byte {
	m := b.model
	dst = append(dst, `"prediction":`...)
	if m.kind == Regressor && m.targets > 1 {
		dst = append(dst, '[')
		for k := range m.targets {
			if k > 0 {
				dst = append(dst, ',')
			}
			dst = appendElement(dst, b.Output(0), row*m.targets+k)
		}
		return append(dst, ']')
	}
	dst = appendElement(dst, b.Output(max(m.label, 0)), row)
	if p, ok := b.Confidence(row); ok {
		dst = appendRounded(append(dst, `,"confidence":`...), p)
	}
	return dst
}

// Confidence is the score of the predicted class of a row, where the row's scores are a distribution: they
// lie in [0, 1] and sum to 1 within 1e-3.
func (b *Batch) Confidence(row int) (p float64, ok bool) {
	m := b.model
	if m.kind != Classifier || m.scores < 0 {
		return 0, false
	}
	return m.confidence(b.Output(m.label), b.Output(m.scores), row)
}

// Column is the column of the scores that holds the predicted class of a row; -1 where the model is no
// classifier or the column is not known.
func (b *Batch) Column(row int) int {
	m := b.model
	if m.kind != Classifier || m.scores < 0 {
		return -1
	}
	return m.column(b.Output(m.label), b.Output(m.scores), row)
}

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

func (m *Model) confidence(label, scores *onnx.Tensor, row int) (p float64, ok bool) {
	column := m.column(label, scores, row)
	if column < 0 {
		return 0, false
	}
	width, sum := scores.Shape[1], 0.0
	for k := row * width; k < (row+1)*width; k++ {
		s := floatAt(scores, k)
		if !(s >= 0 && s <= 1) {
			return 0, false
		}
		sum += s
	}
	if math.Abs(sum-1) > 1e-3 {
		return 0, false
	}
	return floatAt(scores, row*width+column), true
}

func floatAt(t *onnx.Tensor, i int) float64 {
	if t.DType == onnx.Float32 {
		return float64(t.F32[i])
	}
	return t.F64[i]
}

// appendOutputs appends all outputs by name. A single row is answered without the dimension of the batch.
func (b *Batch) appendOutputs(dst []byte, rows int) []byte {
	dst = append(dst, '{')
	for i, v := range b.model.Outputs() {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(dst, b.model.names[i]...)
		t := b.Output(i)
		dims := t.Shape
		if b.single && rows == 1 && len(dims) > 0 && dims[0] == 1 && (len(v.Shape) == 0 || v.Shape[0] < 0) {
			dims = dims[1:]
		}
		dst, _ = appendTensor(dst, t, dims, 0, v.Classes)
	}
	return append(dst, '}')
}

// appendTensor appends the elements from index i on as nested lists of the shape dims and gives the index
// behind them. Where a ZipMap named the columns, a row is an object keyed by class.
func appendTensor(dst []byte, t *onnx.Tensor, dims []int, i int, classes *onnx.Tensor) ([]byte, int) {
	if len(dims) == 0 {
		return appendElement(dst, t, i), i + 1
	}
	named := len(dims) == 1 && classes != nil && classes.Len() == dims[0]
	open, shut := byte('['), byte(']')
	if named {
		open, shut = '{', '}'
	}
	dst = append(dst, open)
	for k := range dims[0] {
		if k > 0 {
			dst = append(dst, ',')
		}
		if named {
			dst = append(appendKey(dst, classes, k), ':')
		}
		dst, i = appendTensor(dst, t, dims[1:], i, classes)
	}
	return append(dst, shut), i
}

func appendKey(dst []byte, classes *onnx.Tensor, k int) []byte {
	if classes.DType == onnx.String {
		return appendString(dst, classes.Str[k])
	}
	return append(strconv.AppendInt(append(dst, '"'), classes.I64[k], 10), '"')
}

// appendElement appends one element: whole numbers with ".0", the shortest decimal that reads back to the
// same value of the type, and null for what is not finite.
func appendElement(dst []byte, t *onnx.Tensor, i int) []byte {
	switch t.DType {
	case onnx.Float32:
		return appendFloat(dst, float64(t.F32[i]), 32)
	case onnx.Float64:
		return appendFloat(dst, t.F64[i], 64)
	case onnx.String:
		return appendString(dst, t.Str[i])
	case onnx.Bool:
		return strconv.AppendBool(dst, t.Bool[i])
	case onnx.Uint64:
		return append(strconv.AppendUint(dst, uint64(t.I64[i]), 10), ".0"...)
	}
	return append(strconv.AppendInt(dst, t.I64[i], 10), ".0"...)
}

func appendFloat(dst []byte, f float64, bits int) []byte {
	size := math.Abs(f)
	switch {
	case math.IsNaN(f) || math.IsInf(f, 0):
		return append(dst, "null"...)
	case size >= 1e21:
		return appendExponent(dst, f, bits)
	case size != 0 && size < 1e-6:
		return strconv.AppendFloat(dst, f, 'e', -1, bits)
	}
	dst = strconv.AppendFloat(dst, f, 'f', -1, bits)
	if f == math.Trunc(f) {
		dst = append(dst, ".0"...)
	}
	return dst
}

// appendExponent appends a large whole number, as 1.0e+21.
func appendExponent(dst []byte, f float64, bits int) []byte {
	start := len(dst)
	dst = strconv.AppendFloat(dst, f, 'e', -1, bits)
	for i := start; i < len(dst); i++ {
		switch dst[i] {
		case '.':
			return dst
		case 'e':
			dst = append(dst, ".0"...)
			copy(dst[i+2:], dst[i:])
			copy(dst[i:], ".0")
			return dst
		}
	}
	return dst
}

// appendRounded appends p with three decimals at most, at least one.
func appendRounded(dst []byte, p float64) []byte {
	dst = strconv.AppendFloat(dst, p, 'f', 3, 64)
	for n := 0; n < 2 && dst[len(dst)-1] == '0'; n++ {
		dst = dst[:len(dst)-1]
	}
	return dst
}
