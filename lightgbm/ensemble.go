package lightgbm

import (
	"errors"
	"fmt"
	"math"

	"ml-service/tree"
)

// zero is the size up to which a value counts as 0: 1e-35 as float32.
const zero = 1.0000000180025095e-35

// use is how a split reads a feature.
type use uint8

const (
	number   use = iota // as it is
	category            // its whole part
	sparse              // a zero is missing
	uses     = iota
)

// source is where a column that the trees read comes from.
type source struct {
	feature int
	use     use
}

// place is a node of the file, and of the Spec.
type place struct{ from, to int32 }

// builder makes one ensemble of the trees.
type builder struct {
	spec     tree.Spec[float64]
	features int
	places   []int32 // 1 and the column of the trees, of each feature and use; 0: there is none
	seen     []bool  // of add, as is stack
	stack    []place
	sources  []source
	members  int
}

// ensemble compiles the trees. Where any is linear, tree t gives the number of its leaf to target t instead of values to outputs.
func (d *document) ensemble(linear bool) (e *tree.Ensemble[float64], sources []source, err error) {
	b := &builder{features: d.features, places: make([]int32, d.features*uses)}
	b.spec.Targets = d.perRound
	if linear {
		b.spec.Targets = len(d.trees)
	}
	leaves := 0
	for i := range d.trees {
		leaves = min(leaves+d.trees[i].leaves, tree.MaxNodes/2)
	}
	b.spec.Nodes, b.spec.Weights = make([]tree.Node[float64], 0, 2*leaves), make([]tree.Weight[float64], 0, leaves)
	for i := range d.trees {
		t := &d.trees[i]
		target, values := i%d.perRound, t.values
		if linear {
			target, values = i, nil
		}
		if err := b.add(t, int32(target), values); err != nil {
			return nil, nil, fmt.Errorf("tree %d: %w", i, err)
		}
	}
	b.spec.Features = len(b.sources)
	if b.plain() { // the rows are read as they come
		for i := range b.spec.Nodes {
			if n := &b.spec.Nodes[i]; n.True >= 0 {
				n.Feature = int32(b.sources[n.Feature].feature)
			}
		}
		b.sources, b.spec.Features = nil, d.features
	}
	e, err = tree.Compile(b.spec)
	return e, b.sources, err
}

func (b *builder) plain() bool {
	for _, s := range b.sources {
		if s.use != number {
			return false
		}
	}
	return true
}

// column is the place of a feature in the rows that the trees read.
func (b *builder) column(feature int32, u use) (int32, error) {
	if feature < 0 || int(feature) >= b.features {
		return 0, fmt.Errorf("feature %d is not one of %d", feature, b.features)
	}
	at := &b.places[int(feature)*uses+int(u)]
	if *at == 0 {
		b.sources = append(b.sources, source{int(feature), u})
		*at = int32(len(b.sources))
	}
	return *at - 1, nil
}

// add appends the nodes that the root reaches.
func (b *builder) add(t *treeDoc, target int32, values []float64) error {
	s := &b.spec
	if len(s.Nodes)+2*t.leaves > tree.MaxNodes {
		return fmt.Errorf("the trees have more than %d nodes", tree.MaxNodes)
	}
	sets, err := b.sets(t)
	if err != nil {
		return err
	}
	if n := 2*t.leaves - 1; n > len(b.seen) {
		b.seen = make([]bool, n)
	}
	seen := b.seen[:2*t.leaves-1]
	clear(seen)
	leaves, inner := seen[:t.leaves], seen[t.leaves:]
	s.Roots = append(s.Roots, int32(len(s.Nodes)))
	s.Nodes = append(s.Nodes, tree.Node[float64]{})
	stack := append(b.stack[:0], place{0, int32(len(s.Nodes) - 1)})
	if t.leaves == 1 {
		stack[0].from = -1
	}
	for len(stack) > 0 {
		p := stack[len(stack)-1]
		stack = stack[:len(stack)-1]
		if p.from < 0 {
			leaf := ^p.from
			if int(leaf) >= t.leaves || leaves[leaf] {
				return fmt.Errorf("leaf %d of %d is not there, or is reached twice", leaf, t.leaves)
			}
			leaves[leaf] = true
			v := float64(leaf)
			if values != nil {
				v = values[leaf]
			}
			s.Nodes[p.to] = tree.Node[float64]{True: -1, False: -1, Leaf: int32(len(s.Weights)), Weights: 1}
			s.Weights = append(s.Weights, tree.Weight[float64]{Target: target, Value: v})
			continue
		}
		if int(p.from) >= len(inner) || inner[p.from] {
			return fmt.Errorf("node %d of %d is not there, or is reached twice", p.from, len(inner))
		}
		inner[p.from] = true
		n, err := b.split(t, p.from, sets)
		if err != nil {
			return fmt.Errorf("node %d: %w", p.from, err)
		}
		n.True, n.False = int32(len(s.Nodes)), int32(len(s.Nodes)+1)
		s.Nodes = append(s.Nodes, tree.Node[float64]{}, tree.Node[float64]{})
		s.Nodes[p.to] = n
		stack = append(stack, place{t.right[p.from], n.False}, place{t.left[p.from], n.True})
	}
	b.stack = stack
	return nil
}

// split turns a node into one whose true child is the left one.
func (b *builder) split(t *treeDoc, i int32, sets int32) (n tree.Node[float64], err error) {
	kind, threshold := t.types[i], t.thresholds[i]
	defaultLeft := kind&2 != 0
	u := number
	switch {
	case kind&1 != 0:
		k := int(threshold)
		if float64(k) != threshold || k < 0 || k >= len(t.bounds)-1 {
			return n, fmt.Errorf("category set %v is not one of %d", threshold, max(len(t.bounds)-1, 0))
		}
		n.Mode, n.Set, u = tree.Member, sets+int32(k), category
	case kind>>2&3 == 0: // NaN is 0
		n.Threshold, n.MissingTrue = beyondZero(threshold), threshold >= 0
	case kind>>2&3 == 1:
		n.Threshold, n.MissingTrue, u = threshold, defaultLeft, sparse
	case kind>>2&3 == 2:
		n.Threshold, n.MissingTrue = beyondZero(threshold), defaultLeft
	default:
		return n, fmt.Errorf("decision type %d is not supported", kind)
	}
	if threshold != threshold {
		return n, errors.New("the threshold is NaN")
	}
	n.Feature, err = b.column(t.feature[i], u)
	return n, err
}

// beyondZero is the threshold that parts the same values without their small ones made 0 before.
func beyondZero(t float64) float64 {
	switch {
	case t >= 0 && t < zero:
		return zero
	case t < 0 && t >= -zero:
		return math.Nextafter(-zero, -1)
	}
	return t
}

// sets appends the category sets of a tree, and says where the first is.
func (b *builder) sets(t *treeDoc) (first int32, err error) {
	first = int32(len(b.spec.Sets))
	for k := 1; k < len(t.bounds); k++ {
		from, to := t.bounds[k-1], t.bounds[k]
		if from < 0 || from > to || int(to) > len(t.bits) {
			return 0, fmt.Errorf("cat_boundaries: %d to %d of %d words", from, to, len(t.bits))
		}
		var set []float64
		for w, word := range t.bits[from:to] {
			for bit := range 32 {
				if word>>bit&1 != 0 {
					set = append(set, float64(32*w+bit))
				}
			}
		}
		if b.members += len(set); b.members > maxMembers {
			return 0, fmt.Errorf("the splits hold more than %d categories", maxMembers)
		}
		b.spec.Sets = append(b.spec.Sets, set)
	}
	return first, nil
}

// take makes a row of the trees' columns of a row of features.
func take(to, row []float64, sources []source) {
	for i, s := range sources {
		v := row[s.feature]
		switch {
		case s.use == category:
			v = math.Trunc(v)
		case s.use == sparse && v >= -zero && v <= zero:
			v = math.NaN()
		}
		to[i] = v
	}
}
