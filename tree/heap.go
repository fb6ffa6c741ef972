package tree

import "unsafe"

// The heap layout: complete trees. Level l of a group is 8<<l cells, those of lane k from k<<l on, so that the children of cell j
// of one level are cells 2j and 2j+1 of the next, whatever the lane. A cell is two words: key, column; of float64, whose words have room for two columns, the keys of
// all levels come first, and then the columns. The leaves are the level after the last. A leaf higher up is a subtree whose leaves are all the same.
func (b *builder[T]) heap(nodes words[T], first, leaves int, roots []int32, depth int) {
	var fill func(i int32, level, j int)
	fill = func(i int32, level, j int) {
		n := &b.s.Nodes[i]
		if n.leaf() {
			for k := j << (depth - level); k < (j+1)<<(depth-level); k++ {
				b.setLeaf(leaves+k, n)
			}
			return
		}
		key, column, left, right := b.split(n)
		cell := lanes*(1<<level-1) + j
		if wide[T]() {
			nodes.set(first+cell, key)
			nodes.setHalf(2*(first+lanes*(1<<depth-1))+cell, uint32(column))
		} else {
			nodes.set(first+2*cell, key)
			nodes.set(first+2*cell+1, column)
		}
		fill(left, level+1, 2*j)
		fill(right, level+1, 2*j+1)
	}
	for k, root := range roots {
		fill(root, 0, k)
	}
}

// heapRow is the leaf of each lane for one row.
func heapRow[T Float](out *[lanes]uint32, x, nodes unsafe.Pointer, depth int) {
	for k := range uint32(lanes) {
		out[k] = k
	}
	if wide[T]() {
		columns := unsafe.Add(nodes, 8*lanes*(1<<depth-1))
		for level := range depth {
			for k := range out {
				j := uint64(out[k])
				out[k] = uint32(2*j + less(load[T](x, load[float32](columns, j)), load[T](nodes, j)))
			}
			nodes, columns = unsafe.Add(nodes, 8*lanes<<level), unsafe.Add(columns, 4*lanes<<level)
		}
		return
	}
	size := 8 * lanes
	for range depth {
		for k := range out {
			j := uint64(out[k])
			out[k] = uint32(2*j + less(load[T](x, load[T](nodes, 2*j+1)), load[T](nodes, 2*j)))
		}
		nodes = unsafe.Add(nodes, size)
		size *= 2
	}
}
