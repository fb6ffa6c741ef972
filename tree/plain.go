package tree

import "slices"

// plain walks one tree for one row, node by node, with every mode. It is what the fast layouts are tested against,
// and what runs the trees they cannot hold.
type plain[T Float] struct {
	nodes []Node[T]
	sets  [][]T // sorted
}

func newPlain[T Float](s *Spec[T]) *plain[T] {
	p := &plain[T]{nodes: slices.Clone(s.Nodes), sets: make([][]T, len(s.Sets))}
	for i, set := range s.Sets {
		p.sets[i] = slices.Clone(set)
		slices.Sort(p.sets[i])
	}
	return p
}

// leaf is the leaf that a row reaches from a root.
func (p *plain[T]) leaf(root int32, row []T) *Node[T] {
	n := &p.nodes[root]
	for !n.leaf() {
		if p.holds(n, row[n.Feature]) {
			n = &p.nodes[n.True]
		} else {
			n = &p.nodes[n.False]
		}
	}
	return n
}

func (p *plain[T]) holds(n *Node[T], x T) bool {
	if n.MissingTrue && x != x {
		return true
	}
	switch n.Mode {
	case LEQ:
		return x <= n.Threshold
	case LT:
		return x < n.Threshold
	case GTE:
		return x >= n.Threshold
	case GT:
		return x > n.Threshold
	case EQ:
		return x == n.Threshold
	case NEQ:
		return x != n.Threshold
	default:
		if x != x { // a sorted search would find NaN at the front
			return false
		}
		_, found := slices.BinarySearch(p.sets[n.Set], x)
		return found
	}
}
