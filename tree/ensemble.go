package tree

import (
	"fmt"
	"slices"
	"sync"
	"unsafe"
)

// Ensemble is a compiled Spec: immutable, and safe for use by many goroutines at once.
type Ensemble[T Float] struct {
	features, targets, trees int
	steps                    int // nodes that one row passes at most

	aggregate Aggregate
	base      []T // added last
	first     []T // where sums start; nil: 0
	weights   []Weight[T]
	leafKind  leafKind
	target    []int32 // per tree, where every leaf gives one value to the tree's target
	always    []bool  // per target: every row reaches it; nil where that depends on the row

	runs    []run[T]
	leaves  leafTable[T]
	columns *columns[T]
	plain   *plain[T] // nil where no run is walked
	roots   []int32   // of the walked trees; by tree

	block   int // rows evaluated at a time
	scratch sync.Pool
}

// Compile checks a Spec and lays it out for evaluation. It keeps nothing of the Spec's slices. A wrong index, a cycle or an
// ensemble beyond the limits is an error that says where.
func Compile[T Float](s Spec[T]) (*Ensemble[T], error) {
	sh, err := check(&s)
	if err != nil {
		return nil, fmt.Errorf("tree ensemble: %w", err)
	}
	e := &Ensemble[T]{
		features: s.Features, targets: s.Targets, trees: len(s.Roots),
		aggregate: s.Aggregate, base: slices.Clone(s.Base), columns: newColumns(&s, sh),
	}
	if s.BaseFirst && len(s.Base) > 0 {
		e.base, e.first = nil, e.base
	}
	e.leafKind, e.target, e.always = leafKindOf(&s, sh)
	b := &builder[T]{s: &s, shape: sh, columns: e.columns, plain: e.leafKind == value || e.leafKind == values}
	e.runs = b.plan()
	for i := range e.runs {
		b.lay(&e.runs[i])
		if e.runs[i].layout == walked && e.plain == nil {
			e.plain, e.roots = newPlain(&s), slices.Clone(s.Roots)
		}
	}
	e.leaves, e.columns.testAt = b.leaves, nil
	if !b.plain || e.plain != nil {
		e.weights = slices.Clone(s.Weights)
	}
	if b.plain {
		for i := range e.runs {
			r := &e.runs[i]
			for g := range r.groups {
				r.groups[g].values = unsafe.Pointer(&e.leaves.values[r.leaves[g]])
			}
		}
	}
	for _, root := range s.Roots {
		e.steps += 1 + int(sh.depth[root])
	}
	e.prepare()
	return e, nil
}

// Features is the width of a row.
func (e *Ensemble[T]) Features() int { return e.features }

// Targets is the width of an answer.
func (e *Ensemble[T]) Targets() int { return e.targets }

// Trees is the number of trees.
func (e *Ensemble[T]) Trees() int { return e.trees }

// Steps is how many nodes, leaves included, a row passes at most.
func (e *Ensemble[T]) Steps() int { return e.steps }

// Scratch is how many bytes a call of Eval for so many rows needs at most beside its arguments. They are kept for the next call.
func (e *Ensemble[T]) Scratch(rows int) int {
	return min(rows, e.block)*(e.columns.width()*8+lanes*4+e.targets) + 16
}
