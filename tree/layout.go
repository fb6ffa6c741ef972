package tree

import (
	"slices"
	"unsafe"
)

// lanes is how many trees go down a row side by side: as many as keep the processor busy while each waits for its memory.
const lanes = 8

// layout names how trees are kept.
type layout uint8

const (
	walked layout = iota // as the Spec has them, every mode, shared nodes
	heaped               // complete trees: children by place
	linked               // children by link
)

// A group is up to eight consecutive trees in one of the fast layouts. The assembly knows this struct.
type group struct {
	nodes  unsafe.Pointer // this group's words of run.nodes
	values unsafe.Pointer // the values of its leaves, where a leaf is one value; else nil
	depth  int            // steps after which every lane is at a leaf
}

// A run is consecutive trees in one layout; all its groups but the last have eight of them.
type run[T Float] struct {
	layout layout
	first  int // index of its first tree
	trees  int
	groups []group
	leaves []int // per group: where its leaves start in leafTable
	nodes  words[T]
}

// leafTable is what leaves give: one value each, or a range of the weights.
type leafTable[T Float] struct {
	values []T
	spans  []weightRange
}

type weightRange struct{ first, n int32 }

// grow adds n leaves that give 0, or nothing, and returns the place of the first.
func (l *leafTable[T]) grow(n int, plain bool) int {
	if plain {
		l.values = append(l.values, make([]T, n)...)
		return len(l.values) - n
	}
	l.spans = append(l.spans, make([]weightRange, n)...)
	return len(l.spans) - n
}

// builder lays out one ensemble.
type builder[T Float] struct {
	s       *Spec[T]
	shape   *shape
	columns *columns[T]
	plain   bool // leaves are single values
	leaves  leafTable[T]
	stack   []slot // of link
}

// The words of a group's nodes in the two fast layouts, and its places for leaves.
func heapLeaves(depth int) int   { return lanes << depth }
func linkedLeaves(inner int) int { return inner + lanes }
func heapWords[T Float](depth int) int {
	n := lanes * (1<<depth - 1)
	if wide[T]() {
		return n + n/2
	}
	return 2 * n
}
func linkedWords[T Float](inner int) int { return int(pairWords[T]()) * (inner + lanes/2) }

func (b *builder[T]) fast(t int) bool {
	return !b.shape.mustWalk[t] && linkedLeaves(int(b.shape.inner[t]))*lanes < 1<<leafBits
}

const maxHeapDepth = 12

// measure is the depth and the number of inner nodes of consecutive trees.
func (b *builder[T]) measure(roots []int32, first int) (depth, inner int) {
	for i, root := range roots {
		depth = max(depth, int(b.shape.depth[root]))
		inner += int(b.shape.inner[first+i])
	}
	return depth, inner
}

// plan cuts the trees into runs. Trees that no fast layout can hold are walked.
func (b *builder[T]) plan() []run[T] {
	var runs []run[T]
	roots := b.s.Roots
	for t, end := 0, 0; t < len(roots); t = end {
		l := walked
		for end = t; end < len(roots) && end < t+lanes && b.fast(end); end++ {
			l = linked
		}
		if l == walked {
			end = t + 1
		} else if depth, inner := b.measure(roots[t:end], t); depth <= maxHeapDepth &&
			heapWords[T](depth)+heapLeaves(depth) <= 2*(linkedWords[T](inner)+linkedLeaves(inner)) {
			l = heaped
		}
		if k := len(runs) - 1; k >= 0 && runs[k].layout == l && (l == walked || runs[k].trees%lanes == 0) {
			runs[k].trees += end - t
		} else {
			runs = append(runs, run[T]{layout: l, first: t, trees: end - t})
		}
	}
	return runs
}

// lay fills the groups of a run.
func (b *builder[T]) lay(r *run[T]) {
	if r.layout == walked {
		return
	}
	type part struct{ first, end, depth, words, leaves int }
	var parts []part
	words, leaves := 0, 0
	for t, end := r.first, r.first+r.trees; t < end; t += lanes {
		p := part{first: t, end: min(t+lanes, end)}
		var inner int
		p.depth, inner = b.measure(b.s.Roots[p.first:p.end], p.first)
		if r.layout == heaped {
			p.words, p.leaves = heapWords[T](p.depth), heapLeaves(p.depth)
		} else {
			p.words, p.leaves = linkedWords[T](inner), linkedLeaves(inner)
		}
		words, leaves = words+p.words, leaves+p.leaves
		parts = append(parts, p)
	}
	r.nodes = newWords[T](words)
	first := b.leaves.grow(leaves, b.plain)
	words, leaves = 0, first
	for _, p := range parts {
		roots := b.s.Roots[p.first:p.end]
		if r.layout == heaped {
			b.heap(r.nodes, words, leaves, roots, p.depth)
		} else {
			b.link(r.nodes, words, leaves, roots)
		}
		r.groups = append(r.groups, group{nodes: r.nodes.at(words), depth: p.depth})
		r.leaves = append(r.leaves, leaves)
		words, leaves = words+p.words, leaves+p.leaves
	}
	r.groups = slices.Clip(r.groups)
}

// setLeaf puts what a node of the Spec gives into a place of the leaf table.
func (b *builder[T]) setLeaf(place int, n *Node[T]) {
	switch {
	case !b.plain:
		b.leaves.spans[place] = weightRange{n.Leaf, n.Weights}
	case n.Weights > 0:
		b.leaves.values[place] = b.s.Weights[n.Leaf].Value
	}
}

// split is a node's comparison and its children, left first.
func (b *builder[T]) split(n *Node[T]) (key, column uint64, left, right int32) {
	s, ok := splitOf(n)
	if !ok {
		return 1, b.columns.placeOfTest(n), n.True, n.False
	}
	key, column = s.key(), b.columns.place(n.Feature, s.negated)
	if s.trueRight {
		return key, column, n.False, n.True
	}
	return key, column, n.True, n.False
}
