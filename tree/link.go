package tree

import "unsafe"

// The linked layout: nodes in pairs of siblings, breadth first over the group's trees. A pair is six words: both thresholds, both
// columns, both links, so that a node's are at j, j+2 and j+4, where j is its threshold's word. A link leads from a node to its
// left child, as a difference; the right child is one word further. A leaf's threshold is NaN, so a row always goes
// right there, and its link is -1: it stays where it is. The roots are the first four pairs.
const pairWords = 6

type slot struct {
	node int32 // of the Spec
	word uint32
}

func (b *builder[T]) link(nodes []T, leaves int, roots []int32) {
	set := func(word uint32, threshold T, column uint32, link int64) {
		nodes[word] = threshold
		setIndex(&nodes[word+2], int64(column))
		setIndex(&nodes[word+4], link)
	}
	leaf := 0
	setAside := func(word uint32) {
		set(word, 0, 0, -1)
		setLeafMark(&nodes[word], leaf)
		leaf++
	}
	queue := b.queue[:0]
	for k := range lanes {
		word := uint32(k/2*pairWords + k%2)
		if k < len(roots) {
			queue = append(queue, slot{roots[k], word})
		} else {
			setAside(word)
		}
	}
	free := uint32(lanes / 2 * pairWords)
	for q := 0; q < len(queue); q++ {
		i, word := queue[q].node, queue[q].word
		n := &b.s.Nodes[i]
		if n.leaf() {
			b.setLeaf(leaves+leaf, n)
			setAside(word)
			continue
		}
		t, column, left, right := b.split(n)
		set(word, t, column, int64(free)-int64(word))
		queue = append(queue, slot{left, free}, slot{right, free + 1})
		free += pairWords
	}
	b.queue = queue
}

// linkedRow is the leaf of each lane for one row.
func linkedRow[T Float](out *[lanes]uint32, x, nodes unsafe.Pointer, depth int) {
	for k := range uint32(lanes) {
		out[k] = k/2*pairWords + k%2
	}
	for range depth {
		for k := range out {
			j := uint64(out[k])
			right := uint32(0)
			if !(at[T](x, indexAt[T](nodes, j+2)) <= at[T](nodes, j)) {
				right = 1
			}
			out[k] += uint32(indexAt[T](nodes, j+4)) + right
		}
	}
	for k := range out {
		out[k] = uint32(indexAt[T](nodes, uint64(out[k]))) & leafMask
	}
}
