package tree

import "slices"

// plain walks one tree for one row, node by node, with every mode. It is what the fast layouts are tested against,
// and what runs the trees they cannot hold.
type plain[T Float] struct {
	nodes []Node[T]
	sets  [][]T // sorted
}

func newPlain[T Float](s *Spec[T]) *plain[T] {
	return &plain[T]{slices.Clone(s.Nodes), sorted(s.Sets)}
}

func sorted[T Float](sets [][]T) [][]T {
	out := make([][]T, len(sets))
	for i, set := range sets {
		out[i] = slices.Clone(set)
		slices.Sort(out[i])
	}
	return out
}

// leaf is the leaf that a row reaches from a root.
func (p *plain[T]) leaf(root int32, row []T) *Node[T] {
	n := &p.nodes[root]
	for !n.leaf() {
		if n.holds(row[n.Feature], p.sets) {
			n = &p.nodes[n.True]
		} else {
			n = &p.nodes[n.False]
		}
	}
	return n
}

// holds says whether x takes the true branch. The sets are sorted.
func (n *Node[T]) holds(x T, sets [][]T) bool {
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
		_, found := slices.BinarySearch(sets[n.Set], x)
		return found
	}
}
