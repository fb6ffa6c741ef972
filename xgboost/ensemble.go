package xgboost

import (
	"fmt"
	"slices"
	"strconv"

	"ml-service/tree"
)

// used cuts the trees down to the rounds that XGBoost's scikit-learn API predicts with: up to the best one.
func (d *document) used(outputs int) (int, error) {
	starts := d.indptr
	if starts == nil {
		per := d.parallel * outputs
		if d.vectors() {
			per = d.parallel
		}
		if per == 0 || len(d.trees)%per != 0 {
			return 0, fmt.Errorf("%d trees are not rounds of %d", len(d.trees), per)
		}
		for i := 0; i <= len(d.trees); i += per {
			starts = append(starts, int64(i))
		}
	}
	if len(starts) == 0 || starts[0] != 0 || !slices.IsSorted(starts) || starts[len(starts)-1] != int64(len(d.trees)) {
		return 0, fmt.Errorf("iteration_indptr: want numbers that rise from 0 to %d, the number of trees", len(d.trees))
	}
	if d.bestRound == "" {
		return len(d.trees), nil
	}
	best, err := strconv.Atoi(d.bestRound)
	if err != nil || best < 0 || best >= len(starts)-1 {
		return 0, fmt.Errorf("attribute best_iteration: want a round of 0 to %d, got %q", len(starts)-2, d.bestRound)
	}
	return int(starts[best+1]), nil
}

func (d *document) vectors() bool { return len(d.trees) > 0 && d.trees[0].vector > 1 }

// builder makes one ensemble of the trees.
type builder struct {
	spec                 tree.Spec[float32]
	outputs              int
	numeric, categorical []bool // per feature: what its splits are
	seen                 []bool // of add, as is stack
	stack                []place
}

// place is a node of the file, and of the Spec.
type place struct{ from, to int32 }

// ensemble compiles the first trees of a document; nil where there are none.
func (d *document) ensemble(trees, outputs int, base []float32) (e *tree.Ensemble[float32], categorical []int, err error) {
	if len(d.info) != len(d.trees) {
		return nil, nil, fmt.Errorf("tree_info: want %d values, one a tree, got %d", len(d.trees), len(d.info))
	}
	if d.booster == "dart" && len(d.drop) != len(d.trees) {
		return nil, nil, fmt.Errorf("weight_drop: want %d values, one a tree, got %d", len(d.trees), len(d.drop))
	}
	b := &builder{outputs: outputs, numeric: make([]bool, d.features), categorical: make([]bool, d.features)}
	b.spec = tree.Spec[float32]{Features: d.features, Targets: outputs, Base: base, BaseFirst: true}
	nodes := 0
	for i := range d.trees[:trees] {
		nodes = min(nodes+len(d.trees[i].left), tree.MaxNodes)
	}
	b.spec.Nodes, b.spec.Weights = make([]tree.Node[float32], 0, nodes), make([]tree.Weight[float32], 0, nodes/2+1)
	for i := range d.trees[:trees] {
		scale := float32(1)
		if d.booster == "dart" {
			scale = d.drop[i]
		}
		if err := b.add(&d.trees[i], d.info[i], scale); err != nil {
			return nil, nil, fmt.Errorf("tree %d: %w", i, err)
		}
	}
	for f, is := range b.categorical {
		if is && b.numeric[f] {
			return nil, nil, fmt.Errorf("feature %d is split both as a number and as a category", f)
		}
		if is {
			categorical = append(categorical, f)
		}
	}
	if trees == 0 {
		return nil, nil, nil
	}
	e, err = tree.Compile(b.spec)
	return e, categorical, err
}

// add appends the nodes that the root reaches: pruned trees keep what was cut off.
func (b *builder) add(t *treeDoc, output int64, scale float32) error {
	sets, err := b.sets(t)
	if err != nil {
		return err
	}
	if t.vector > 1 && (t.vector != b.outputs || scale != 1) {
		return fmt.Errorf("leaves of %d values, want %d, and no dart", t.vector, b.outputs)
	}
	if t.vector < 2 && (output < 0 || output >= int64(b.outputs)) {
		return fmt.Errorf("output %d is not one of %d", output, b.outputs)
	}
	s := &b.spec
	if len(t.left) > len(b.seen) {
		b.seen = make([]bool, len(t.left))
	}
	seen := b.seen[:len(t.left)]
	clear(seen)
	s.Roots = append(s.Roots, int32(len(s.Nodes)))
	s.Nodes = append(s.Nodes, tree.Node[float32]{})
	stack := append(b.stack[:0], place{0, int32(len(s.Nodes) - 1)})
	for len(stack) > 0 {
		p := stack[len(stack)-1]
		stack = stack[:len(stack)-1]
		if seen[p.from] {
			return fmt.Errorf("node %d is reached twice", p.from)
		}
		seen[p.from] = true
		left, right := t.left[p.from], t.right[p.from]
		if left == -1 {
			n, err := b.leaf(t, p.from, output, scale)
			if err != nil {
				return fmt.Errorf("node %d: %w", p.from, err)
			}
			s.Nodes[p.to] = n
			continue
		}
		for _, c := range [...]int32{left, right} {
			if c < 0 || int(c) >= len(t.left) {
				return fmt.Errorf("node %d: child %d is not one of %d nodes", p.from, c, len(t.left))
			}
		}
		n, err := b.inner(t, p.from, sets)
		if err != nil {
			return fmt.Errorf("node %d: %w", p.from, err)
		}
		if len(s.Nodes) > tree.MaxNodes-2 {
			return fmt.Errorf("the trees have more than %d nodes", tree.MaxNodes)
		}
		first := int32(len(s.Nodes))
		s.Nodes = append(s.Nodes, tree.Node[float32]{}, tree.Node[float32]{})
		n.True, n.False = first, first+1
		if n.Mode == tree.Member { // a category of the set goes right
			n.True, n.False = n.False, n.True
		}
		s.Nodes[p.to] = n
		stack = append(stack, place{right, first + 1}, place{left, first})
	}
	b.stack = stack
	return nil
}

func (b *builder) inner(t *treeDoc, i int32, sets map[int64]int32) (tree.Node[float32], error) {
	f := t.feature[i]
	if f < 0 || int(f) >= len(b.numeric) {
		return tree.Node[float32]{}, fmt.Errorf("feature %d is not one of %d", f, len(b.numeric))
	}
	defaultLeft := t.defaultLeft[i] != 0
	if len(t.splitType) > 0 && t.splitType[i] != 0 {
		set, ok := sets[int64(i)]
		if t.splitType[i] != 1 || !ok {
			return tree.Node[float32]{}, fmt.Errorf("split type %d without categories", t.splitType[i])
		}
		b.categorical[f] = true
		return tree.Node[float32]{Feature: f, Mode: tree.Member, MissingTrue: !defaultLeft, Set: set}, nil
	}
	b.numeric[f] = true
	return tree.Node[float32]{Feature: f, Mode: tree.LT, MissingTrue: defaultLeft, Threshold: t.conditions[i]}, nil
}

func (b *builder) leaf(t *treeDoc, i int32, output int64, scale float32) (tree.Node[float32], error) {
	n := tree.Node[float32]{True: -1, False: -1, Leaf: int32(len(b.spec.Weights)), Weights: 1}
	if t.vector < 2 {
		b.spec.Weights = append(b.spec.Weights, tree.Weight[float32]{Target: int32(output), Value: t.conditions[i] * scale})
		return n, nil
	}
	values, at := t.baseWeights, int64(i) // before 3.2
	if len(t.leafWeights) > 0 {
		values, at = t.leafWeights, int64(max(t.right[i], 0))
	}
	size := int64(t.vector)
	if at > int64(len(values))/size-1 {
		return n, fmt.Errorf("leaf %d is not one of %d", at, int64(len(values))/size)
	}
	n.Weights = int32(size)
	for k, v := range values[at*size : (at+1)*size] {
		b.spec.Weights = append(b.spec.Weights, tree.Weight[float32]{Target: int32(k), Value: v})
	}
	return n, nil
}

// sets appends the categories of a tree's splits, and says which node has which.
func (b *builder) sets(t *treeDoc) (map[int64]int32, error) {
	if len(t.catStarts) != len(t.catNodes) || len(t.catSizes) != len(t.catNodes) {
		return nil, fmt.Errorf("categories: want as many segments and sizes as nodes, %d, got %d and %d", len(t.catNodes), len(t.catStarts), len(t.catSizes))
	}
	if len(t.catNodes) == 0 {
		return nil, nil
	}
	sets := make(map[int64]int32, len(t.catNodes))
	total := int64(0)
	for k, node := range t.catNodes {
		from, n := t.catStarts[k], t.catSizes[k]
		if from < 0 || n < 0 || from > int64(len(t.cats)) || n > int64(len(t.cats))-from {
			return nil, fmt.Errorf("categories %d to %d are outside of %d", from, from+n, len(t.cats))
		}
		if total += n; total > int64(len(t.cats)) { // so that segments that overlap cost no more than the file
			return nil, fmt.Errorf("the segments hold more than the %d categories", len(t.cats))
		}
		set := make([]float32, n)
		for i, c := range t.cats[from : from+n] {
			if c < 0 || c >= maxCode {
				return nil, fmt.Errorf("category %d is not one of 0 to %d", c, maxCode-1)
			}
			set[i] = float32(c)
		}
		sets[node] = int32(len(b.spec.Sets))
		b.spec.Sets = append(b.spec.Sets, set)
	}
	return sets, nil
}
