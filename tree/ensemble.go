package tree

import (
	"fmt"
	"slices"
	"sync"
)

// Ensemble is a compiled Spec: immutable, and safe for use by many goroutines at once.
type Ensemble[T Float] struct {
	features, targets int
	aggregate         Aggregate
	base              []T
	roots             []int32
	weights           []Weight[T]
	plain             *plain[T]
	reached           sync.Pool // of *[]bool, targets long
}

// Compile checks a Spec and lays it out for evaluation. It keeps nothing of the Spec's slices. A wrong index, a cycle or an ensemble
// beyond the limits is an error that says where.
func Compile[T Float](s Spec[T]) (*Ensemble[T], error) {
	if _, err := check(&s); err != nil {
		return nil, fmt.Errorf("tree ensemble: %w", err)
	}
	e := &Ensemble[T]{
		features: s.Features, targets: s.Targets, aggregate: s.Aggregate,
		base: slices.Clone(s.Base), roots: slices.Clone(s.Roots), weights: slices.Clone(s.Weights),
		plain: newPlain(&s),
	}
	e.reached.New = func() any { r := make([]bool, e.targets); return &r }
	return e, nil
}

// Features is the width of a row.
func (e *Ensemble[T]) Features() int { return e.features }

// Targets is the width of an answer.
func (e *Ensemble[T]) Targets() int { return e.targets }

// Trees is the number of trees.
func (e *Ensemble[T]) Trees() int { return len(e.roots) }

// Eval evaluates rows of x (rows*Features values, row-major) into dst (rows*Targets values, row-major), without any post
// transform. It allocates nothing. It panics where x or dst is too short.
func (e *Ensemble[T]) Eval(dst, x []T, rows int) {
	buf := e.reached.Get().(*[]bool)
	for r := range rows {
		e.row(dst[r*e.targets:(r+1)*e.targets:(r+1)*e.targets], *buf, x[r*e.features:(r+1)*e.features])
	}
	e.reached.Put(buf)
}

// EvalReached is Eval which also says, per row and target, whether any leaf of the row gave that target a weight
// (reached is rows*Targets long). It is slower than Eval.
func (e *Ensemble[T]) EvalReached(dst []T, reached []bool, x []T, rows int) {
	for r := range rows {
		at, end := r*e.targets, (r+1)*e.targets
		e.row(dst[at:end:end], reached[at:end:end], x[r*e.features:(r+1)*e.features])
	}
}

// row evaluates one row by the plain walk.
func (e *Ensemble[T]) row(out []T, hit []bool, x []T) {
	clear(out)
	clear(hit)
	for _, root := range e.roots {
		leaf := e.plain.leaf(root, x)
		for _, w := range e.weights[leaf.Leaf : leaf.Leaf+leaf.Weights] {
			switch {
			case e.aggregate <= Average:
				out[w.Target] += w.Value
			case !hit[w.Target], e.aggregate == Min && w.Value < out[w.Target], e.aggregate == Max && w.Value > out[w.Target]:
				out[w.Target] = w.Value
			}
			hit[w.Target] = true
		}
	}
	e.finish(out, hit)
}

// finish divides an average and adds the base values.
func (e *Ensemble[T]) finish(out []T, hit []bool) {
	if e.aggregate == Average {
		n := T(len(e.roots))
		for k := range out {
			out[k] /= n
		}
	}
	for k, b := range e.base {
		if e.targets == 1 || hit[k] {
			out[k] += b
		}
	}
}
