package onnx

import (
	"math"

	"ml-service/tree"
)

func treeEnsemble(n *node) (kernel, error) {
	n.types(0, floats...)
	if n.in[0].dtype == Float64 {
		return ensemble5[float64](n)
	}
	return ensemble5[float32](n)
}

// The enumerations of ai.onnx.ml 5. ONNX numbers SOFTMAX 1 and LOGISTIC 2; ONNX Runtime, whose answers count here, reads them
// the other way round.
var (
	aggregates5 = []tree.Aggregate{tree.Average, tree.Sum, tree.Min, tree.Max}
	transforms5 = []transform{transformNone, transformLogistic, transformSoftmax, transformSoftmaxZero, transformProbit}
	modes5      = []tree.Mode{tree.LEQ, tree.LT, tree.GTE, tree.GT, tree.EQ, tree.NEQ, tree.Member}
)

// number gives an enumeration: an int below count.
func (n *node) number(name string, otherwise int64, count int) int64 {
	v := n.int(name, otherwise)
	if v < 0 || v >= int64(count) {
		n.fail(n.unsupported([]string{"0 to " + string(rune('0'+count-1))}, "%s %d is not supported", name, v))
		return 0
	}
	return v
}

func ensemble5[T float32 | float64](n *node) (kernel, error) {
	targets := n.int("n_targets", 1)
	if targets < 1 || targets > tree.MaxTargets {
		return nil, n.invalid("n_targets is %d", targets)
	}
	post := transforms5[n.number("post_transform", 0, len(transforms5))]
	if targets == 1 && post != transformNone && post != transformProbit {
		return nil, n.oneTarget(post)
	}
	s := tree.Spec[T]{Features: n.needed(n.shorts("nodes_featureids")), Targets: int(targets)}
	s.Aggregate = aggregates5[n.number("aggregate_function", 1, len(aggregates5))]
	nodes5(n, &s)
	if n.err != nil {
		return nil, n.err
	}
	if len(s.Roots) > maxTrees {
		return nil, n.unsupported([]string{"fewer trees"}, "more than %d trees", maxTrees)
	}
	e, err := tree.Compile(s)
	if err != nil {
		return nil, n.invalid("%v", err)
	}
	n.set(0, n.in[0].dtype, n.rows(0), int(targets))
	return newForest(n, e, post), nil
}

// nodes5 reads nodes and leaves: the leaves, a table of their own in the file, come behind the nodes. Faults are left in n.err.
func nodes5[T float32 | float64](n *node, s *tree.Spec[T]) {
	features := n.shorts("nodes_featureids")
	splits, weights := tensorOf[T](n, "nodes_splits", n.tensor("nodes_splits")), tensorOf[T](n, "leaf_weights", n.tensor("leaf_weights"))
	modes, targets := n.tensor("nodes_modes"), n.ints("leaf_targetids")
	if modes == nil || modes.DType != Uint8 {
		n.fail(n.invalid("nodes_modes is no tensor of uint8"))
		return
	}
	yes, no, yesLeaf, noLeaf := n.ints("nodes_truenodeids"), n.ints("nodes_falsenodeids"), n.ints("nodes_trueleafs"), n.ints("nodes_falseleafs")
	missing := n.ints("nodes_missing_value_tracks_true")
	lists := map[string]int{"nodes_splits": len(splits), "nodes_modes": len(modes.I64), "nodes_truenodeids": len(yes), "nodes_falsenodeids": len(no),
		"nodes_trueleafs": len(yesLeaf), "nodes_falseleafs": len(noLeaf)}
	if missing != nil {
		lists["nodes_missing_value_tracks_true"] = len(missing)
	}
	if t := n.tensor("nodes_hitrates"); t != nil {
		lists["nodes_hitrates"] = t.Len()
	}
	n.sameLength("nodes_featureids", len(features), lists)
	n.sameLength("leaf_weights", len(weights), map[string]int{"leaf_targetids": len(targets)})
	if n.err != nil {
		return
	}
	count := len(features)
	s.Nodes = make([]tree.Node[T], count+len(weights))
	s.Weights = make([]tree.Weight[T], len(weights))
	for i, w := range weights {
		if targets[i] < 0 || targets[i] >= int64(s.Targets) {
			n.fail(n.invalid("leaf_targetids[%d] is %d, want 0 to %d", i, targets[i], s.Targets-1))
			return
		}
		s.Weights[i] = tree.Weight[T]{Target: int32(targets[i]), Value: w}
		s.Nodes[count+i] = tree.Node[T]{True: -1, False: -1, Leaf: int32(i), Weights: 1}
	}
	child := func(id, leaf int64) int32 {
		switch {
		case leaf == 0 && id >= 0 && id < int64(count):
			return int32(id)
		case leaf == 1 && id >= 0 && id < int64(len(weights)):
			return int32(count) + int32(id)
		}
		return -1
	}
	members := int32(0)
	for i := range features {
		d := tree.Node[T]{Threshold: splits[i], True: child(yes[i], yesLeaf[i]), False: child(no[i], noLeaf[i])}
		switch m := modes.I64[i]; {
		case m >= int64(len(modes5)):
			n.fail(n.unsupported([]string{"0 to 6"}, "nodes_modes[%d] is %d", i, m))
		case features[i] < 0 || features[i] >= tree.MaxFeatures:
			n.fail(n.invalid("nodes_featureids[%d] is %d", i, features[i]))
		case d.True < 0 || d.False < 0:
			n.fail(n.invalid("node %d has children %d and %d (leaves: %d, %d), which are not both there", i, yes[i], no[i], yesLeaf[i], noLeaf[i]))
		default:
			d.Mode, d.Feature = modes5[m], features[i]
		}
		if n.err != nil {
			return
		}
		if missing != nil && missing[i] == 1 {
			d.MissingTrue, n.missing = true, true
		}
		if d.Mode == tree.Member {
			d.Set = members
			members++
		}
		s.Nodes[i] = d
	}
	roots5(n, s, count)
	s.Sets = sets5(n, tensorOf[T](n, "membership_values", n.tensor("membership_values")), int(members))
}

func roots5[T float32 | float64](n *node, s *tree.Spec[T], count int) {
	for i, r := range n.ints("tree_roots") {
		if r < 0 || r >= int64(count) {
			n.fail(n.invalid("tree_roots[%d] is %d, want one of %d nodes", i, r, count))
			return
		}
		s.Roots = append(s.Roots, int32(r))
	}
}

// sets5 splits the members at NaN, one set for each node that asks for membership.
func sets5[T float32 | float64](n *node, values []T, count int) [][]T {
	var sets [][]T
	start := 0
	for i, v := range values {
		if math.IsNaN(float64(v)) {
			sets = append(sets, values[start:i:i])
			start = i + 1
		}
	}
	if start < len(values) {
		sets = append(sets, values[start:])
	}
	if len(sets) != count {
		n.fail(n.invalid("membership_values has %d sets, %d nodes ask for one", len(sets), count))
	}
	return sets
}
