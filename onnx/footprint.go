package onnx

import "unsafe"

// Memory bounds the bytes that a session of a model holds for a batch: inputs, outputs and all between, but not the characters
// of strings, which belong to whoever made them.
type Memory struct {
	Fixed int64 // whatever the batch is
	Row   int64 // more for each row
	// Block is more for a batch of many rows, which are taken in blocks; of a smaller one no more than BlockRow for each row.
	Block, BlockRow int64
	// Column is more for each row and each column of the inputs whose number of columns the signature leaves open, as [rows, ?]; where
	// several do, the columns of all count.
	Column int64
	// Unbounded says that a value in the graph has a size that its inputs' shapes do not tell: then the other fields count the rest.
	Unbounded bool
}

// Bytes is the bound for a batch of so many rows, with so many columns in all the inputs that leave theirs open.
func (m Memory) Bytes(rows, columns int) int64 {
	return m.Fixed + min(m.Block, int64(rows)*m.BlockRow) + int64(rows)*(m.Row+int64(columns)*m.Column)
}

// footprint is a size, in elements or bytes, of a value or of a step.
type footprint struct {
	fixed, row, column int64
	block, blockRow    int64
	unbounded          bool
}

func (f footprint) plus(g footprint) footprint {
	return footprint{f.fixed + g.fixed, f.row + g.row, f.column + g.column, f.block + g.block, f.blockRow + g.blockRow, f.unbounded || g.unbounded}
}

func (f footprint) times(by int64) footprint {
	return footprint{f.fixed * by, f.row * by, f.column * by, f.block * by, f.blockRow * by, f.unbounded}
}

// elements is how many elements v has at most.
func (v *value) elements() footprint {
	e, axis := extentOf(v.shape), v.rowAxis()
	n := int64(e.elements)
	switch {
	case v.pad != nil:
		return footprint{fixed: maxTokens}
	case v.constant != nil || v.shape != nil && e.open == 0:
		return footprint{fixed: n}
	case axis >= 0 && e.open == 1:
		return footprint{row: n * int64(v.group)}
	case v.maker == nil && axis >= 0 && e.open == 2:
		return footprint{column: n}
	case v.maker == nil:
		return footprint{unbounded: true}
	case v.maker.sameSize:
		return v.maker.in[0].elements()
	case v.maker.op.moves != movesAll && !v.maker.op.elementwise:
		return footprint{unbounded: true}
	}
	// What is put side by side adds up. The result of an elementwise operator is as large as its largest input, which is no more than
	// all of them, where one of them has the whole of it.
	var sum footprint
	whole := v.maker.op.moves == movesAll || v.shape == nil && len(v.maker.in) == 1
	for _, in := range v.maker.in {
		if in != nil {
			sum = sum.plus(in.elements())
			whole = whole || v.shape != nil && extentOf(in.shape) == e && in.rowAxis() == axis
		}
	}
	sum.unbounded = sum.unbounded || !whole
	return sum
}

// converts counts the memory for input i in float32, where it has to be made so.
func (n *node) converts(i int) {
	if n.in[i].dtype != Float32 {
		n.scratch = n.scratch.plus(n.in[i].elements().times(int64(Float32.HeldBytes())))
	}
}

// bytes is what the step of n holds: its outputs and its scratch memory.
func (n *node) bytes() footprint {
	const call = int64(unsafe.Sizeof(call{}) + unsafe.Sizeof(Tensor{}) + 8*maxRank*4)
	sum := n.scratch.plus(footprint{fixed: call})
	if n.scratchOut > 0 {
		sum = sum.plus(n.out[0].elements().times(n.scratchOut))
	}
	for i, v := range n.out {
		if n.wanted(i) && !n.shares {
			sum = sum.plus(v.elements().times(int64(v.dtype.HeldBytes())))
		}
	}
	return sum
}

// memory adds up inputs and steps.
func (c *compiler) memory() Memory {
	sum := footprint{fixed: int64(unsafe.Sizeof(Session{}))}
	for _, v := range c.inputs {
		sum = sum.plus(v.elements().times(int64(v.dtype.HeldBytes()))).plus(footprint{fixed: int64(unsafe.Sizeof(Tensor{})) + 8*maxRank})
	}
	for i := range c.steps {
		sum = sum.plus(c.steps[i].node.bytes())
	}
	return Memory{Fixed: sum.fixed, Row: sum.row, Column: sum.column, Block: sum.block, BlockRow: sum.blockRow, Unbounded: sum.unbounded}
}
