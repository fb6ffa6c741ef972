package tree

// columns says which columns of a row the fast layouts read. Where no comparison needs its sign turned, they read the row itself;
// else a copy with only the columns that are used, as they are or negated.
type columns struct {
	direct  bool
	as, neg []int32 // features to copy, and those to copy negated after them
	asAt    []int32 // per feature: its place in the copy
	negAt   []int32
}

func newColumns[T Float](s *Spec[T], sh *shape) *columns {
	c := &columns{direct: true}
	used := make([]uint8, s.Features)
	for i := range s.Nodes {
		n := &s.Nodes[i]
		if n.leaf() || sh.depth[i] < 0 {
			continue
		}
		if sp, ok := splitOf(n); ok && sp.negated {
			used[n.Feature] |= 2
			c.direct = false
		} else if ok {
			used[n.Feature] |= 1
		}
	}
	if c.direct {
		return c
	}
	c.asAt, c.negAt = make([]int32, s.Features), make([]int32, s.Features)
	for f, u := range used {
		if u&1 != 0 {
			c.asAt[f] = int32(len(c.as))
			c.as = append(c.as, int32(f))
		}
	}
	for f, u := range used {
		if u&2 != 0 {
			c.negAt[f] = int32(len(c.as) + len(c.neg))
			c.neg = append(c.neg, int32(f))
		}
	}
	return c
}

// place is where the fast layouts find a feature.
func (c *columns) place(feature int32, negated bool) uint32 {
	switch {
	case c.direct:
		return uint32(feature)
	case negated:
		return uint32(c.negAt[feature])
	default:
		return uint32(c.asAt[feature])
	}
}

func (c *columns) width() int { return len(c.as) + len(c.neg) }

// copyRows copies rows of x into dst, width() values a row.
func copyRows[T Float](c *columns, dst, x []T, rows, features int) {
	for r := range rows {
		row := x[r*features : (r+1)*features]
		out := dst[r*c.width() : (r+1)*c.width()]
		for i, f := range c.as {
			out[i] = row[f]
		}
		out = out[len(c.as):]
		for i, f := range c.neg {
			out[i] = -row[f]
		}
	}
}
