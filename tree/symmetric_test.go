package tree

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"
)

// symmetricOf makes random trees: so many different borders a column, some tests of equality, and NaN either way.
func symmetricOf(rng *rand.Rand, trees, depth, targets, features, borders int) SymmetricSpec {
	s := SymmetricSpec{Features: features, Targets: targets}
	for f := range features {
		for range borders {
			t := Node[float64]{Feature: int32(f), Mode: GT, MissingTrue: f%2 == 1, Threshold: float64(float32(rng.NormFloat64()))}
			switch rng.IntN(20) {
			case 0:
				t.Threshold = []float64{0, math.Copysign(0, -1), math.Inf(1), math.Inf(-1), 1}[rng.IntN(5)]
			case 1:
				t.Mode, t.Threshold = EQ, float64(rng.IntN(3))
			}
			s.Tests = append(s.Tests, t)
		}
	}
	for range trees {
		d := depth
		if depth > 1 && rng.IntN(4) == 0 {
			d = rng.IntN(depth + 1)
		}
		s.Depths = append(s.Depths, int32(d))
		for range d {
			s.Levels = append(s.Levels, int32(rng.IntN(len(s.Tests))))
		}
		for range targets << d {
			s.Leaves = append(s.Leaves, rng.NormFloat64())
		}
	}
	return s
}

// expanded are the same trees, node by node.
func expanded(s *SymmetricSpec) Spec[float64] {
	g := Spec[float64]{Features: s.Features, Targets: s.Targets}
	levels, leaves := 0, 0
	for _, d := range s.Depths {
		var below func(level, number int) int32
		below = func(level, number int) int32 {
			at := len(g.Nodes)
			if level == int(d) {
				g.Nodes = append(g.Nodes, Node[float64]{True: -1, False: -1, Leaf: int32(len(g.Weights)), Weights: int32(s.Targets)})
				for k := range s.Targets {
					g.Weights = append(g.Weights, Weight[float64]{int32(k), s.Leaves[leaves+number*s.Targets+k]})
				}
				return int32(at)
			}
			g.Nodes = append(g.Nodes, s.Tests[s.Levels[levels+level]])
			yes, no := below(level+1, number|1<<level), below(level+1, number)
			g.Nodes[at].True, g.Nodes[at].False = yes, no
			return int32(at)
		}
		g.Roots = append(g.Roots, below(0, 0))
		levels, leaves = levels+int(d), leaves+s.Targets<<d
	}
	return g
}

// TestSymmetric compares with the same trees as an Ensemble, to the bit.
func TestSymmetric(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	for _, c := range []struct{ trees, depth, targets, features, borders int }{
		{1, 0, 1, 1, 1}, {3, 1, 1, 2, 3}, {40, 6, 1, 5, 20}, {300, 6, 1, 2, 400}, {50, 8, 1, 9, 127}, {50, 8, 1, 9, 128}, {20, 7, 3, 6, 255}, {30, 4, 2, 3, 5},
	} {
		s := symmetricOf(rng, c.trees, c.depth, c.targets, c.features, c.borders)
		e, err := CompileSymmetric(s)
		if err != nil {
			t.Fatal(err)
		}
		g, err := Compile(expanded(&s))
		if err != nil {
			t.Fatal(err)
		}
		if e.Trees() != c.trees {
			t.Errorf("%+v: %d trees", c, e.Trees())
		}
		for _, rows := range []int{1, 2, 7, 8, 9, 127, 128, 129, 300} {
			x := make([]float64, rows*c.features)
			for i := range x {
				switch rng.IntN(6) {
				case 0:
					x[i] = []float64{math.NaN(), math.Inf(1), math.Inf(-1), 0, math.Copysign(0, -1), 1, 2, math.Copysign(math.NaN(), -1)}[rng.IntN(8)]
				case 1: // on a border, or beside one
					b := s.Tests[i%c.features*c.borders+rng.IntN(c.borders)].Threshold
					x[i] = []float64{b, math.Nextafter(b, 9), math.Nextafter(b, -9)}[rng.IntN(3)]
				default:
					x[i] = rng.NormFloat64()
				}
			}
			got, want := make([]float64, rows*c.targets), make([]float64, rows*c.targets)
			e.Eval(got, x, rows)
			g.Eval(want, x, rows)
			for i := range want {
				if math.Float64bits(got[i]) != math.Float64bits(want[i]) {
					t.Fatalf("%+v, %d rows, value %d: got %v, want %v", c, rows, i, got[i], want[i])
				}
			}
		}
	}
}

func TestSymmetricRefused(t *testing.T) {
	good := func() SymmetricSpec {
		return SymmetricSpec{Features: 1, Targets: 1, Tests: []Node[float64]{{Mode: GT}}, Levels: []int32{0}, Depths: []int32{1}, Leaves: []float64{1, 2}}
	}
	if _, err := CompileSymmetric(good()); err != nil {
		t.Fatal(err)
	}
	for want, spoil := range map[string]func(*SymmetricSpec){
		"0 features":                   func(s *SymmetricSpec) { s.Features = 0 },
		"0 targets":                    func(s *SymmetricSpec) { s.Targets = 0 },
		"test 0: column 1":             func(s *SymmetricSpec) { s.Tests[0].Feature = 1 },
		"test 0: column 0 LEQ":         func(s *SymmetricSpec) { s.Tests[0].Mode = LEQ },
		"test 0: column 0 GT NaN":      func(s *SymmetricSpec) { s.Tests[0].Threshold = math.NaN() },
		"level 0: test 1 is not one":   func(s *SymmetricSpec) { s.Levels[0] = 1 },
		"tree 0: depth 9, want 0 to 8": func(s *SymmetricSpec) { s.Depths[0] = 9 },
		"tree 0: depth -1":             func(s *SymmetricSpec) { s.Depths[0] = -1 },
		"as many levels and leaves":    func(s *SymmetricSpec) { s.Leaves = s.Leaves[1:] },
		"as many levels":               func(s *SymmetricSpec) { s.Levels = nil },
		"more than 16,384 ranks a row": func(s *SymmetricSpec) {
			s.Features, s.Tests = maxRanks+1, nil
			for f := range s.Features {
				s.Tests, s.Levels[0] = append(s.Tests, Node[float64]{Feature: int32(f), Mode: GT}), int32(f)
				if f > 0 {
					s.Levels, s.Depths, s.Leaves = append(s.Levels, int32(f)), append(s.Depths, 1), append(s.Leaves, 1, 2)
				}
			}
			s.Levels[0] = 0
		},
	} {
		s := good()
		spoil(&s)
		if _, err := CompileSymmetric(s); err == nil || !strings.Contains(err.Error(), want) || errors.Is(err, ErrRanks) != strings.Contains(want, "ranks") {
			t.Errorf("got %v, want %s", err, want)
		}
	}
}

func BenchmarkSymmetric(b *testing.B) {
	for _, trees := range []int{100, 1000} {
		s := symmetricOf(rand.New(rand.NewPCG(1, 2)), trees, 6, 1, 30, trees/5)
		for i := range s.Tests {
			s.Tests[i].Mode = GT
		}
		e, err := CompileSymmetric(s)
		if err != nil {
			b.Fatal(err)
		}
		g, err := Compile(expanded(&s))
		if err != nil {
			b.Fatal(err)
		}
		x := make([]float64, 1024*30)
		rng := rand.New(rand.NewPCG(5, 6))
		for i := range x {
			x[i] = float64(float32(rng.NormFloat64()))
		}
		dst := make([]float64, 512)
		for _, rows := range []int{1, 512} {
			b.Run(fmt.Sprintf("%d trees/%d rows", trees, rows), func(b *testing.B) {
				b.ReportAllocs()
				for i := 0; b.Loop(); i++ {
					e.Eval(dst[:rows], x[i%(1025-rows)*30:], rows)
				}
			})
			b.Run(fmt.Sprintf("%d trees/%d rows by nodes", trees, rows), func(b *testing.B) {
				for i := 0; b.Loop(); i++ {
					g.Eval(dst[:rows], x[i%(1025-rows)*30:], rows)
				}
			})
		}
	}
}
