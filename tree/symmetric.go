package tree

import (
	"fmt"
	"sync"
	"unsafe"
)

// Symmetric is a compiled SymmetricSpec: immutable, and safe for use by many goroutines at once. It gives the bits that the same
// trees give as an Ensemble.
//
// A row's columns become ranks once, of seven bits each. Then eight rows, a byte each in a word, take a level together: an addition sets
// the highest bit of each byte whose row passes.
type Symmetric struct {
	features, targets int
	ranks             []rank
	width             int // bytes of ranks a row
	levels            []level
	trees             []symmetricTree
	leaves            []float64 // and some more, so that every tree has 256 where there is one target
	scratch           sync.Pool
}

type symmetricTree struct {
	levels, leaves int // where its own begin
	depth          int
}

const (
	eight         = 0x0101010101010101
	highest       = eight << 7
	symmetricRows = 128     // made into ranks at a time
	chunkBytes    = 8 << 10 // of leaves that stay near while a block of rows passes
)

type symmetricScratch struct {
	ranks [][symmetricRows / 8]uint64 // per byte of the ranks, of a block of rows; one to spare, so that there is a first
	sums  [symmetricRows]float64
}

// CompileSymmetric checks a spec and lays it out for evaluation. One that Compile is better for is ErrRanks.
func CompileSymmetric(s SymmetricSpec) (*Symmetric, error) {
	if err := s.check(); err != nil {
		return nil, fmt.Errorf("symmetric trees: %w", err)
	}
	e := &Symmetric{features: s.Features, targets: s.Targets, levels: make([]level, len(s.Levels)), trees: make([]symmetricTree, len(s.Depths))}
	ranks, tests, width := s.ranksOf()
	if width > maxRanks {
		return nil, fmt.Errorf("symmetric trees: %w", ErrRanks)
	}
	e.ranks, e.width = ranks, width
	for i, t := range s.Levels {
		e.levels[i] = tests[t]
	}
	at := symmetricTree{}
	for i, d := range s.Depths {
		at.depth = int(d)
		e.trees[i] = at
		at.levels += int(d)
		at.leaves += s.Targets << d
	}
	e.leaves = make([]float64, len(s.Leaves)+256)
	copy(e.leaves, s.Leaves)
	e.scratch.New = func() any { return &symmetricScratch{ranks: make([][symmetricRows / 8]uint64, e.width+1)} }
	return e, nil
}

// Trees is the number of trees.
func (e *Symmetric) Trees() int { return len(e.trees) }

// Scratch is how many bytes a call of Eval needs beside its arguments, whatever the rows. They are kept for the next call.
func (e *Symmetric) Scratch(int) int { return (e.width + 1 + 8) * symmetricRows }

// Eval evaluates rows of x (rows*Features values, row-major) into dst (rows*Targets values, row-major). It allocates nothing in
// steady state. It panics where x or dst is too short.
func (e *Symmetric) Eval(dst, x []float64, rows int) {
	x, dst = x[:rows*e.features], dst[:rows*e.targets]
	s := e.scratch.Get().(*symmetricScratch)
	for rows > 0 {
		n := min(rows, symmetricRows)
		for i := range e.ranks {
			if r := &e.ranks[i]; n == 1 {
				r.takeOne(s.ranks[r.at:], x)
			} else {
				r.take(s.ranks[r.at:], x, n, e.features)
			}
		}
		switch {
		case e.targets > 1:
			e.vectors(dst, s.ranks, n)
		case n == 1:
			dst[0] = e.one(s.ranks)
		default:
			e.sum(s, n)
			copy(dst, s.sums[:n])
		}
		dst, x, rows = dst[n*e.targets:], x[n*e.features:], rows-n
	}
	e.scratch.Put(s)
}

// take makes the ranks of a column of rows, which are stride values apart.
func (r *rank) take(to [][symmetricRows / 8]uint64, x []float64, rows, stride int) {
	x = x[r.feature:]
	half := uint64(len(r.borders)+1) / 2
	for first := 0; first < rows; first += 8 {
		var of, found [8]uint64 // the values' keys, and how many borders are below them
		n := min(8, rows-first)
		for k := range n {
			v := x[(first+k)*stride]
			of[k] = key(v)
			if v != v && !r.missingTrue {
				of[k] = 1<<64 - 1 // beyond no border
			}
			if r.equal && (v == r.value || v != v && r.missingTrue) {
				found[k] = 1
			}
		}
		for step := half; step > 0 && !r.equal; step /= 2 {
			for k := range found { // the rows side by side, since each step waits for the one before
				found[k] += step & -less(of[k], r.borders[found[k]+step-1])
			}
		}
		if r.bytes == 1 {
			to[0][first/8] = found[0] | found[1]<<8 | found[2]<<16 | found[3]<<24 | found[4]<<32 | found[5]<<40 | found[6]<<48 | found[7]<<56
			continue
		}
		for b := range r.bytes {
			word := uint64(0)
			for k, v := range found {
				word |= min(v, most) << (8 * k)
				found[k] = v - min(v, most)
			}
			to[b][first/8] = word
		}
	}
}

// takeOne is take of one row.
func (r *rank) takeOne(to [][symmetricRows / 8]uint64, x []float64) {
	v, found := x[r.feature], uint64(0)
	switch {
	case v != v && !r.missingTrue:
	case r.equal:
		if v == r.value || v != v {
			found = 1
		}
	default:
		of := key(v)
		for step := uint64(len(r.borders)+1) / 2; step > 0; step /= 2 {
			found += step & -less(of, r.borders[found+step-1])
		}
	}
	for b := range to[:r.bytes] {
		to[b][0] = min(found, most)
		found -= min(found, most)
	}
}

// leavesOf is the numbers of the leaves of a tree that eight rows reach, a byte each. ranks is where those of the rows begin.
func (e *Symmetric) leavesOf(t *symmetricTree, ranks unsafe.Pointer) uint64 {
	levels := e.levels[t.levels : t.levels+t.depth]
	if len(levels) == 6 { // CatBoost's own default, without a loop
		l := (*[6]level)(levels)
		number := l[0].passes(ranks) >> 7
		number |= l[1].passes(ranks) >> 6
		number |= l[2].passes(ranks) >> 5
		number |= l[3].passes(ranks) >> 4
		number |= l[4].passes(ranks) >> 3
		return number | l[5].passes(ranks)>>2
	}
	number := uint64(0)
	for i := range levels {
		number |= levels[i].passes(ranks) >> (7 - i)
	}
	return number
}

// passes is the highest bit of each byte whose row passes.
func (l *level) passes(ranks unsafe.Pointer) uint64 {
	return (*(*uint64)(unsafe.Add(ranks, l.at)) + l.limit) & highest
}

// one sums the leaves of one row.
func (e *Symmetric) one(ranks [][symmetricRows / 8]uint64) float64 {
	sum := 0.0
	for i := range e.trees {
		t := &e.trees[i]
		sum += e.leaves[t.leaves+int(e.leavesOf(t, unsafe.Pointer(&ranks[0]))&0xff)]
	}
	return sum
}

// sum sums the leaves of rows: some trees at a time, eight rows at a time.
func (e *Symmetric) sum(s *symmetricScratch, rows int) {
	clear(s.sums[:])
	for trees := e.trees; len(trees) > 0; {
		n := 1
		for n < len(trees) && trees[n].leaves-trees[0].leaves < chunkBytes/8 {
			n++
		}
		for first := 0; first < rows; first += 8 {
			sums := (*[8]float64)(s.sums[first:])
			s0, s1, s2, s3, s4, s5, s6, s7 := sums[0], sums[1], sums[2], sums[3], sums[4], sums[5], sums[6], sums[7]
			for i := range trees[:n] {
				t := &trees[i]
				number := e.leavesOf(t, unsafe.Pointer(&s.ranks[0][first/8]))
				leaves := (*[256]float64)(e.leaves[t.leaves:])
				s0 += leaves[uint8(number)]
				s1 += leaves[uint8(number>>8)]
				s2 += leaves[uint8(number>>16)]
				s3 += leaves[uint8(number>>24)]
				s4 += leaves[uint8(number>>32)]
				s5 += leaves[uint8(number>>40)]
				s6 += leaves[uint8(number>>48)]
				s7 += leaves[uint8(number>>56)]
			}
			*sums = [8]float64{s0, s1, s2, s3, s4, s5, s6, s7}
		}
		trees = trees[n:]
	}
}

// vectors sums the leaves of rows where each holds a value a target.
func (e *Symmetric) vectors(dst []float64, ranks [][symmetricRows / 8]uint64, rows int) {
	clear(dst[:rows*e.targets])
	for i := range e.trees {
		t := &e.trees[i]
		for first := 0; first < rows; first += 8 {
			number := e.leavesOf(t, unsafe.Pointer(&ranks[0][first/8]))
			for r := first; r < min(rows, first+8); r++ {
				out := dst[r*e.targets : (r+1)*e.targets]
				leaf := e.leaves[t.leaves+int(number&0xff)*e.targets:][:len(out)]
				for k, v := range leaf {
					out[k] += v
				}
				number >>= 8
			}
		}
	}
}
