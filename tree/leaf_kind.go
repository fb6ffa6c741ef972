package tree

// leafKind is what the leaves of an ensemble have in common, from the quickest to add up to the slowest.
type leafKind uint8

const (
	value   leafKind = iota // every leaf gives one value, all to the same target
	values                  // every leaf gives one value, those of one tree to the same target
	vectors                 // every leaf gives one value to each target, in order
	mixed                   // anything else, and every minimum and maximum
)

// leafKindOf finds what the leaves have in common; target is the target of each tree (value, values), always which targets
// every row reaches (nil for mixed).
func leafKindOf[T Float](s *Spec[T], sh *shape) (g leafKind, target []int32, always []bool) {
	if s.Aggregate > Average {
		return mixed, nil, nil
	}
	single, vector := true, s.Targets > 1
	for i := range s.Nodes {
		n := &s.Nodes[i]
		if sh.depth[i] != 0 {
			continue
		}
		single = single && n.Weights == 1
		vector = vector && isVector(s, n)
		if !single && !vector {
			return mixed, nil, nil
		}
	}
	always = make([]bool, s.Targets)
	if vector {
		for k := range always {
			always[k] = true
		}
		return vectors, nil, always
	}
	target = make([]int32, len(s.Roots))
	g = value
	for t, root := range s.Roots {
		k, ok := oneTarget(s, root, 2*int(sh.inner[t])+1)
		if !ok {
			return mixed, nil, nil
		}
		target[t], always[k] = k, true
		if k != target[0] {
			g = values
		}
	}
	return g, target, always
}

func isVector[T Float](s *Spec[T], n *Node[T]) bool {
	if int(n.Weights) != s.Targets {
		return false
	}
	for k, w := range s.Weights[n.Leaf : n.Leaf+n.Weights] {
		if int(w.Target) != k {
			return false
		}
	}
	return true
}

// oneTarget is the target of all leaves of a tree of so many nodes. It gives up on shared nodes, which may be met any number of times.
func oneTarget[T Float](s *Spec[T], root int32, nodes int) (target int32, ok bool) {
	if s.Targets == 1 {
		return 0, true
	}
	target = -1
	stack := []int32{root}
	for len(stack) > 0 {
		n := &s.Nodes[stack[len(stack)-1]]
		stack = stack[:len(stack)-1]
		if nodes--; nodes < 0 {
			return 0, false
		}
		if !n.leaf() {
			stack = append(stack, n.True, n.False)
			continue
		}
		k := s.Weights[n.Leaf].Target
		if target >= 0 && k != target {
			return 0, false
		}
		target = k
	}
	return target, true
}
