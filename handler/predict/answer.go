package predict

import (
	"strconv"

	"ml-service/handler/scan"
	"ml-service/model"
	"ml-service/onnx"
)

// pieceBytes is about how long a piece of an answer is.
const pieceBytes = 64 << 10

// AppendAnswer appends the body of the whole answer, after the batch ran.
func (r *Request) AppendAnswer(dst []byte) []byte {
	for more := true; more; {
		dst, more = r.AppendPiece(dst)
	}
	return dst
}

// AppendPiece appends the next piece of the answer, some 64 KB of it, after the batch ran, and says whether there is more. So
// the text of a large answer is never in memory as a whole.
func (r *Request) AppendPiece(dst []byte) (piece []byte, more bool) {
	b, full := r.Batch, len(dst)+pieceBytes
	if r.rowwise {
		return r.appendPredictions(dst, full)
	}
	if !b.PerRow() {
		return r.appendOutputs(dst, full)
	}
	rows := b.Rows()
	if r.single && rows == 1 {
		dst = r.appendRow(append(dst, '{'), 0)
		return append(dst, r.codec.tail...), false
	}
	if r.answered == 0 {
		dst = append(dst, `{"predictions":[`...)
	}
	for ; r.answered < rows; r.answered++ {
		if len(dst) >= full {
			return dst, true
		}
		if r.answered > 0 {
			dst = append(dst, ',')
		}
		dst = append(r.appendRow(append(dst, '{'), r.answered), '}')
	}
	return append(r.appendWarnings(append(dst, ']'), -1), r.codec.tail...), false
}

// Frame is about how many bytes of the answer are there whatever the number of rows, after the batch ran: its warnings, and of a
// model answered by name the names and the outputs without rows.
func (r *Request) Frame() int {
	whole := *r
	whole.warned = 0
	n := len(`{"predictions":[]`) + len(r.codec.tail) + len(whole.appendWarnings(nil, -1))
	if r.rowwise || r.Batch.PerRow() {
		return n
	}
	for i, v := range r.codec.model.Outputs() {
		n += len(r.codec.outputs[i]) + len(`,[]`)
		if t := r.Batch.Output(i); rowAxis(v.Rows, t.Shape, r.Batch.Rows()) < 0 {
			text, _ := appendTensor(nil, t, t.Shape, 0, v.Classes)
			n += len(text)
		}
	}
	return n
}

// appendRow appends the members of the answer to a row.
func (r *Request) appendRow(dst []byte, row int) []byte {
	dst = r.appendAnswer(dst, row)
	if _, unknown := r.Batch.Unknown(); unknown > 0 {
		dst = r.appendWarnings(dst, row)
	}
	return dst
}

func (r *Request) appendAnswer(dst []byte, row int) []byte {
	m, b := r.codec.model, r.Batch
	dst = append(dst, `"prediction":`...)
	if m.Kind() == model.Classifier {
		dst = appendElement(dst, b.Label(), row)
		if p := b.Class(row).Confidence; p >= 0 {
			dst = r.appendConfidence(append(dst, `,"confidence":`...), p)
		}
		if r.probabilities {
			dst = r.appendProbabilities(dst, row)
		}
		return dst
	}
	return r.appendValue(dst, row)
}

// appendValue appends what a regressor answers for a row.
func (r *Request) appendValue(dst []byte, row int) []byte {
	targets, b := r.codec.model.Targets(), r.Batch
	if targets == 1 {
		return appendElement(dst, b.Output(0), row)
	}
	dst = append(dst, '[')
	for k := range targets {
		if k > 0 {
			dst = append(dst, ',')
		}
		dst = appendElement(dst, b.Output(0), row*targets+k)
	}
	return append(dst, ']')
}

// appendOutputs appends outputs by name, from where the last piece ended, until dst is full. A single row is answered without
// the dimension of the batch.
func (r *Request) appendOutputs(dst []byte, full int) (piece []byte, more bool) {
	outputs := r.codec.model.Outputs()
	if r.output == 0 && r.answered == 0 {
		dst = append(dst, `{"outputs":{`...)
	}
	for ; r.output < len(outputs); r.output, r.answered = r.output+1, 0 {
		v, t := &outputs[r.output], r.Batch.Output(r.output)
		if r.answered == 0 {
			if r.output > 0 {
				dst = append(dst, ',')
			}
			dst = append(dst, r.codec.outputs[r.output]...)
		}
		if axis := v.Rows; axis > 0 && len(t.Shape) > 2 {
			dst = appendRowsFirst(dst, t, axis, r.single && r.Batch.Rows() == 1)
			continue
		}
		single := r.single && r.Batch.Rows() == 1 && len(t.Shape) > 0 && t.Shape[0] == 1 && (len(v.Shape) == 0 || v.Shape[0] < 0)
		if single || len(t.Shape) == 0 || t.Shape[0] == 0 || len(t.Shape) == 1 && v.Classes != nil {
			dims := t.Shape
			if single {
				dims = dims[1:]
			}
			dst, _ = appendTensor(dst, t, dims, 0, v.Classes)
			continue
		}
		width := t.Len() / t.Shape[0]
		for ; r.answered < t.Shape[0]; r.answered++ {
			if len(dst) >= full {
				return dst, true
			}
			separator := byte(',')
			if r.answered == 0 {
				separator = '['
			}
			dst, _ = appendTensor(append(dst, separator), t, t.Shape[1:], r.answered*width, v.Classes)
		}
		dst = append(dst, ']')
	}
	return append(r.appendWarnings(append(dst, '}'), -1), r.codec.tail...), false
}

// appendRowsFirst appends a tensor whose rows lie along axis, as the probabilities [targets, rows, classes] of a forest of
// several labels: each row by itself, as callers of /predict ask for rows. A single row is answered without that dimension.
func appendRowsFirst(dst []byte, t *onnx.Tensor, axis int, single bool) []byte {
	inner := 1
	for _, d := range t.Shape[axis+1:] {
		inner *= d
	}
	rows := t.Shape[axis]
	if !single {
		dst = append(dst, '[')
	}
	for row := range rows {
		if row > 0 {
			dst = append(dst, ',')
		}
		dst, _ = appendRow(dst, t, t.Shape[:axis], t.Shape[axis+1:], row*inner, rows*inner)
	}
	if !single {
		dst = append(dst, ']')
	}
	return dst
}

// appendRow appends, for each of the lists that outer spans, the elements of inner from index i on. They lie stride apart.
func appendRow(dst []byte, t *onnx.Tensor, outer, inner []int, i, stride int) ([]byte, int) {
	if len(outer) == 0 {
		dst, _ = appendTensor(dst, t, inner, i, nil)
		return dst, i + stride
	}
	dst = append(dst, '[')
	for k := range outer[0] {
		if k > 0 {
			dst = append(dst, ',')
		}
		dst, i = appendRow(dst, t, outer[1:], inner, i, stride)
	}
	return append(dst, ']'), i
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
		return scan.AppendString(dst, classes.Str[k])
	}
	return append(strconv.AppendInt(append(dst, '"'), classes.I64[k], 10), '"')
}

// appendElement appends one element: whole numbers with ".0", the shortest decimal that reads back to the
// same value of the type, and null for what is not finite.
func appendElement(dst []byte, t *onnx.Tensor, i int) []byte {
	switch t.DType {
	case onnx.Float32:
		return scan.AppendFloat(dst, float64(t.F32[i]), 32)
	case onnx.Float64:
		return scan.AppendFloat(dst, t.F64[i], 64)
	case onnx.String:
		return scan.AppendString(dst, t.Str[i])
	case onnx.Bool:
		return strconv.AppendBool(dst, t.Bool[i])
	case onnx.Uint64:
		return append(strconv.AppendUint(dst, uint64(t.I64[i]), 10), ".0"...)
	}
	return append(strconv.AppendInt(dst, t.I64[i], 10), ".0"...)
}

// appendConfidence appends the score of the predicted class.
func (r *Request) appendConfidence(dst []byte, p float64) []byte {
	if !r.codec.unrounded {
		return appendRounded(dst, p)
	}
	bits := 64
	if m := r.codec.model; m.Outputs()[m.ScoresOutput()].DType == onnx.Float32 {
		bits = 32
	}
	return scan.AppendFloat(dst, p, bits)
}

// appendRounded appends p with three decimals at most, at least one.
func appendRounded(dst []byte, p float64) []byte {
	dst = strconv.AppendFloat(dst, p, 'f', 3, 64)
	for n := 0; n < 2 && dst[len(dst)-1] == '0'; n++ {
		dst = dst[:len(dst)-1]
	}
	return dst
}
