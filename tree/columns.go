package tree

import "unsafe"

// columns says how a row becomes keys: those of its columns as they are, those of its columns negated, and one for each test,
// which is 1 where it holds and else 0. A wide row of which little is read becomes keys of the columns that are read.
type columns[T Float] struct {
	as, neg     int     // how many of each
	asOf, negOf []int32 // the features that are read, where that is not all of them in order
	asAt, negAt []int32 // per feature: its place among them

	tests  []Node[T] // of modes EQ, NEQ and Member, each comparison once
	sets   [][]T     // sorted
	testAt map[test]int32
}

// test is what makes two nodes the same test.
type test struct {
	mode      Mode
	missing   bool
	feature   int32
	set       int32
	threshold uint64
}

func testOf[T Float](n *Node[T]) test {
	if n.Mode == Member {
		return test{n.Mode, n.MissingTrue, n.Feature, n.Set, 0}
	}
	return test{n.Mode, n.MissingTrue, n.Feature, 0, key(n.Threshold)}
}

// maxTests is how many tests so many trees may make of each row before it is quicker to walk those that have tests.
func maxTests(trees int) int { return 16 + 8*trees }

func newColumns[T Float](s *Spec[T], sh *shape) *columns[T] {
	c := &columns[T]{testAt: map[test]int32{}}
	used := make([]uint8, s.Features)
	for i := range s.Nodes {
		n := &s.Nodes[i]
		if n.leaf() || sh.depth[i] < 0 {
			continue
		}
		sp, ok := splitOf(n)
		switch {
		case ok && sp.negated:
			used[n.Feature] |= 2
		case ok:
			used[n.Feature] |= 1
		case len(c.tests) <= maxTests(len(s.Roots)):
			if t := testOf(n); !has(c.testAt, t) {
				c.testAt[t] = int32(len(c.tests))
				c.tests = append(c.tests, *n)
			}
		}
	}
	c.as, c.asOf, c.asAt = pick(used, 1)
	c.neg, c.negOf, c.negAt = pick(used, 2)
	if len(c.tests) > maxTests(len(s.Roots)) {
		c.tests = nil
		for t, has := range sh.tests {
			sh.mustWalk[t] = sh.mustWalk[t] || has
		}
	}
	if len(c.tests) > 0 {
		c.sets = sorted(s.Sets)
	}
	if c.width() == 0 { // leaves alone still point at a column
		c.as, c.asOf = 1, []int32{0}
	}
	return c
}

func has(m map[test]int32, t test) bool { _, ok := m[t]; return ok }

// pick says how many columns to make of those marked with a bit, and which unless it is simply all.
func pick(used []uint8, bit uint8) (n int, of, at []int32) {
	for _, u := range used {
		n += int(u & bit / bit)
	}
	if n > 0 && n*4 > len(used) {
		return len(used), nil, nil
	}
	if n == 0 {
		return 0, nil, nil
	}
	at = make([]int32, len(used))
	for f, u := range used {
		if u&bit != 0 {
			at[f] = int32(len(of))
			of = append(of, int32(f))
		}
	}
	return n, of, at
}

// place is where the fast layouts find a feature.
func (c *columns[T]) place(feature int32, negated bool) uint64 {
	at, before := c.asAt, 0
	if negated {
		at, before = c.negAt, c.as
	}
	if at != nil {
		feature = at[feature]
	}
	return uint64(before) + uint64(feature)
}

// placeOfTest is where they find the outcome of a node's test.
func (c *columns[T]) placeOfTest(n *Node[T]) uint64 {
	return uint64(c.as) + uint64(c.neg) + uint64(c.testAt[testOf(n)])
}

func (c *columns[T]) width() int { return c.as + c.neg + len(c.tests) }

// keys makes the keys of rows, width() words a row. The rows are stride values apart.
func (c *columns[T]) keys(dst words[T], x []T, rows, stride int) {
	for r := range rows {
		row, at := x[r*stride:(r+1)*stride], r*c.width()
		keysOf(dst, at, row, c.as, c.asOf, false)
		keysOf(dst, at+c.as, row, c.neg, c.negOf, true)
		for i := range c.tests {
			n := &c.tests[i]
			outcome := uint64(0)
			if n.holds(row[n.Feature], c.sets) {
				outcome = 1
			}
			dst.set(at+c.as+c.neg+i, outcome)
		}
	}
}

// keysOf makes the keys of some columns of a row.
func keysOf[T Float](dst words[T], at int, row []T, n int, of []int32, negated bool) {
	i := 0
	switch {
	case n == 0:
		return
	case of != nil:
		for i, f := range of {
			dst.set(at+i, signed(row[f], negated))
		}
		return
	case assembly && wide[T]():
		sign := uint64(0)
		if negated {
			sign = 1 << 63
		}
		i = n &^ 1
		keys64(dst.at(at), unsafe.Pointer(&row[0]), i/2, sign)
	case assembly:
		sign := uint32(0)
		if negated {
			sign = 1 << 31
		}
		i = n &^ 3
		keys32(dst.at(at), unsafe.Pointer(&row[0]), i/4, sign)
	}
	for ; i < n; i++ {
		dst.set(at+i, signed(row[i], negated))
	}
}

func signed[T Float](x T, negated bool) uint64 {
	if negated {
		x = -x
	}
	return key(x)
}
