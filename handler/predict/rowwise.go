package predict

import (
	"fmt"

	"ml-service/model"
)

// Rowwise says why the answer cannot be one element a row, after the batch ran; nil: it can.
func (r *Request) Rowwise() error {
	b := r.Batch
	if !r.rowwise || b.PerRow() {
		return nil
	}
	for i, v := range r.codec.model.Outputs() {
		if t := b.Output(i); rowAxis(v.Rows, t.Shape, b.Rows()) < 0 {
			return r.rooted(&Error{Field: "x", Message: fmt.Sprintf("the output %q does not hold a row for each row: ask POST /predict or the Open Inference Protocol", v.Name)})
		}
	}
	return nil
}

// rowAxis is the dimension along which the rows of an output lie; -1: none.
func rowAxis(declared int, shape []int, rows int) int {
	if declared > 0 && len(shape) > 2 {
		return declared
	}
	if len(shape) > 0 && shape[0] == rows {
		return 0
	}
	return -1
}

// appendPredictions appends the next piece of {"predictions": […]}: for each row the label or the value, an object where all
// scores are asked for, and for a model that is neither classifier nor regressor its outputs, by name where there are several.
func (r *Request) appendPredictions(dst []byte, full int) (piece []byte, more bool) {
	if r.answered == 0 {
		dst = append(dst, `{"predictions":[`...)
	}
	for rows := r.Batch.Rows(); r.answered < rows; r.answered++ {
		if len(dst) >= full {
			return dst, true
		}
		if r.answered > 0 {
			dst = append(dst, ',')
		}
		switch {
		case !r.Batch.PerRow():
			dst = r.appendRaw(dst, r.answered)
		case r.probabilities:
			dst = append(r.appendRow(append(dst, '{'), r.answered), '}')
		case r.codec.model.Kind() == model.Classifier:
			dst = appendElement(dst, r.Batch.Label(), r.answered)
		default:
			dst = r.appendValue(dst, r.answered)
		}
	}
	return append(r.appendWarnings(append(dst, ']'), -1), '}'), false
}

// appendRaw appends the outputs of one row.
func (r *Request) appendRaw(dst []byte, row int) []byte {
	outputs := r.codec.model.Outputs()
	if len(outputs) > 1 {
		dst = append(dst, '{')
	}
	for i, v := range outputs {
		if i > 0 {
			dst = append(dst, ',')
		}
		if len(outputs) > 1 {
			dst = append(dst, r.codec.outputs[i]...)
		}
		t := r.Batch.Output(i)
		if axis := rowAxis(v.Rows, t.Shape, r.Batch.Rows()); axis > 0 {
			inner := 1
			for _, d := range t.Shape[axis+1:] {
				inner *= d
			}
			dst, _ = appendRow(dst, t, t.Shape[:axis], t.Shape[axis+1:], row*inner, t.Shape[axis]*inner)
			continue
		}
		dst, _ = appendTensor(dst, t, t.Shape[1:], row*(t.Len()/t.Shape[0]), v.Classes)
	}
	if len(outputs) > 1 {
		dst = append(dst, '}')
	}
	return dst
}
