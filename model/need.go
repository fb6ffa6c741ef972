package model

import "ml-service/onnx"

// Need bounds the memory, in bytes, that a batch takes beside its request and its answer's text, for budgets. The characters of
// strings are not in it: they are no more than the request had.
type Need struct {
	Rows   int64 // the decoded rows; from Decode to the end of Run
	Run    int64 // what the graph is computed in; during Run, once for each core that the batch runs on
	Answer int64 // the typed answers, from Run to Release
	Others int64 // all other outputs, as long as those, where Batch.Keep asks for them
}

// Total is what a batch that is asked for its typed answers holds at most at once, on one core.
func (n Need) Total() int64 { return n.Rows + n.Run + n.Answer }

// Need is what a batch of so many rows needs. columns is how many values a row has in all the inputs whose width the model
// leaves open; it is not looked at where there are none.
func (m *Model) Need(rows, columns int) Need {
	n, memory := Need{}, m.graph.Memory()
	for _, in := range m.inputs {
		width := in.Width
		if width < 0 {
			width = columns
		}
		n.Rows += int64(rows) * int64(width) * int64(in.DType.HeldBytes())
	}
	size := rows
	if m.rowWise {
		size = min(rows, m.block)
	}
	n.Run = memory.Bytes(size, columns)
	if m.scores >= 0 {
		n.Answer = int64(rows) * classBytes
	}
	if size == rows {
		return n // the outputs are read where they were computed
	}
	for i, v := range m.Outputs() {
		bytes := int64(rows) * rowElements(v, columns) * int64(v.DType.HeldBytes())
		if m.answers(i) {
			n.Answer += bytes
		} else {
			n.Others += bytes
		}
	}
	return n
}

// classBytes is the size of a Class.
const classBytes = 16

// rowElements is how many elements of an output a row has; an unknown dimension counts as that of the inputs.
func rowElements(v onnx.Value, columns int) int64 {
	n := int64(1)
	if len(v.Shape) < 2 {
		return n
	}
	for _, d := range v.Shape[1:] {
		if d < 0 {
			d = max(columns, 1)
		}
		n *= int64(d)
	}
	return n
}
