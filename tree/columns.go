package tree

import "unsafe"

// columns says how a row becomes keys: those of its columns as they are, then those of its columns negated. A wide row
// of which little is read becomes keys of the columns that are read.
type columns struct {
	as, neg     int     // how many of each
	asOf, negOf []int32 // the features that are read, where that is not all of them in order
	asAt, negAt []int32 // per feature: its place among them
}

func newColumns[T Float](s *Spec[T], sh *shape) *columns {
	used := make([]uint8, s.Features)
	for i := range s.Nodes {
		n := &s.Nodes[i]
		if n.leaf() || sh.depth[i] < 0 {
			continue
		}
		if sp, ok := splitOf(n); ok && sp.negated {
			used[n.Feature] |= 2
		} else if ok {
			used[n.Feature] |= 1
		}
	}
	c := &columns{}
	c.as, c.asOf, c.asAt = pick(used, 1)
	c.neg, c.negOf, c.negAt = pick(used, 2)
	if c.as+c.neg == 0 { // leaves alone still point at a column
		c.as, c.asOf = 1, []int32{0}
	}
	return c
}

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
func (c *columns) place(feature int32, negated bool) uint64 {
	at, before := c.asAt, 0
	if negated {
		at, before = c.negAt, c.as
	}
	if at != nil {
		feature = at[feature]
	}
	return uint64(before) + uint64(feature)
}

func (c *columns) width() int { return c.as + c.neg }

// keys makes the keys of rows, width() words a row.
func keys[T Float](c *columns, dst words[T], x []T, rows, features int) {
	for r := range rows {
		row, at := x[r*features:(r+1)*features], r*c.width()
		keysOf(dst, at, row, c.as, c.asOf, false)
		keysOf(dst, at+c.as, row, c.neg, c.negOf, true)
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
	case assembly && !wide[T]():
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
