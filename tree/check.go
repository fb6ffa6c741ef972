package tree

import "fmt"

// shape is what the check learns of the graph and the layouts need.
type shape struct {
	depth    []int32 // per node that a root reaches: inner nodes on its longest path to a leaf
	below    []int32 // per node of a tree that need not be walked: inner nodes from it down
	inner    []int32 // per tree: its inner nodes, but for those that an earlier tree has too
	mustWalk []bool  // per tree: a node has a second parent, in this tree or in another, or it makes tests of which there are too many: no fast layout holds it
	tests    []bool  // per tree: a node has a mode that is no inequality
}

func check[T Float](s *Spec[T]) (*shape, error) {
	if err := checkTables(s); err != nil {
		return nil, err
	}
	for i := range s.Nodes {
		if err := checkNode(s, &s.Nodes[i]); err != nil {
			return nil, fmt.Errorf("node %d: %w", i, err)
		}
	}
	return walk(s)
}

func checkTables[T Float](s *Spec[T]) error {
	switch {
	case s.Features < 1 || s.Features > MaxFeatures:
		return fmt.Errorf("%d features, want 1 to %d", s.Features, MaxFeatures)
	case s.Targets < 1 || s.Targets > MaxTargets:
		return fmt.Errorf("%d targets, want 1 to %d", s.Targets, MaxTargets)
	case len(s.Nodes) < 1 || len(s.Nodes) > MaxNodes:
		return fmt.Errorf("%d nodes, want 1 to %d", len(s.Nodes), MaxNodes)
	case len(s.Weights) > MaxNodes:
		return fmt.Errorf("%d weights, want at most %d", len(s.Weights), MaxNodes)
	case len(s.Roots) < 1 || len(s.Roots) > MaxTrees:
		return fmt.Errorf("%d trees, want 1 to %d", len(s.Roots), MaxTrees)
	case len(s.Base) != 0 && len(s.Base) != s.Targets:
		return fmt.Errorf("%d base values, want none or one for each of %d targets", len(s.Base), s.Targets)
	case s.Aggregate > Max:
		return fmt.Errorf("unknown aggregate %d", s.Aggregate)
	case s.BaseFirst && s.Aggregate != Sum:
		return fmt.Errorf("base values come first in sums alone")
	}
	for i, r := range s.Roots {
		if r < 0 || int(r) >= len(s.Nodes) {
			return fmt.Errorf("tree %d: root %d is not one of %d nodes", i, r, len(s.Nodes))
		}
	}
	for i, w := range s.Weights {
		if w.Target < 0 || int(w.Target) >= s.Targets {
			return fmt.Errorf("weight %d: target %d is not one of %d", i, w.Target, s.Targets)
		}
	}
	for i, set := range s.Sets {
		for _, v := range set {
			if v != v {
				return fmt.Errorf("set %d holds NaN, which is a member of no set", i)
			}
		}
	}
	return nil
}

func checkNode[T Float](s *Spec[T], n *Node[T]) error {
	if n.leaf() {
		if n.Leaf < 0 || n.Weights < 0 || int64(n.Leaf)+int64(n.Weights) > int64(len(s.Weights)) {
			return fmt.Errorf("leaf weights %d to %d are outside of %d weights", n.Leaf, int64(n.Leaf)+int64(n.Weights), len(s.Weights))
		}
		return nil
	}
	for _, c := range [...]int32{n.True, n.False} {
		if c < 0 || int(c) >= len(s.Nodes) {
			return fmt.Errorf("child %d is not one of %d nodes", c, len(s.Nodes))
		}
	}
	switch {
	case n.Mode > Member:
		return fmt.Errorf("unknown mode %d", n.Mode)
	case n.Feature < 0 || int(n.Feature) >= s.Features:
		return fmt.Errorf("feature %d is not one of %d", n.Feature, s.Features)
	case n.Mode == Member && (n.Set < 0 || int(n.Set) >= len(s.Sets)):
		return fmt.Errorf("set %d is not one of %d", n.Set, len(s.Sets))
	}
	return nil
}

// walk goes depth first through every tree: it refuses cycles and too much depth, and learns the shape.
func walk[T Float](s *Spec[T]) (*shape, error) {
	const fresh, open = -1, -2 // any other value is a finished node's depth
	sh := &shape{depth: make([]int32, len(s.Nodes)), below: make([]int32, len(s.Nodes)), inner: make([]int32, len(s.Roots)), mustWalk: make([]bool, len(s.Roots)), tests: make([]bool, len(s.Roots))}
	parents := countParents(s)
	for i := range sh.depth {
		sh.depth[i] = fresh
	}
	var path []int32
	for t, root := range s.Roots {
		path = append(path[:0], root)
		sh.mustWalk[t] = parents[root] > 1
		for len(path) > 0 {
			i := path[len(path)-1]
			n := &s.Nodes[i]
			if n.leaf() {
				sh.depth[i] = 0
			}
			if sh.depth[i] >= 0 {
				path = path[:len(path)-1]
				continue
			}
			sh.depth[i] = open
			sh.tests[t] = sh.tests[t] || n.Mode > GT
			next := int32(-1)
			for _, c := range [...]int32{n.False, n.True} {
				sh.mustWalk[t] = sh.mustWalk[t] || parents[c] > 1
				switch sh.depth[c] {
				case open:
					return nil, fmt.Errorf("tree %d: node %d has its own ancestor %d for a child", t, i, c)
				case fresh:
					next = c
				}
			}
			if next >= 0 {
				path = append(path, next)
			} else {
				sh.depth[i] = 1 + max(sh.depth[n.True], sh.depth[n.False])
				sh.below[i] = min(1+sh.below[n.True]+sh.below[n.False], MaxNodes) // shared nodes count each time
				sh.inner[t]++
				path = path[:len(path)-1]
			}
			if len(path) > MaxDepth+1 {
				return nil, fmt.Errorf("tree %d is deeper than %d", t, MaxDepth)
			}
		}
		if sh.depth[root] > MaxDepth { // through a part that another tree finished
			return nil, fmt.Errorf("tree %d is deeper than %d", t, MaxDepth)
		}
	}
	return sh, nil
}

// countParents counts, up to 2, from how many places a node is reached.
func countParents[T Float](s *Spec[T]) []uint8 {
	parents := make([]uint8, len(s.Nodes))
	count := func(i int32) {
		if parents[i] < 2 {
			parents[i]++
		}
	}
	for i := range s.Nodes {
		if n := &s.Nodes[i]; !n.leaf() {
			count(n.True)
			count(n.False)
		}
	}
	for _, r := range s.Roots {
		count(r)
	}
	return parents
}
