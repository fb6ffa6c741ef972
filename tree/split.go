package tree

import "math"

// split is a comparison in the one form that the fast layouts know: go left where v <= threshold, right where v is greater or
// NaN; v is the column, or the column with its sign turned. A NaN threshold sends every row right. So NaN in a
// row costs nothing and needs no other path.
type split[T Float] struct {
	negated   bool
	threshold T
	trueRight bool // the true child is the right one
}

// splitOf turns a comparison into a split that agrees with it on every value; ok is false for EQ, NEQ and Member, which are
// tests made of a row beforehand, see columns.
//
// Where NaN takes the false branch, the true child is on the left; where it takes the true branch, on the right, and the
// comparison is the opposite one. x < t is x <= the number before t; x > t is -x < -t.
func splitOf[T Float](n *Node[T]) (s split[T], ok bool) {
	t := n.Threshold
	switch n.Mode {
	case LEQ:
		s = split[T]{threshold: t}
		if n.MissingTrue {
			s = split[T]{negated: true, threshold: before(-t)}
		}
	case LT:
		s = split[T]{threshold: before(t)}
		if n.MissingTrue {
			s = split[T]{negated: true, threshold: -t}
		}
	case GTE:
		s = split[T]{negated: true, threshold: -t}
		if n.MissingTrue {
			s = split[T]{threshold: before(t)}
		}
	case GT:
		s = split[T]{negated: true, threshold: before(-t)}
		if n.MissingTrue {
			s = split[T]{threshold: t}
		}
	default:
		return s, false
	}
	s.trueRight = n.MissingTrue
	if n.MissingTrue && t != t { // no number compares true with NaN: every number goes left, to the false child
		s.threshold = T(math.Inf(1))
	}
	return s, true
}

// before is the largest number less than t; NaN where there is none.
func before[T Float](t T) T {
	if t != t || math.IsInf(float64(t), -1) {
		return T(math.NaN())
	}
	if wide[T]() {
		return T(math.Nextafter(float64(t), math.Inf(-1)))
	}
	return T(math.Nextafter32(float32(t), float32(math.Inf(-1))))
}

// key is the threshold's key: a row goes right where the key of its value is less.
func (s *split[T]) key() uint64 {
	if s.threshold != s.threshold {
		return leafKey[T](0)
	}
	return key(s.threshold)
}
