package onnx

import (
	"slices"

	"ml-service/tree"
)

// listOf gives a list of numbers that may be an attribute of floats or, as NAME_as_tensor, a tensor of float or double.
func listOf[T float32 | float64](n *node, name string) []T {
	var from []float32
	switch t := n.tensor(name + "_as_tensor"); {
	case t == nil:
		from = n.floats(name)
	case n.given(name):
		n.fail(n.invalid("both %s and %s_as_tensor are given", name, name))
	default:
		return tensorOf[T](n, name+"_as_tensor", t)
	}
	if same, ok := any(from).([]T); ok {
		return same
	}
	return convert[T](from)
}

// tensorOf gives the elements of a tensor attribute in T. Doubles are not squeezed into float32.
func tensorOf[T float32 | float64](n *node, name string, t *Tensor) []T {
	if t == nil {
		return nil
	}
	if same, ok := any(t.F32).([]T); ok && t.DType == Float32 {
		return same
	}
	if same, ok := any(t.F64).([]T); ok && t.DType == Float64 {
		return same
	}
	if t.DType != Float32 {
		n.fail(n.unsupported([]string{"float32", "float64 where the input is float64"}, "attribute %s is %s and the input %s", name, t.DType, n.in[0].dtype))
		return nil
	}
	return convert[T](t.F32)
}

func convert[T float32 | float64](from []float32) []T {
	if from == nil {
		return nil
	}
	to := make([]T, len(from))
	for i, v := range from {
		to[i] = T(v)
	}
	return to
}

// nodeIndex finds the nodes of an ensemble by tree id and node id.
type nodeIndex struct {
	ids   []int32 // node ids, as listed
	runs  []treeRun
	trees map[int32]int // tree id to run
	last  int           // the run of the last look-up: they come in order
}

// treeRun is one tree: its nodes as listed from start to end.
type treeRun struct {
	id         int32
	start, end int32
	at         map[int32]int32 // nil: node ids count up from 0
}

func newNodeIndex(n *node, trees, ids []int32) *nodeIndex {
	x := &nodeIndex{ids: ids, trees: map[int32]int{}}
	for i := 0; i < len(ids); {
		run := treeRun{id: trees[i], start: int32(i)}
		dense := true
		for i < len(ids) && trees[i] == run.id {
			dense = dense && ids[i] == int32(i)-run.start
			i++
		}
		run.end = int32(i)
		if !dense {
			run.at = make(map[int32]int32, run.end-run.start)
			for k := run.start; k < run.end; k++ {
				if _, ok := run.at[ids[k]]; ok {
					n.fail(n.invalid("tree %d has two nodes %d", run.id, ids[k]))
				}
				run.at[ids[k]] = k
			}
		}
		if _, ok := x.trees[run.id]; ok {
			n.fail(n.unsupported([]string{"trees listed one after another"}, "the nodes of tree %d do not stand together", run.id))
		}
		if len(x.runs) >= maxTrees {
			n.fail(n.unsupported([]string{"fewer trees"}, "more than %d trees", maxTrees))
			break
		}
		x.trees[run.id] = len(x.runs)
		x.runs = append(x.runs, run)
	}
	return x
}

// in gives the node with that id of a run, or -1.
func (r *treeRun) in(id int32) int32 {
	if r.at != nil {
		if i, ok := r.at[id]; ok {
			return i
		}
		return -1
	}
	if id < 0 || id >= r.end-r.start {
		return -1
	}
	return r.start + id
}

// find gives the node with that id of that tree, or -1.
func (x *nodeIndex) find(tree, id int32) int32 {
	if len(x.runs) == 0 {
		return -1
	}
	if x.runs[x.last].id != tree {
		i, ok := x.trees[tree]
		if !ok {
			return -1
		}
		x.last = i
	}
	return x.runs[x.last].in(id)
}

var modes = map[string]tree.Mode{"BRANCH_LEQ": tree.LEQ, "BRANCH_LT": tree.LT, "BRANCH_GTE": tree.GTE, "BRANCH_GT": tree.GT,
	"BRANCH_EQ": tree.EQ, "BRANCH_NEQ": tree.NEQ}

var modeNames = []string{"BRANCH_LEQ", "BRANCH_LT", "BRANCH_GTE", "BRANCH_GT", "BRANCH_EQ", "BRANCH_NEQ", "LEAF"}

// treeSpec reads the attributes that describe nodes and leaves. prefix is target or class. Faults are left in n.err.
func treeSpec[T float32 | float64](n *node, prefix string, targets int) tree.Spec[T] {
	var s tree.Spec[T]
	ids := n.shorts("nodes_nodeids")
	count := len(ids)
	lists := map[string]int{"nodes_treeids": len(n.shorts("nodes_treeids")), "nodes_featureids": len(n.shorts("nodes_featureids")),
		"nodes_modes": n.modes().len(), "nodes_truenodeids": len(n.shorts("nodes_truenodeids")), "nodes_falsenodeids": len(n.shorts("nodes_falsenodeids"))}
	values := listOf[T](n, "nodes_values")
	lists["nodes_values"] = len(values)
	if n.given("nodes_missing_value_tracks_true") {
		lists["nodes_missing_value_tracks_true"] = len(n.shorts("nodes_missing_value_tracks_true"))
	}
	if n.given("nodes_hitrates") {
		lists["nodes_hitrates"] = len(n.floats("nodes_hitrates"))
	}
	n.sameLength("nodes_nodeids", count, lists)
	if n.err != nil {
		return s
	}
	x := newNodeIndex(n, n.shorts("nodes_treeids"), ids)
	s.Features, s.Targets = n.needed(n.shorts("nodes_featureids")), targets
	s.Nodes = make([]tree.Node[T], count)
	for i := range x.runs {
		s.Roots = append(s.Roots, x.runs[i].start)
		treeNodes(n, &x.runs[i], s.Nodes, values)
	}
	if n.err == nil {
		treeWeights(n, prefix, x, &s)
	}
	return s
}

// compileTrees compiles an ensemble whose trees begin at their first nodes, and refuses nodes that those do not lead to.
func compileTrees[T float32 | float64](n *node, s tree.Spec[T]) (*tree.Ensemble[T], error) {
	e, err := tree.Compile(s)
	if err != nil {
		return nil, n.invalid("%v", err)
	}
	if i := unreached(s.Roots, s.Nodes); i >= 0 { // ONNX Runtime adds up such parts as trees of their own
		return nil, n.unsupported([]string{"nodes that the first node of their tree leads to"}, "node %d of tree %d is reached from nowhere, as below a LEAF",
			n.shorts("nodes_nodeids")[i], n.shorts("nodes_treeids")[i])
	}
	return e, nil
}

// unreached gives a node that no root leads to; -1: there is none. Roots are the first nodes of the trees.
func unreached[T float32 | float64](roots []int32, nodes []tree.Node[T]) int {
	seen := make([]bool, len(nodes))
	var path []int32
	for _, root := range roots {
		for path = append(path[:0], root); len(path) > 0; {
			k := path[len(path)-1]
			path = path[:len(path)-1]
			if seen[k] {
				continue
			}
			if seen[k] = true; nodes[k].True >= 0 {
				path = append(path, nodes[k].False, nodes[k].True)
			}
		}
	}
	return slices.Index(seen, false)
}

// modes gives the list nodes_modes.
func (n *node) modes() *stringList {
	if a := n.attribute("nodes_modes", attrStrings); a != nil {
		return &a.strings
	}
	return &stringList{}
}

// sameLength refuses lists that are not as long as the one they belong to.
func (n *node) sameLength(of string, count int, lists map[string]int) {
	names := make([]string, 0, len(lists))
	for name := range lists {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		if lists[name] != count {
			n.fail(n.invalid("%s has %d elements, %s has %d", name, lists[name], of, count))
		}
	}
}

// treeNodes fills in the nodes of one tree.
func treeNodes[T float32 | float64](n *node, run *treeRun, nodes []tree.Node[T], values []T) {
	features, names := n.shorts("nodes_featureids"), n.modes()
	yes, no, missing := n.shorts("nodes_truenodeids"), n.shorts("nodes_falsenodeids"), n.shorts("nodes_missing_value_tracks_true")
	name, mode := "BRANCH_LEQ", tree.LEQ
	for i := run.start; i < run.end; i++ {
		d, given := &nodes[i], names.at(int(i))
		if given == "LEAF" {
			d.True, d.False = -1, -1
			continue
		}
		if given != name {
			m, ok := modes[given]
			if !ok {
				n.fail(n.unsupported(modeNames, "nodes_modes[%d] is %q", i, given))
				return
			}
			name, mode = given, m
		}
		if features[i] < 0 || features[i] >= tree.MaxFeatures {
			n.fail(n.invalid("nodes_featureids[%d] is %d", i, features[i]))
			return
		}
		d.Feature, d.Mode, d.Threshold = features[i], mode, values[i]
		if d.True, d.False = run.in(yes[i]), run.in(no[i]); d.True < 0 || d.False < 0 {
			n.fail(n.invalid("node %d of tree %d has children %d and %d, which are not both in the tree", n.shorts("nodes_nodeids")[i], run.id, yes[i], no[i]))
			return
		}
		if missing != nil && missing[i] == 1 { // ONNX Runtime takes no other number for true
			d.MissingTrue, n.missing = true, true
		}
	}
}

// treeWeights hands the weights to the leaves, in the order in which they are listed.
func treeWeights[T float32 | float64](n *node, prefix string, x *nodeIndex, s *tree.Spec[T]) {
	trees, ids, targets := n.shorts(prefix+"_treeids"), n.shorts(prefix+"_nodeids"), n.shorts(prefix+"_ids")
	values := listOf[T](n, prefix+"_weights")
	n.sameLength(prefix+"_weights", len(values), map[string]int{prefix + "_treeids": len(trees), prefix + "_nodeids": len(ids), prefix + "_ids": len(targets)})
	if n.err != nil {
		return
	}
	at := make([]int32, len(values))
	for i := range values {
		k := x.find(trees[i], ids[i])
		switch {
		case k < 0:
			n.fail(n.invalid("%s_weights[%d] belongs to node %d of tree %d, which is not there", prefix, i, ids[i], trees[i]))
		case s.Nodes[k].True >= 0:
			n.fail(n.unsupported([]string{"weights of leaves"}, "%s_weights[%d] belongs to node %d of tree %d, which is no leaf", prefix, i, ids[i], trees[i]))
		case targets[i] < 0 || int(targets[i]) >= s.Targets:
			n.fail(n.invalid("%s_ids[%d] is %d, want 0 to %d", prefix, i, targets[i], s.Targets-1))
		default:
			at[i] = k
			s.Nodes[k].Weights++
			continue
		}
		return
	}
	var sum int32
	for i := range s.Nodes {
		s.Nodes[i].Leaf = sum
		sum += s.Nodes[i].Weights
		s.Nodes[i].Weights = 0
	}
	s.Weights = make([]tree.Weight[T], len(values))
	for i, v := range values {
		d := &s.Nodes[at[i]]
		s.Weights[d.Leaf+d.Weights] = tree.Weight[T]{Target: targets[i], Value: v}
		d.Weights++
	}
}
