package tree

import "unsafe"

// The heap layout: complete trees. Level l of a group is 8<<l cells, those of lane k from k<<l on, so that the children of cell j
// of one level are cells 2j and 2j+1 of the next, whatever the lane. A cell is two words: threshold, column. The leaves are the
// level after the last. A leaf higher up is a subtree whose leaves are all the same.
func (b *builder[T]) heap(nodes []T, leaves int, roots []int32, depth int) {
	var fill func(i int32, level, j int)
	fill = func(i int32, level, j int) {
		n := &b.s.Nodes[i]
		if n.leaf() {
			for k := j << (depth - level); k < (j+1)<<(depth-level); k++ {
				b.setLeaf(leaves+k, n)
			}
			return
		}
		t, column, left, right := b.split(n)
		cell := nodes[2*(lanes*(1<<level-1)+j):]
		cell[0] = t
		setIndex(&cell[1], int64(column))
		fill(left, level+1, 2*j)
		fill(right, level+1, 2*j+1)
	}
	for k, root := range roots {
		fill(root, 0, k)
	}
}

// heapRow is the leaf of each lane for one row.
func heapRow[T Float](out *[lanes]uint32, x, nodes unsafe.Pointer, depth int) {
	level := nodes
	var z T
	size := uint64(lanes * 2 * unsafe.Sizeof(z))
	for k := range uint64(lanes) {
		out[k] = uint32(k)
	}
	for range depth {
		for k := range out {
			j := uint64(out[k])
			right := uint32(0)
			if !(at[T](x, indexAt[T](level, 2*j+1)) <= at[T](level, 2*j)) {
				right = 1
			}
			out[k] = 2*out[k] + right
		}
		level = unsafe.Add(level, size)
		size *= 2
	}
}
