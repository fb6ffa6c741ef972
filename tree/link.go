package tree

import "unsafe"

// The linked layout: nodes in pairs of siblings, breadth first over the group's trees. A pair is six words: both keys, both
// columns, both links, so that a node's are at j, j+2 and j+4, where j is its key's word. A link leads from a node to its
// left child, as a difference; the right child is one word further. Every row goes right at a leaf, whose link is
// -1: it stays where it is. The roots are the first four pairs.
const pairWords = 6

type slot struct{ node, word int32 }

func (b *builder[T]) link(nodes words[T], first, leaves int, roots []int32) {
	set := func(word int32, key, column uint64, link int32) {
		nodes.set(first+int(word), key)
		nodes.set(first+int(word)+2, column)
		nodes.set(first+int(word)+4, uint64(link))
	}
	leaf := 0
	queue := b.queue[:0]
	for k := range int32(lanes) {
		word := k/2*pairWords + k%2
		if int(k) < len(roots) {
			queue = append(queue, slot{roots[k], word})
		} else {
			set(word, leafKey[T](leaf), 0, -1)
			leaf++
		}
	}
	free := int32(lanes / 2 * pairWords)
	for q := 0; q < len(queue); q++ {
		at := queue[q]
		n := &b.s.Nodes[at.node]
		if n.leaf() {
			b.setLeaf(leaves+leaf, n)
			set(at.word, leafKey[T](leaf), 0, -1)
			leaf++
			continue
		}
		key, column, left, right := b.split(n)
		set(at.word, key, column, free-at.word)
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
			out[k] += uint32(load[T](nodes, j+4) + less(load[T](x, load[T](nodes, j+2)), load[T](nodes, j)))
		}
	}
	for k := range out {
		out[k] = uint32(load[T](nodes, uint64(out[k])) - leafKey[T](0))
	}
}
