package onnx

import (
	"math"
	"slices"

	"ml-service/tree"
)

// Attributes that TreeEnsembleClassifier and TreeEnsembleRegressor share; ai.onnx.ml 3 added the tensors.
var (
	treeAttributes = []string{"base_values", "nodes_falsenodeids", "nodes_featureids", "nodes_hitrates", "nodes_missing_value_tracks_true",
		"nodes_modes", "nodes_nodeids", "nodes_treeids", "nodes_truenodeids", "nodes_values", "post_transform"}
	treeTensors         = []string{"base_values_as_tensor", "nodes_hitrates_as_tensor", "nodes_values_as_tensor"}
	regressorAttributes = []string{"aggregate_function", "n_targets", "target_ids", "target_nodeids", "target_treeids", "target_weights"}
	classAttributes     = []string{"class_ids", "class_nodeids", "class_treeids", "class_weights", "classlabels_int64s", "classlabels_strings"}
)

var treeOperators = []operator{
	{name: "TreeEnsembleRegressor", domain: mlDomain, since: 1, until: 2, inputs: exactlyOne, outputs: exactlyOne, regresses: always, rows: rowsOfMatrices, work: workByRow,
		attributes: slices.Concat(treeAttributes, regressorAttributes), compile: treeRegressor},
	{name: "TreeEnsembleRegressor", domain: mlDomain, since: 3, inputs: exactlyOne, outputs: exactlyOne, regresses: always, rows: rowsOfMatrices, work: workByRow,
		attributes: slices.Concat(treeAttributes, regressorAttributes, treeTensors, []string{"target_weights_as_tensor"}), compile: treeRegressor},
	{name: "TreeEnsembleClassifier", domain: mlDomain, since: 1, until: 2, inputs: exactlyOne, outputs: arity{1, 2}, rows: rowsOfMatrices, work: workByRow,
		attributes: slices.Concat(treeAttributes, classAttributes), compile: treeClassifier},
	{name: "TreeEnsembleClassifier", domain: mlDomain, since: 3, inputs: exactlyOne, outputs: arity{1, 2}, rows: rowsOfMatrices, work: workByRow,
		attributes: slices.Concat(treeAttributes, classAttributes, treeTensors, []string{"class_weights_as_tensor"}), compile: treeClassifier},
	{name: "TreeEnsemble", domain: mlDomain, since: 5, inputs: exactlyOne, outputs: exactlyOne, regresses: always, rows: rowsOfMatrices, work: workByRow,
		attributes: []string{"aggregate_function", "leaf_targetids", "leaf_weights", "membership_values", "n_targets", "nodes_falseleafs",
			"nodes_falsenodeids", "nodes_featureids", "nodes_hitrates", "nodes_missing_value_tracks_true", "nodes_modes", "nodes_splits",
			"nodes_trueleafs", "nodes_truenodeids", "post_transform", "tree_roots"}, compile: treeEnsemble},
}

func treeRegressor(n *node) (kernel, error) {
	n.types(0, numbers...)
	if n.in[0].dtype == Float64 {
		return regressTrees[float64](n)
	}
	return regressTrees[float32](n)
}

var aggregates = map[string]tree.Aggregate{"SUM": tree.Sum, "AVERAGE": tree.Average, "MIN": tree.Min, "MAX": tree.Max}

func regressTrees[T float32 | float64](n *node) (kernel, error) {
	targets := n.int("n_targets", 0)
	if targets < 1 || targets > tree.MaxTargets {
		return nil, n.invalid("n_targets is %d", targets)
	}
	post := n.transform()
	if targets == 1 && post != transformNone && post != transformProbit {
		return nil, n.oneTarget(post)
	}
	s := treeSpec[T](n, "target", int(targets))
	s.Aggregate = aggregates[n.mode("aggregate_function", "SUM", "AVERAGE", "MIN", "MAX")]
	s.Base = listOf[T](n, "base_values")
	if oneWeight(n, &s); n.err != nil {
		return nil, n.err
	}
	e, err := compileTrees(n, s)
	if err != nil {
		return nil, err
	}
	n.set(0, Float32, n.rows(0), int(targets))
	return newForest(n, e, post), nil
}

// oneWeight leaves every leaf of a single target one weight. Where a file lists several, ONNX Runtime takes one of them, which is
// understood only if they are equal; where it lists none, the leaf weighs 0, which a minimum counts.
func oneWeight[T float32 | float64](n *node, s *tree.Spec[T]) {
	if s.Targets > 1 || n.err != nil {
		return
	}
	for i := range s.Nodes {
		d := &s.Nodes[i]
		if d.True >= 0 || d.Weights == 1 {
			continue
		}
		if d.Weights == 0 {
			d.Leaf, d.Weights = int32(len(s.Weights)), 1
			s.Weights = append(s.Weights, tree.Weight[T]{})
			continue
		}
		for _, w := range s.Weights[d.Leaf : d.Leaf+d.Weights] {
			if w != s.Weights[d.Leaf] {
				n.fail(n.unsupported([]string{"one weight for each leaf"}, "node %d of tree %d has several weights for the only target",
					n.shorts("nodes_nodeids")[i], n.shorts("nodes_treeids")[i]))
				return
			}
		}
		d.Weights = 1
	}
}

// forest answers what its trees say, as TreeEnsembleRegressor and TreeEnsemble do.
type forest[T float32 | float64] struct {
	trees *tree.Ensemble[T]
	post  transform
}

// newForest makes the kernel of a node whose output is set.
func newForest[T float32 | float64](n *node, e *tree.Ensemble[T], post transform) kernel {
	n.walks(e)
	if n.out[0].dtype != Float64 && !single[T]() {
		n.scratch.row += int64(8 * e.Targets())
	}
	return (&forest[T]{e, post}).run
}

// ensemble is a tree.Ensemble of either type.
type ensemble interface {
	Steps() int
	Scratch(rows int) int
}

// walks counts what evaluating an ensemble takes.
func (n *node) walks(e ensemble) {
	n.perRow = e.Steps()
	n.scratch = n.scratch.plus(footprint{block: int64(e.Scratch(math.MaxInt)), blockRow: int64(e.Scratch(1))})
	if n.in[0].dtype != Float64 {
		n.converts(0)
	}
}

func (f *forest[T]) run(c *call) error {
	x, stride, rows, err := rowsOf[T](c, f.trees.Features())
	if err != nil {
		return err
	}
	targets := f.trees.Targets()
	out := c.out[0]
	if err := c.resize(out, rows, targets); err != nil {
		return err
	}
	dst := memory[T](c, out, rows*targets)
	f.trees.EvalStride(dst, nil, x, rows, stride)
	if f.post != transformNone {
		for r := range rows {
			apply(f.post, dst[r*targets:][:targets])
		}
	}
	roundInto(out, dst)
	return nil
}

// memory is where n values of T are computed for out: out itself if it holds such, else scratch.
func memory[T float32 | float64](c *call, out *Tensor, n int) []T {
	var dst any
	if out != nil && out.DType == Float32 {
		dst = &out.F32
	} else if out != nil {
		dst = &out.F64
	}
	if dst, ok := dst.(*[]T); ok {
		return *dst
	}
	return scratch[T](c, n)
}

func scratch[T float32 | float64](c *call, n int) []T {
	var s any = &c.one
	if s, ok := s.(*[]T); ok {
		*s = sized(*s, n)
		return *s
	}
	s = &c.one64
	t := s.(*[]T)
	*t = sized(*t, n)
	return *t
}

// roundInto rounds values that were computed in double into an output of float32.
func roundInto[T float32 | float64](out *Tensor, values []T) {
	if wide, ok := any(values).([]float64); ok && out.DType == Float32 {
		for i, v := range wide {
			out.F32[i] = float32(v)
		}
	}
}

// floatsOf gives input k in T.
func floatsOf[T float32 | float64](c *call, k int) []T {
	if wide, ok := any(c.in[k].F64).([]T); ok {
		return wide
	}
	return any(c.floats(k)).([]T)
}

// rowsOf gives the rows of input 0 in T and how many columns they have: those that the trees read, or more.
func rowsOf[T float32 | float64](c *call, features int) (x []T, stride, rows int, err error) {
	rows, stride, err = c.matrix(0)
	if err == nil && stride < features {
		err = c.fault(-1, 0, "input 0 has %d columns, want %d or more", stride, features)
	}
	return floatsOf[T](c, 0), stride, rows, err
}

// needed is the number of columns the input has, or must have at least where that is not known before running.
func (n *node) needed(features []int32) int {
	if w := n.columns(0); w >= 0 {
		return w
	}
	most := int32(0)
	for _, f := range features {
		most = max(most, f)
	}
	if most >= maxRow {
		n.fail(n.invalid("feature %d", most))
	}
	return int(most) + 1
}
