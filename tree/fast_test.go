package tree

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// slow is the definition: one row after another, one tree after another, node by node.
func slow[T Float](s *Spec[T], x []T, rows int) (dst []T, reached []bool) {
	p := newPlain(s)
	dst, reached = make([]T, rows*s.Targets), make([]bool, rows*s.Targets)
	for r := range rows {
		out, hit := dst[r*s.Targets:(r+1)*s.Targets], reached[r*s.Targets:(r+1)*s.Targets]
		for _, root := range s.Roots {
			leaf := p.leaf(root, x[r*s.Features:(r+1)*s.Features])
			for _, w := range s.Weights[leaf.Leaf : leaf.Leaf+leaf.Weights] {
				switch {
				case s.Aggregate <= Average:
					out[w.Target] += w.Value
				case !hit[w.Target], s.Aggregate == Min && w.Value < out[w.Target], s.Aggregate == Max && w.Value > out[w.Target]:
					out[w.Target] = w.Value
				}
				hit[w.Target] = true
			}
		}
		for k := range out {
			if s.Aggregate == Average {
				out[k] /= T(len(s.Roots))
			}
			if len(s.Base) > 0 && (s.Targets == 1 || hit[k]) {
				out[k] += s.Base[k]
			}
		}
	}
	return dst, reached
}

// kind is a family of random ensembles.
type kind struct {
	name      string
	trees     int
	depth     int
	full      float64 // how likely a node above the depth is an inner one
	features  int
	targets   int
	modes     []Mode
	missing   float64 // share of nodes that send NaN to the true branch
	shared    float64 // share of children that are a node made before
	weights   string  // one, tree, vector or any
	base      bool
	aggregate Aggregate
	fast      bool // no tree may need the plain walk
}

func randomSpec[T Float](rng *rand.Rand, k kind) Spec[T] {
	s := Spec[T]{Features: k.features, Targets: k.targets, Aggregate: k.aggregate}
	for range 5 {
		var set []T
		for range rng.IntN(6) {
			set = append(set, T(rng.IntN(9)-4)/2)
		}
		s.Sets = append(s.Sets, set)
	}
	numbers := []T{0, T(math.Copysign(0, -1)), T(math.Inf(1)), T(math.Inf(-1)), T(nan), 1e-45, T(math.MaxFloat32), T(-math.MaxFloat32)}
	var finished []int32
	var grow func(depth int, target int32) int32
	grow = func(depth int, target int32) int32 {
		i := int32(len(s.Nodes))
		if rng.Float64() < k.shared && len(finished) > 0 && depth > 0 {
			return finished[rng.IntN(len(finished))]
		}
		defer func() { finished = append(finished, i) }()
		if depth >= k.depth || rng.Float64() >= k.full {
			first := int32(len(s.Weights))
			give := func(t int32) { s.Weights = append(s.Weights, Weight[T]{t, T(rng.NormFloat64())}) }
			switch k.weights {
			case "one":
				give(int32(k.targets - 1))
			case "tree":
				give(target)
			case "vector":
				for t := range int32(k.targets) {
					give(t)
				}
			default:
				for range rng.IntN(4) {
					give(rng.Int32N(int32(k.targets)))
				}
			}
			s.Nodes = append(s.Nodes, leafOf[T](first, int32(len(s.Weights))-first))
			return i
		}
		n := Node[T]{
			Feature: rng.Int32N(int32(k.features)), Mode: k.modes[rng.IntN(len(k.modes))],
			MissingTrue: rng.Float64() < k.missing, Threshold: T(rng.IntN(9)-4) / 2, Set: rng.Int32N(5),
		}
		if rng.IntN(20) == 0 {
			n.Threshold = numbers[rng.IntN(len(numbers))]
		}
		s.Nodes = append(s.Nodes, n)
		yes := grow(depth+1, target)
		no := grow(depth+1, target)
		s.Nodes[i].True, s.Nodes[i].False = yes, no
		return i
	}
	for range k.trees {
		s.Roots = append(s.Roots, grow(0, rng.Int32N(int32(k.targets))))
	}
	if k.base {
		for range k.targets {
			s.Base = append(s.Base, T(rng.NormFloat64()))
		}
	}
	return s
}

// edgeRows are rows full of what comparisons get wrong: the thresholds themselves and one step beside them, NaN, infinities, zeros.
func edgeRows[T Float](rng *rand.Rand, s *Spec[T], rows int) []T {
	special := []T{0, T(math.Copysign(0, -1)), T(math.Inf(1)), T(math.Inf(-1)), T(nan), -T(nan), 1e-45, -1e-45}
	x := make([]T, rows*s.Features)
	for i := range x {
		switch rng.IntN(4) {
		case 0:
			x[i] = special[rng.IntN(len(special))]
		case 1:
			x[i] = T(rng.NormFloat64())
		default:
			t := s.Nodes[rng.IntN(len(s.Nodes))].Threshold
			x[i] = []T{t, before(t), -before(-t)}[rng.IntN(3)]
		}
	}
	return x
}

var inequalities = []Mode{LEQ, LT, GTE, GT}

var kinds = []kind{
	{name: "xgboost", trees: 100, depth: 6, full: .95, features: 30, targets: 1, modes: []Mode{LT}, weights: "one", base: true, fast: true},
	{name: "xgboost with NaN", trees: 50, depth: 6, full: .9, features: 30, targets: 1, modes: []Mode{LT}, missing: .5, weights: "one", fast: true},
	{name: "catboost", trees: 17, depth: 6, full: 1, features: 5, targets: 1, modes: []Mode{GT}, weights: "one", fast: true},
	{name: "lightgbm", trees: 30, depth: 20, full: .6, features: 9, targets: 1, modes: []Mode{LEQ}, missing: .7, weights: "one", base: true, fast: true},
	{name: "all inequalities", trees: 40, depth: 7, full: .8, features: 3, targets: 1, modes: inequalities, missing: .5, weights: "one", fast: true},
	{name: "deep", trees: 19, depth: 60, full: .54, features: 4, targets: 1, modes: []Mode{LEQ}, weights: "one", fast: true},
	{name: "one deep among shallow", trees: 9, depth: 14, full: .6, features: 4, targets: 1, modes: []Mode{LEQ}, weights: "one", fast: true},
	{name: "leaves alone", trees: 11, depth: 0, features: 1, targets: 1, modes: []Mode{LEQ}, weights: "one", base: true, fast: true},
	{name: "one tree", trees: 1, depth: 9, full: .9, features: 2, targets: 1, modes: []Mode{LT}, weights: "one", fast: true},
	{name: "binary of two columns", trees: 20, depth: 5, full: .9, features: 8, targets: 2, modes: []Mode{LEQ}, weights: "one", base: true, fast: true},
	{name: "multiclass", trees: 30, depth: 6, full: .9, features: 12, targets: 3, modes: []Mode{LT}, missing: .3, weights: "tree", base: true, fast: true},
	{name: "multiclass deep", trees: 30, depth: 30, full: .58, features: 12, targets: 3, modes: []Mode{LT}, missing: .3, weights: "tree", base: true, fast: true},
	{name: "forest of vectors", trees: 20, depth: 12, full: .8, features: 7, targets: 4, modes: []Mode{LEQ}, weights: "vector", base: true, fast: true},
	{name: "average", trees: 20, depth: 5, full: .8, features: 7, targets: 3, modes: []Mode{LEQ}, weights: "any", base: true, aggregate: Average, fast: true},
	{name: "average of one", trees: 20, depth: 5, full: .8, features: 7, targets: 1, modes: []Mode{LEQ}, weights: "one", base: true, aggregate: Average, fast: true},
	{name: "any weights", trees: 20, depth: 5, full: .8, features: 7, targets: 3, modes: []Mode{LEQ}, weights: "any", base: true, fast: true},
	{name: "any weights, one target", trees: 20, depth: 5, full: .8, features: 7, targets: 1, modes: []Mode{LEQ}, weights: "any", base: true, fast: true},
	{name: "minimum", trees: 20, depth: 5, full: .8, features: 7, targets: 2, modes: []Mode{LEQ, GT}, weights: "any", base: true, aggregate: Min, fast: true},
	{name: "maximum", trees: 20, depth: 5, full: .8, features: 7, targets: 2, modes: []Mode{LEQ}, weights: "any", aggregate: Max, fast: true},
	{name: "every mode", trees: 40, depth: 6, full: .8, features: 5, targets: 2, modes: []Mode{LEQ, LT, GTE, GT, EQ, NEQ, Member}, missing: .3, weights: "any", base: true, fast: true},
	{name: "categories now and then", trees: 60, depth: 3, full: .9, features: 5, targets: 1, modes: []Mode{LEQ, LEQ, LEQ, LEQ, LEQ, LEQ, LEQ, LEQ, LEQ, LEQ, LEQ, LEQ, EQ}, missing: .3, weights: "one", fast: true},
	{name: "vectors and members", trees: 30, depth: 4, full: .9, features: 5, targets: 3, modes: []Mode{LEQ, LT, LEQ, LT, LEQ, Member}, weights: "vector", base: true, fast: true},
	{name: "more tests than trees", trees: 3, depth: 7, full: 1, features: 40, targets: 1, modes: []Mode{EQ, NEQ, LT}, weights: "one"},
	{name: "shared nodes", trees: 60, depth: 5, full: .9, features: 5, targets: 2, modes: []Mode{LEQ, LT}, shared: .01, weights: "tree", base: true},
	{name: "shared nodes everywhere", trees: 40, depth: 7, full: .9, features: 5, targets: 1, modes: []Mode{LEQ, GT, EQ}, shared: .4, weights: "one"},
	{name: "wide", trees: 20, depth: 6, full: .9, features: 3000, targets: 1, modes: inequalities, missing: .1, weights: "one", fast: true},
	{name: "thousand targets", trees: 30, depth: 3, full: .9, features: 3, targets: 1000, modes: inequalities, weights: "tree", fast: true},
}

func TestFastIsPlain(t *testing.T) {
	for _, k := range kinds {
		t.Run(k.name+"/float32", func(t *testing.T) { fastIsPlain[float32](t, k) })
		t.Run(k.name+"/float64", func(t *testing.T) { fastIsPlain[float64](t, k) })
	}
}

func fastIsPlain[T Float](t *testing.T, k kind) {
	for seed := range uint64(4) {
		rng := rand.New(rand.NewPCG(seed, 7))
		s := randomSpec[T](rng, k)
		e, err := Compile(s)
		if err != nil {
			t.Fatal(err)
		}
		if k.fast != (e.plain == nil) {
			t.Fatalf("some tree is walked: %v; want %v", e.plain != nil, !k.fast)
		}
		rows := 61
		if seed == 0 { // more than one block
			rows = e.block + 3
		}
		x := edgeRows(rng, &s, rows)
		want, wantReached := slow(&s, x, rows)
		expect := func(how string, got []T) {
			t.Helper()
			for i := range got {
				if !same(got[i], want[i]) {
					t.Fatalf("seed %d, %s, row %d target %d: got %v, want %v", seed, how, i/k.targets, i%k.targets, got[i], want[i])
				}
			}
		}
		got := make([]T, len(want))
		for i := range got {
			got[i] = 99
		}
		e.Eval(got, x, rows)
		expect("batch", got)
		for r := range rows {
			e.Eval(got[r*k.targets:], x[r*k.features:], 1)
		}
		expect("row by row", got)
		reached := make([]bool, len(want))
		e.EvalReached(got, reached, x, rows)
		expect("with reached", got)
		if !slices.Equal(reached, wantReached) {
			t.Fatalf("seed %d: reached differs", seed)
		}
	}
}

func BenchmarkEval(b *testing.B)        { benchmarkEval[float32](b) }
func BenchmarkEvalFloat64(b *testing.B) { benchmarkEval[float64](b) }

func benchmarkEval[T Float](b *testing.B) {
	for _, k := range []kind{
		{name: "100 trees of depth 3", trees: 100, depth: 3, full: 1, features: 30, targets: 1, modes: []Mode{LT}, weights: "one"},
		{name: "100 trees of depth 6", trees: 100, depth: 6, full: .95, features: 30, targets: 1, modes: []Mode{LT}, weights: "one"},
		{name: "100 trees of depth 6, NaN either way", trees: 100, depth: 6, full: .95, features: 30, targets: 1, modes: []Mode{LT}, missing: .5, weights: "one"},
		{name: "1000 trees of depth 6", trees: 1000, depth: 6, full: .95, features: 30, targets: 1, modes: []Mode{LT}, weights: "one"},
		{name: "100 trees of depth 8", trees: 100, depth: 8, full: .95, features: 30, targets: 1, modes: []Mode{LEQ}, weights: "one"},
		{name: "100 deep trees", trees: 100, depth: 25, full: .68, features: 30, targets: 1, modes: []Mode{LEQ}, weights: "one"},
		{name: "100 trees, 10 classes", trees: 100, depth: 6, full: .95, features: 30, targets: 10, modes: []Mode{LT}, weights: "tree"},
		{name: "100 trees of vectors of 3", trees: 100, depth: 8, full: .95, features: 30, targets: 3, modes: []Mode{LEQ}, weights: "vector"},
		{name: "100 trees with categories", trees: 100, depth: 6, full: .95, features: 30, targets: 1, modes: []Mode{LEQ, EQ}, weights: "one"},
	} {
		rng := rand.New(rand.NewPCG(1, 7))
		s := randomSpec[T](rng, k)
		for i := range s.Nodes {
			if n := &s.Nodes[i]; n.Mode <= GT { // categories are few
				n.Threshold = T(rng.NormFloat64())
			}
		}
		e, err := Compile(s)
		if err != nil {
			b.Fatal(err)
		}
		x := make([]T, 512*k.features)
		for i := range x {
			x[i] = T(rng.NormFloat64())
		}
		dst := make([]T, 512*k.targets)
		b.Run(k.name+"/1 row", func(b *testing.B) {
			b.ReportAllocs()
			i := 0
			for b.Loop() {
				e.Eval(dst, x[i*k.features:], 1)
				i = (i + 1) % 512
			}
		})
		b.Run(fmt.Sprintf("%s/512 rows", k.name), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				e.Eval(dst, x, 512)
			}
		})
	}
}

// A forest of some 300,000 nodes, as scikit-learn grows it to the end.
func BenchmarkCompile(b *testing.B) {
	rng := rand.New(rand.NewPCG(2, 7))
	s := randomSpec[float32](rng, kind{trees: 100, depth: 30, full: .5, features: 30, targets: 1, modes: []Mode{LEQ}, weights: "one"})
	for seed := uint64(3); len(s.Nodes) < 280_000; seed++ {
		t := randomSpec[float32](rand.New(rand.NewPCG(seed, 7)), kind{trees: 1, depth: 12, full: .86, features: 30, targets: 1, modes: []Mode{LEQ}, weights: "one"})
		first, weights := int32(len(s.Nodes)), int32(len(s.Weights))
		for _, n := range t.Nodes {
			if n.leaf() {
				n.Leaf += weights
			} else {
				n.True, n.False = n.True+first, n.False+first
			}
			s.Nodes = append(s.Nodes, n)
		}
		s.Roots, s.Weights = append(s.Roots, t.Roots[0]+first), append(s.Weights, t.Weights...)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Compile(s); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(len(s.Nodes)), "nodes")
}
