package onnx

import "slices"

// Where the rows of a batch lie in a value. An axis says that what stands at index r along it depends on row r of the
// graph's inputs alone, so that a batch may be run in pieces and the pieces put together along that axis.
const (
	batchMixed = -1 // rows depend on each other, or on how many there are, or nothing is known
	batchless  = -2 // the value is the same whatever the inputs are
)

// rowAxis is the axis of v's rows, batchMixed or batchless.
func (v *value) rowAxis() int {
	switch {
	case v == nil || v.constant != nil:
		return batchless
	case v.batch >= 0 && (v.batch >= len(v.shape) || v.shape[v.batch] >= 0):
		return batchMixed // a fixed number of rows
	}
	return v.batch
}

// setRows says of the outputs of n where the rows lie and how many elements of that axis are one row's.
func (n *node) setRows() {
	axis, same := batchless, true
	n.group = 0
	for _, v := range n.in {
		switch a := v.rowAxis(); {
		case a >= 0 && n.group == 0:
			axis, n.group = batchMixed, v.group
		case a >= 0:
			same = same && v.group == n.group
		case a == batchMixed:
			axis = batchMixed
		}
		same = same && (v == nil || v.pad == nil || n.blindTo(*v.pad))
	}
	n.group = max(1, n.group)
	if axis == batchMixed && n.op.rows != nil && same {
		axis = n.op.rows(n)
	}
	for i, v := range n.out {
		if v == nil {
			continue
		}
		v.pad = n.padding()
		if v.batch, v.group = axis, n.group; n.rowAxes != nil && axis != batchless {
			v.batch = n.rowAxes[i]
		}
	}
}

// rowsOfFirst is the rule of operators that leave the axis of their first input where it is and read nothing else that
// depends on rows.
func rowsOfFirst(n *node) int {
	for _, v := range n.in[1:] {
		if v.rowAxis() != batchless {
			return batchMixed
		}
	}
	return n.in[0].rowAxis()
}

// rowsOfMatrices is the rule of ai.onnx.ml's operators on [rows, columns].
func rowsOfMatrices(n *node) int {
	for _, v := range n.in {
		if v.rowAxis() != 0 {
			return batchMixed
		}
	}
	return 0
}

// rowsBroadcast is the rule of elementwise operators: rows must lie along the same axis of the result in every input that has
// them, and the others must be repeated along it.
func rowsBroadcast(n *node) int {
	rank := 0
	for _, v := range n.in {
		if v == nil {
			continue
		}
		if v.shape == nil {
			return rowsOfFirst(n)
		}
		rank = max(rank, len(v.shape))
	}
	axis := batchless
	for _, v := range n.in {
		if a := v.rowAxis(); a == batchMixed {
			return batchMixed
		} else if a >= 0 {
			if a += rank - len(v.shape); axis >= 0 && a != axis {
				return batchMixed
			}
			axis = a
		}
	}
	for _, v := range n.in {
		if v == nil || v.rowAxis() >= 0 {
			continue
		}
		if at := axis - (rank - len(v.shape)); at >= 0 && v.shape[at] != 1 {
			return batchMixed
		}
	}
	return axis
}

// rowsBesideAxis is the rule of operators that combine or move elements along the axes in n.across, and along no other.
func rowsBesideAxis(n *node) int {
	moved := n.in[:1]
	if n.op.moves == movesAll {
		moved = n.in
	}
	axis := n.in[0].rowAxis()
	for _, v := range moved {
		if v.rowAxis() != axis {
			return batchMixed
		}
	}
	for _, v := range n.in[len(moved):] {
		if v.rowAxis() != batchless {
			return batchMixed
		}
	}
	if axis < 0 || n.across[axis] {
		return batchMixed
	}
	before := 0
	for k := range axis {
		if n.drops && n.across[k] {
			before++
		}
	}
	return axis - before
}

func rowsPermuted(n *node) int {
	return slices.Index(n.perm, int64(n.in[0].rowAxis()))
}

// rowsGathered is the rule of Gather: a table looked up by each row's indices, or columns picked from each row.
func rowsGathered(n *node) int {
	along := slices.Index(n.across[:], true)
	switch axis, index := n.in[0].rowAxis(), n.in[1].rowAxis(); {
	case axis == batchless && index >= 0:
		return along + index
	case index != batchless || axis < 0 || axis == along:
		return batchMixed
	case axis < along:
		return axis
	default:
		return axis - 1 + len(n.in[1].shape)
	}
}

// rowsExtracted is the rule of ArrayFeatureExtractor, which picks along the last axis by all its indices in one line.
func rowsExtracted(n *node) int {
	last := len(n.in[0].shape) - 1
	switch axis, index := n.in[0].rowAxis(), n.in[1].rowAxis(); {
	case axis == batchless && index >= 0:
		each := extentOf(n.in[1].shape[index+1:])
		if joint(n.in[1].shape[:index]) != 1 || each.open > 0 || each.elements == 0 {
			return batchMixed
		}
		n.group *= each.elements
		return max(last, 1)
	case index != batchless || axis < 0 || axis == last:
		return batchMixed
	default:
		return axis
	}
}

// rowsReshaped is the rule of operators that keep the elements in their order: rows stay rows where as many elements lie
// before and within each.
func rowsReshaped(n *node) int {
	axis := n.in[0].rowAxis()
	for _, v := range n.in[1:] {
		if v.rowAxis() != batchless && v.bySize == nil {
			return batchMixed
		}
	}
	from, to := n.in[0].shape, n.out[0].shape
	if axis < 0 || to == nil {
		return batchMixed
	}
	before, within := extentOf(from[:axis]), extentOf(from[axis+1:])
	within.elements *= n.group
	for k, d := range to {
		each := extentOf(to[k+1:])
		if d < 0 && extentOf(to[:k]) == before && each.open == within.open && each.elements > 0 && within.elements%each.elements == 0 {
			n.group = within.elements / each.elements
			return k
		}
	}
	return batchMixed
}

// extent is a number of elements as far as it is known: so many, times dimensions that are open.
type extent struct{ elements, open int }

func extentOf(dims []int) extent {
	e := extent{elements: 1}
	for _, d := range dims {
		if d < 0 {
			e.open++
		} else {
			e.elements *= d
		}
	}
	return e
}

// rowsOfProduct is the rule of MatMul: rows on the left stay unless they are summed over, columns on the right likewise.
func rowsOfProduct(n *node) int {
	a, b := n.in[0], n.in[1]
	rank := max(len(a.shape), len(b.shape))
	if len(a.shape) < 2 || len(b.shape) < 2 {
		rank = max(len(a.shape)+len(b.shape)-2, 0)
	}
	switch left, right := a.rowAxis(), b.rowAxis(); {
	case right == batchless && left >= 0 && left < len(a.shape)-1 && (left == len(a.shape)-2 || len(b.shape) <= 2):
		return left + max(0, rank-len(a.shape))
	case left == batchless && right >= 0 && len(b.shape) > 1 && right == len(b.shape)-1:
		return rank - 1
	}
	return batchMixed
}

// rowsOfGemm is the rule of Gemm, whose bias may be one for all rows or one for each.
func rowsOfGemm(n *node) int {
	rows := 0
	if n.flag("transA", 0) {
		rows = 1
	}
	if n.in[0].rowAxis() != rows || n.in[1].rowAxis() != batchless {
		return batchMixed
	}
	if n.has(2) {
		c := n.in[2]
		switch axis := c.rowAxis(); {
		case axis == batchless && (len(c.shape) < 2 || c.shape[0] == 1):
		case axis == 0 && len(c.shape) == 2:
		default:
			return batchMixed
		}
	}
	return 0
}

// rowsOfShape is the rule of operators that make a tensor of the shape that an input gives, the last of them.
func rowsOfShape(n *node) int {
	return slices.Index(n.in[len(n.in)-1].dimensions(), rowCount)
}
