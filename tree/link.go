package tree

import "unsafe"

// The linked layout: nodes in pairs of siblings. A pair is six words: both keys, both columns, both links, so that a node's are at j,
// j+2 and j+4, where j is its key's word; of float64 it is four words, j+2 having the column in its low half and the link in its high one. A link leads from a node to its left child, as a difference; the right child is
// one word further. Every row goes right at a leaf, whose link is -1: it stays where it is. The roots are the first
// four pairs. The children of the larger of two siblings come next after it, so that a row often finds its next node in the same cache line.
func pairWords[T Float]() int32 {
	if wide[T]() {
		return 4
	}
	return 6
}

// rootWord is the word of the key of a lane's root.
func rootWord[T Float](lane uint32) uint32 { return lane/2*uint32(pairWords[T]()) + lane%2 }

type slot struct{ node, word int32 }

func (b *builder[T]) link(nodes words[T], first, leaves int, roots []int32) {
	set := func(word int32, key, column uint64, link int32) {
		nodes.set(first+int(word), key)
		if wide[T]() {
			nodes.set(first+int(word)+2, uint64(uint32(link))<<32|column)
			return
		}
		nodes.set(first+int(word)+2, column)
		nodes.set(first+int(word)+4, uint64(link))
	}
	leaf := 0
	stack := b.stack[:0]
	for k := range int32(lanes) {
		word := int32(rootWord[T](uint32(k)))
		if int(k) < len(roots) {
			stack = append(stack, slot{roots[k], word})
		} else {
			set(word, leafKey[T](leaf), 0, -1)
			leaf++
		}
	}
	free := lanes / 2 * pairWords[T]()
	for len(stack) > 0 {
		at := stack[len(stack)-1]
		stack = stack[:len(stack)-1]
		n := &b.s.Nodes[at.node]
		if n.leaf() {
			b.setLeaf(leaves+leaf, n)
			set(at.word, leafKey[T](leaf), 0, -1)
			leaf++
			continue
		}
		key, column, left, right := b.split(n)
		set(at.word, key, column, free-at.word)
		light, heavy := slot{left, free}, slot{right, free + 1}
		if b.shape.below[left] > b.shape.below[right] {
			light, heavy = heavy, light
		}
		stack = append(stack, light, heavy)
		free += pairWords[T]()
	}
	b.stack = stack
}

// linkedRow is the leaf of each lane for one row.
func linkedRow[T Float](out *[lanes]uint32, x, nodes unsafe.Pointer, depth int) {
	for k := range uint32(lanes) {
		out[k] = rootWord[T](k)
	}
	for range depth {
		for k := range out {
			j := uint64(out[k])
			column, link := load[T](nodes, j+2), uint64(0)
			if wide[T]() {
				column, link = column&(1<<32-1), column>>32
			} else {
				link = load[T](nodes, j+4)
			}
			out[k] += uint32(link + less(load[T](x, column), load[T](nodes, j)))
		}
	}
	for k := range out {
		out[k] = uint32(load[T](nodes, uint64(out[k])) - leafKey[T](0))
	}
}
