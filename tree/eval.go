package tree

import "unsafe"

// Rows are evaluated in blocks, so that a large batch stays in the middle caches while the trees pass over it, and large
// trees are not fetched for a few rows.
const (
	blockBytes = 256 << 10
	maxBlock   = 1024
	minBlock   = 8
)

// scratch is what one call needs beside its arguments.
type scratch[T Float] struct {
	rows    int             // that it has room for
	keys    words[T]        // of a block of rows
	leaves  [][lanes]uint32 // per row of a block: which leaf each lane reached
	reached []bool          // per row and target
}

// prepare sizes the blocks.
func (e *Ensemble[T]) prepare() {
	var z T
	e.block = min(max(blockBytes/(max(e.columns.width(), e.targets)*int(unsafe.Sizeof(z))), minBlock), maxBlock)
	e.scratch.New = func() any { return new(scratch[T]) }
}

// room makes room in s for rows.
func (e *Ensemble[T]) room(s *scratch[T], rows int) {
	if rows <= s.rows {
		return
	}
	s.rows, s.keys = rows, newWords[T](rows*e.columns.width())
	if e.leafKind != value {
		s.leaves = make([][lanes]uint32, rows)
	}
	if e.always == nil {
		s.reached = make([]bool, rows*e.targets)
	}
}

// Eval evaluates rows of x (rows*Features values, row-major) into dst (rows*Targets values, row-major), without any post
// transform. It allocates nothing in steady state. It panics where x or dst is too short.
func (e *Ensemble[T]) Eval(dst, x []T, rows int) { e.EvalStride(dst, nil, x, rows, e.features) }

// EvalReached is Eval which also says, per row and target, whether any leaf of the row gave that target a weight
// (reached is rows*Targets long).
func (e *Ensemble[T]) EvalReached(dst []T, reached []bool, x []T, rows int) {
	e.EvalStride(dst, reached[:rows*e.targets], x, rows, e.features)
}

// EvalStride is EvalReached of rows that are stride values apart, Features or more; what stands behind the features is not read.
// reached may be nil.
func (e *Ensemble[T]) EvalStride(dst []T, reached []bool, x []T, rows, stride int) {
	if stride < e.features {
		panic("tree: rows are shorter than their features")
	}
	x, dst = x[:rows*stride], dst[:rows*e.targets]
	s := e.scratch.Get().(*scratch[T])
	e.room(s, min(rows, e.block))
	for len(dst) > 0 {
		n := min(rows, e.block)
		hit := s.reached
		if reached != nil {
			hit, reached = reached[:n*e.targets], reached[n*e.targets:]
		}
		e.evalBlock(dst[:n*e.targets], hit, x[:n*stride], n, stride, s)
		dst, x, rows = dst[n*e.targets:], x[n*stride:], rows-n
	}
	e.scratch.Put(s)
}

// evalBlock evaluates at most block rows, the trees outside and the rows inside.
func (e *Ensemble[T]) evalBlock(dst []T, hit []bool, x []T, rows, stride int, s *scratch[T]) {
	if e.first == nil {
		clear(dst)
	}
	for at := 0; e.first != nil && at < len(dst); {
		at += copy(dst[at:], e.first)
	}
	if e.always == nil {
		clear(hit)
	}
	width := e.columns.width()
	e.columns.keys(s.keys, x, rows, stride)
	for i := range e.runs {
		r := &e.runs[i]
		switch {
		case r.layout == walked:
			e.walk(r, dst, hit, x, rows, stride)
		case e.leafKind == value:
			sum(r, dst[e.target[0]:], e.targets, s.keys, width, rows)
		default:
			for g := range r.groups {
				descend(r, g, s.leaves[:rows], s.keys, width)
				e.add(r, g, dst, hit, s.leaves[:rows])
			}
		}
	}
	for r := range rows {
		e.finish(dst[r*e.targets:(r+1)*e.targets], hit, r)
	}
}

// walk evaluates a run by the plain walk.
func (e *Ensemble[T]) walk(r *run[T], dst []T, hit []bool, x []T, rows, stride int) {
	for i := range rows {
		row, out := x[i*stride:(i+1)*stride], dst[i*e.targets:(i+1)*e.targets]
		for _, root := range e.roots[r.first : r.first+r.trees] {
			leaf := e.plain.leaf(root, row)
			e.take(out, hit, i, weightRange{leaf.Leaf, leaf.Weights})
		}
	}
}

// take adds the weights of a leaf to row i.
func (e *Ensemble[T]) take(out []T, hit []bool, i int, s weightRange) {
	for _, w := range e.weights[s.first : s.first+s.n] {
		if e.always != nil {
			out[w.Target] += w.Value
			continue
		}
		was := &hit[i*e.targets+int(w.Target)]
		switch {
		case e.aggregate <= Average:
			out[w.Target] += w.Value
		case !*was, e.aggregate == Min && w.Value < out[w.Target], e.aggregate == Max && w.Value > out[w.Target]:
			out[w.Target] = w.Value
		}
		*was = true
	}
}

// add gives each row what the leaves of its lanes hold, in the order of the trees.
func (e *Ensemble[T]) add(r *run[T], g int, dst []T, hit []bool, leaves [][lanes]uint32) {
	first := r.leaves[g]
	trees := min(lanes, r.trees-g*lanes)
	for i := range leaves {
		out := dst[i*e.targets : (i+1)*e.targets]
		for k, leaf := range leaves[i][:trees] {
			place := first + int(leaf)
			switch e.leafKind {
			case value, values:
				out[e.target[r.first+g*lanes+k]] += e.leaves.values[place]
			case vectors:
				at := int(e.leaves.spans[place].first)
				for t, w := range e.weights[at : at+len(out)] {
					out[t] += w.Value
				}
			default:
				e.take(out, hit, i, e.leaves.spans[place])
			}
		}
	}
}

// finish divides an average and adds the base values of row i.
func (e *Ensemble[T]) finish(out []T, hit []bool, i int) {
	if e.aggregate == Average {
		n := T(e.trees)
		for k := range out {
			out[k] /= n
		}
	}
	for k, b := range e.base {
		switch {
		case e.targets == 1, e.always != nil && e.always[k], e.always == nil && hit[i*e.targets+k]:
			out[k] += b
		}
	}
	if e.always != nil && hit != nil {
		copy(hit[i*e.targets:], e.always)
	}
}
