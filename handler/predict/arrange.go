package predict

import "ml-service/onnx"

// reorder moves the values from first on, which came in the order of columns given, to their columns.
func reorder(t *onnx.Tensor, first int, order []int) {
	inOrder := true
	for i, k := range order {
		inOrder = inOrder && i == k
	}
	if !inOrder {
		rearrange(t, first, 1, order)
	}
}

// transpose turns columns, which came in the order given, into rows.
func transpose(t *onnx.Tensor, rows int, order []int) { rearrange(t, 0, rows, order) }

// rearrange puts value i of the n-th column given at row i and its column.
func rearrange(t *onnx.Tensor, first, rows int, order []int) {
	switch d := t.DType; {
	case d == onnx.Float32:
		toRows(t.F32[first:], rows, order)
	case d == onnx.Float64:
		toRows(t.F64[first:], rows, order)
	case d == onnx.Bool:
		toRows(t.Bool[first:], rows, order)
	case d == onnx.String:
		toRows(t.Str[first:], rows, order)
	default:
		toRows(t.I64[first:], rows, order)
	}
}

// toRows is rearrange for one type.
func toRows[T any](values []T, rows int, order []int) {
	from := append([]T(nil), values...)
	for i, k := range order {
		for row := range rows {
			values[row*len(order)+k] = from[i*rows+row]
		}
	}
}
