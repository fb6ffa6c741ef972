package catboost

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"

	"ml-service/tree"
)

// builder makes one ensemble of the trees. Their columns are the float features, the categories' codes and the statistics.
type builder struct {
	d     *document
	spec  tree.Spec[float64]
	tests []tree.Node[float64] // the splits that the trees name by number: Feature, Mode, Threshold, MissingTrue
}

// ensemble is what evaluates the trees.
type ensemble interface {
	Eval(dst, x []float64, rows int)
	Trees() int
	Scratch(rows int) int
}

// ensemble compiles the trees; nil: there are none.
func (d *document) ensemble() (ensemble, error) {
	if len(d.sizes) == 0 {
		return nil, nil
	}
	b := &builder{d: d}
	b.spec.Targets = d.dimension
	b.spec.Features = max(1, len(d.floats)+len(d.categories)+len(d.ctrs))
	if err := b.setTests(); err != nil {
		return nil, err
	}
	if len(d.steps) == 0 && slices.Max(d.sizes) <= tree.MaxSymmetricDepth {
		if e, err := b.symmetric(); !errors.Is(err, tree.ErrRanks) {
			return e, err
		}
	}
	return b.general()
}

// symmetric compiles trees all of whose levels have one split.
func (b *builder) symmetric() (ensemble, error) {
	d := b.d
	splits, values := 0, 0
	for i, size := range d.sizes {
		if size < 0 || int(size) > len(d.splits)-splits {
			return nil, fmt.Errorf("tree %d: splits %d to %d of %d", i, splits, splits+int(size), len(d.splits))
		}
		if d.dimension<<size > len(d.values)-values {
			return nil, fmt.Errorf("tree %d: a tree of depth %d wants more than the %d leaf values left", i, size, len(d.values)-values)
		}
		splits, values = splits+int(size), values+d.dimension<<size
	}
	e, err := tree.CompileSymmetric(tree.SymmetricSpec{Features: b.spec.Features, Targets: d.dimension, Tests: b.tests,
		Levels: d.splits[:splits], Depths: d.sizes, Leaves: d.values[:values]})
	if err != nil {
		return nil, err
	}
	return e, nil
}

// general compiles trees of any shape.
func (b *builder) general() (ensemble, error) {
	d := b.d
	at, first := 0, 0 // in the splits, and of symmetric trees in the values
	for i, size := range d.sizes {
		if size < 0 || int(size) > len(d.splits)-at {
			return nil, fmt.Errorf("tree %d: splits %d to %d of %d", i, at, at+int(size), len(d.splits))
		}
		var err error
		if len(d.steps) > 0 {
			err = b.grow(at, at+int(size))
		} else {
			first, err = b.complete(d.splits[at:at+int(size)], first)
		}
		if err != nil {
			return nil, fmt.Errorf("tree %d: %w", i, err)
		}
		at += int(size)
	}
	e, err := tree.Compile(b.spec)
	if err != nil {
		return nil, err
	}
	return e, nil
}

func (b *builder) setTests() error {
	floats := int32(len(b.d.floats))
	for i, f := range b.d.floats {
		if int(f.index) != i {
			return fmt.Errorf("float feature %d has index %d", i, f.index)
		}
		if f.missing < 0 || f.missing > 2 {
			return fmt.Errorf("float feature %d: NaN as %d is not supported", i, f.missing)
		}
		for _, v := range f.borders {
			b.tests = append(b.tests, tree.Node[float64]{Feature: int32(i), Mode: tree.GT, Threshold: float64(v), MissingTrue: f.missing == 2})
		}
	}
	for i, c := range b.d.categories {
		if int(c.index) != i {
			return fmt.Errorf("category feature %d has index %d", i, c.index)
		}
	}
	for _, o := range b.d.oneHot {
		if o.index < 0 || int(o.index) >= len(b.d.categories) {
			return fmt.Errorf("one-hot values of category %d of %d", o.index, len(b.d.categories))
		}
		for _, v := range o.values {
			b.tests = append(b.tests, tree.Node[float64]{Feature: floats + o.index, Mode: tree.EQ, Threshold: float64(v)})
		}
	}
	for i, c := range b.d.ctrs {
		for _, v := range c.borders {
			b.tests = append(b.tests, tree.Node[float64]{Feature: floats + int32(len(b.d.categories)+i), Mode: tree.GT, Threshold: float64(v)})
		}
	}
	for i, t := range b.tests {
		if t.Threshold != t.Threshold {
			return fmt.Errorf("split %d: the border is NaN", i)
		}
	}
	return nil
}

func (b *builder) test(split int32) (tree.Node[float64], error) {
	if split < 0 || int(split) >= len(b.tests) {
		return tree.Node[float64]{}, fmt.Errorf("split %d is not one of %d", split, len(b.tests))
	}
	return b.tests[split], nil
}

// leaf appends the values of a leaf, and the node that gives them.
func (b *builder) leaf(at int) (int32, error) {
	if at < 0 || at > len(b.d.values)-b.d.dimension {
		return 0, fmt.Errorf("leaf value %d is not one of %d", at, len(b.d.values))
	}
	if len(b.spec.Weights)+b.d.dimension > maxValues {
		return 0, fmt.Errorf("the leaves give more than %d values", maxValues)
	}
	n := tree.Node[float64]{True: -1, False: -1, Leaf: int32(len(b.spec.Weights)), Weights: int32(b.d.dimension)}
	for k, v := range b.d.values[at : at+b.d.dimension] {
		b.spec.Weights = append(b.spec.Weights, tree.Weight[float64]{Target: int32(k), Value: v})
	}
	return b.node(n), nil
}

func (b *builder) node(n tree.Node[float64]) int32 {
	b.spec.Nodes = append(b.spec.Nodes, n)
	return int32(len(b.spec.Nodes) - 1)
}

// complete appends a symmetric tree: every node of a level has the same split, and split j is bit j of the leaf's number. It gives
// the place of the next tree's values.
func (b *builder) complete(splits []int32, first int) (next int, err error) {
	if len(splits) > 24 || b.d.dimension<<len(splits) > len(b.d.values)-first {
		return 0, fmt.Errorf("a tree of depth %d wants %d leaf values more than there are", len(splits), b.d.dimension)
	}
	tests := make([]tree.Node[float64], len(splits))
	for i, s := range splits {
		if tests[i], err = b.test(s); err != nil {
			return 0, err
		}
	}
	var below func(level, number int) (int32, error)
	below = func(level, number int) (int32, error) {
		if level == len(tests) {
			return b.leaf(first + number*b.d.dimension)
		}
		at := b.node(tests[level])
		right, err := below(level+1, number|1<<level)
		if err != nil {
			return 0, err
		}
		left, err := below(level+1, number)
		b.spec.Nodes[at].True, b.spec.Nodes[at].False = right, left
		return at, err
	}
	root, err := below(0, 0)
	b.spec.Roots = append(b.spec.Roots, root)
	return first + b.d.dimension<<len(splits), err
}

// grow appends a tree of steps: from a node so many nodes on, left where the split does not hold, right where it does. A step of 0
// ends at the node's own leaf.
func (b *builder) grow(first, end int) error {
	if first >= end || end*4 > len(b.d.steps) || end > len(b.d.leaves) {
		return errors.New("want at least one node, with its steps and its leaf")
	}
	type place struct {
		from   int
		to     int32 // the node that it hangs below; -1: it is a root
		onTrue bool
	}
	seen := make([]bool, end-first)
	var stack []place
	hang := func(p place, child int32) {
		switch {
		case p.to < 0:
			b.spec.Roots = append(b.spec.Roots, child)
		case p.onTrue:
			b.spec.Nodes[p.to].True = child
		default:
			b.spec.Nodes[p.to].False = child
		}
	}
	stack = append(stack, place{from: first, to: -1})
	for len(stack) > 0 {
		p := stack[len(stack)-1]
		stack = stack[:len(stack)-1]
		if p.from >= end || seen[p.from-first] {
			return fmt.Errorf("node %d is not there, or is reached twice", p.from)
		}
		seen[p.from-first] = true
		left, right := int(binary.LittleEndian.Uint16(b.d.steps[4*p.from:])), int(binary.LittleEndian.Uint16(b.d.steps[4*p.from+2:]))
		if left == 0 && right == 0 {
			leaf, err := b.leaf(int(b.d.leaves[p.from]))
			if err != nil {
				return err
			}
			hang(p, leaf)
			continue
		}
		test, err := b.test(b.d.splits[p.from])
		if err != nil {
			return err
		}
		at := b.node(test)
		hang(p, at)
		for side, step := range [...]int{left, right} {
			onTrue := side == 1
			if step > 0 {
				stack = append(stack, place{p.from + step, at, onTrue})
				continue
			}
			leaf, err := b.leaf(int(b.d.leaves[p.from]))
			if err != nil {
				return err
			}
			hang(place{to: at, onTrue: onTrue}, leaf)
		}
	}
	return nil
}
