package predict

import (
	"strconv"

	"ml-service/handler/scan"
	"ml-service/model"
	"ml-service/onnx"
)

// AppendAnswer appends the body of the answer, after the batch ran.
func (r *Request) AppendAnswer(dst []byte) []byte {
	b, rows := r.Batch, r.Batch.Rows()
	if !b.PerRow() {
		dst = r.appendOutputs(append(dst, `{"outputs":`...), rows)
		return append(dst, r.codec.tail...)
	}
	if r.single && rows == 1 {
		dst = r.appendRow(append(dst, '{'), 0)
		return append(dst, r.codec.tail...)
	}
	dst = append(dst, `{"predictions":[`...)
	for row := range rows {
		if row > 0 {
			dst = append(dst, ',')
		}
		dst = append(r.appendRow(append(dst, '{'), row), '}')
	}
	return append(append(dst, ']'), r.codec.tail...)
}

func (r *Request) appendRow(dst []byte, row int) []byte {
	m, b := r.codec.model, r.Batch
	dst = append(dst, `"prediction":`...)
	if m.Kind() == model.Classifier {
		dst = appendElement(dst, b.Label(), row)
		if p := b.Class(row).Confidence; p >= 0 {
			dst = appendRounded(append(dst, `,"confidence":`...), p)
		}
		return dst
	}
	targets := m.Targets()
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

// appendOutputs appends all outputs by name. A single row is answered without the dimension of the batch.
func (r *Request) appendOutputs(dst []byte, rows int) []byte {
	dst = append(dst, '{')
	for i, v := range r.codec.model.Outputs() {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(dst, r.codec.outputs[i]...)
		t := r.Batch.Output(i)
		dims := t.Shape
		if r.single && rows == 1 && len(dims) > 0 && dims[0] == 1 && (len(v.Shape) == 0 || v.Shape[0] < 0) {
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

// appendRounded appends p with three decimals at most, at least one.
func appendRounded(dst []byte, p float64) []byte {
	dst = strconv.AppendFloat(dst, p, 'f', 3, 64)
	for n := 0; n < 2 && dst[len(dst)-1] == '0'; n++ {
		dst = dst[:len(dst)-1]
	}
	return dst
}
