package tree

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
)

// SymmetricSpec is an ensemble of symmetric trees, as CatBoost grows them: all nodes of a level have one test. The outcome of
// the test of level j is bit j of the number of the leaf that a row reaches.
type SymmetricSpec struct {
	Features int             // columns of a row
	Targets  int             // columns of an answer
	Tests    []Node[float64] // Feature, Mode (GT or EQ), Threshold and MissingTrue of each test
	Levels   []int32         // the tests of the trees' levels, by tree, from level 0
	Depths   []int32         // levels of each tree, at most MaxSymmetricDepth
	Leaves   []float64       // by tree, leaf and target: Targets<<depth values a tree
}

// MaxSymmetricDepth is how deep a tree may be whose leaves have numbers of a byte.
const MaxSymmetricDepth = 8

// ErrRanks says that an ensemble wants more of each row than is quicker than walking its trees.
var ErrRanks = errors.New("more than 16,384 ranks a row")

const maxRanks = 1 << 14 // 2 MB of a block of rows

// most is the largest number in a rank: its highest bit stays free for the outcome.
const most = 1<<7 - 1

// rank turns a column into the number of borders that are less than its value, at most 127 in a byte: every test of the column
// is a comparison with a number.
type rank struct {
	feature     int32
	equal       bool // the only border is a value; the number is 1 where the column has it
	missingTrue bool
	value       float64  // of equal
	borders     []uint64 // their keys, from the least border; zeros, which no value is beyond, fill them up to 2^n-1
	bytes       int      // that the number takes: 127 borders each
	at          int      // the first of them
}

// level is a test: the word at, plus limit, has the highest bit set of each byte whose row passes.
type level struct {
	limit uint64 // 128 less the least number that passes, in all eight bytes
	at    uint32 // in bytes, from where the ranks of the rows begin
}

// check says what is wrong with a spec.
func (s *SymmetricSpec) check() error {
	switch {
	case s.Features < 1 || s.Features > MaxFeatures:
		return fmt.Errorf("%d features, want 1 to %d", s.Features, MaxFeatures)
	case s.Targets < 1 || s.Targets > MaxTargets:
		return fmt.Errorf("%d targets, want 1 to %d", s.Targets, MaxTargets)
	case len(s.Depths) > MaxTrees:
		return fmt.Errorf("%d trees, want at most %d", len(s.Depths), MaxTrees)
	}
	for i, t := range s.Tests {
		if t.Feature < 0 || int(t.Feature) >= s.Features || t.Mode != GT && t.Mode != EQ || t.Threshold != t.Threshold {
			return fmt.Errorf("test %d: column %d %v %v: want a column of %d, GT or EQ, and a number", i, t.Feature, t.Mode, t.Threshold, s.Features)
		}
	}
	for i, t := range s.Levels {
		if t < 0 || int(t) >= len(s.Tests) {
			return fmt.Errorf("level %d: test %d is not one of %d", i, t, len(s.Tests))
		}
	}
	levels, leaves := 0, 0
	for i, d := range s.Depths {
		if d < 0 || d > MaxSymmetricDepth {
			return fmt.Errorf("tree %d: depth %d, want 0 to %d", i, d, MaxSymmetricDepth)
		}
		levels += int(d)
		leaves += s.Targets << d
	}
	if levels != len(s.Levels) || leaves != len(s.Leaves) {
		return errors.New("want as many levels and leaves as the trees have")
	}
	return nil
}

// ranksOf gives the ranks that the levels need, and each test as a level.
func (s *SymmetricSpec) ranksOf() (ranks []rank, tests []level, width int) {
	used := make([]bool, len(s.Tests))
	for _, t := range s.Levels {
		used[t] = true
	}
	type column struct {
		feature     int32
		missingTrue bool
		value       uint64 // of an equality: its key and one
	}
	of := func(t *Node[float64]) column {
		c := column{feature: t.Feature, missingTrue: t.MissingTrue}
		if t.Mode == EQ {
			c.value = key(t.Threshold) + 1
		}
		return c
	}
	places := map[column]int{}
	for i := range s.Tests {
		t := &s.Tests[i]
		if !used[i] {
			continue
		}
		at, ok := places[of(t)]
		if !ok {
			at = len(ranks)
			places[of(t)] = at
			ranks = append(ranks, rank{feature: t.Feature, missingTrue: t.MissingTrue, equal: t.Mode == EQ, value: t.Threshold})
		}
		ranks[at].borders = append(ranks[at].borders, key(t.Threshold))
	}
	for i := range ranks {
		r := &ranks[i]
		slices.Sort(r.borders)
		slices.Reverse(r.borders) // keys fall where values rise
		r.borders = slices.Compact(r.borders)
		r.at, r.bytes = width, (len(r.borders)+most-1)/most
		width += r.bytes
	}
	tests = make([]level, len(s.Tests))
	for i := range s.Tests {
		if used[i] {
			r := &ranks[places[of(&s.Tests[i])]]
			above, _ := slices.BinarySearchFunc(r.borders, key(s.Tests[i].Threshold), func(border, k uint64) int { return cmp.Compare(k, border) })
			tests[i] = level{limit: eight * uint64(1<<7-1-above%most), at: uint32(r.at+above/most) * symmetricRows}
		}
	}
	for i := range ranks {
		r := &ranks[i]
		size := 1
		for size <= len(r.borders) {
			size *= 2
		}
		r.borders = append(r.borders, make([]uint64, size-1-len(r.borders))...)
	}
	return ranks, tests, width
}
