package tree

import (
	"math"
	"slices"
	"testing"
)

var nan = math.NaN()

// same compares bits, but any NaN equals any NaN.
func same[T Float](a, b T) bool {
	return a != a && b != b || a == b && math.Signbit(float64(a)) == math.Signbit(float64(b))
}

func TestModes(t *testing.T) {
	t.Run("float32", modes[float32])
	t.Run("float64", modes[float64])
}

func modes[T Float](t *testing.T) {
	xs := []float64{-1, math.Copysign(0, -1), 0, .5, 2, math.Inf(1), math.Inf(-1), nan}
	for _, c := range []struct {
		mode      Mode
		threshold float64
		missing   bool
		want      string // y where the true branch is taken, one a value of xs
	}{
		{LEQ, 0, false, "yyynnnyn"},
		{LEQ, 0, true, "yyynnnyy"},
		{LT, 0, false, "ynnnnnyn"},
		{LT, 0, true, "ynnnnnyy"},
		{GTE, 0, false, "nyyyyynn"},
		{GTE, 0, true, "nyyyyyny"},
		{GT, 0, false, "nnnyyynn"},
		{GT, 0, true, "nnnyyyny"},
		{EQ, 0, false, "nyynnnnn"},
		{EQ, 0, true, "nyynnnny"},
		{NEQ, 0, false, "ynnyyyyy"},
		{NEQ, 0, true, "ynnyyyyy"},
		{Member, 0, false, "nyynyynn"}, // {0, 2, +Inf}
		{Member, 0, true, "nyynyyny"},
		{LEQ, math.Inf(1), false, "yyyyyyyn"},
		{LT, math.Inf(1), false, "yyyyynyn"},
		{LT, math.Inf(1), true, "yyyyynyy"},
		{LT, math.Inf(-1), false, "nnnnnnnn"},
		{LT, math.Inf(-1), true, "nnnnnnny"},
		{LEQ, math.Inf(-1), false, "nnnnnnyn"},
		{GT, math.Inf(1), false, "nnnnnnnn"},
		{GT, math.Inf(1), true, "nnnnnnny"},
		{GTE, math.Inf(1), false, "nnnnnynn"},
		{GT, math.Inf(-1), false, "yyyyyynn"},
		{GTE, math.Inf(-1), false, "yyyyyyyn"},
		{LEQ, nan, false, "nnnnnnnn"},
		{LEQ, nan, true, "nnnnnnny"},
		{LT, nan, true, "nnnnnnny"},
		{GTE, nan, true, "nnnnnnny"},
		{GT, nan, false, "nnnnnnnn"},
		{EQ, nan, false, "nnnnnnnn"},
		{NEQ, nan, false, "yyyyyyyy"},
	} {
		e, err := Compile(Spec[T]{
			Features: 1, Targets: 1, Roots: []int32{0}, Sets: [][]T{{2, T(math.Inf(1)), 0}},
			Nodes:   []Node[T]{{Mode: c.mode, Threshold: T(c.threshold), MissingTrue: c.missing, True: 1, False: 2}, leafOf[T](0, 1), leafOf[T](1, 1)},
			Weights: []Weight[T]{{0, 'y'}, {0, 'n'}},
		})
		if err != nil {
			t.Fatal(err)
		}
		x, y := make([]T, len(xs)), make([]T, len(xs))
		for i := range xs {
			x[i] = T(xs[i])
		}
		e.Eval(y, x, len(x))
		got := ""
		for _, v := range y {
			got += string(rune(v))
		}
		if got != c.want {
			t.Errorf("%s %v, missing true %v: got %s, want %s", c.mode, c.threshold, c.missing, got, c.want)
		}
	}
}

// The numbers of the recorded fixtures hand_regressor_{sum,average,min,max}_base: a target that no leaf reached stays 0.
func TestAggregates(t *testing.T) {
	x := []float32{0, -1, 0, 1, 1, 1, float32(nan), float32(nan)}
	for _, c := range []struct {
		aggregate Aggregate
		base      []float32
		want      []float32
	}{
		{Sum, nil, []float32{5, 0, 1, .7, .3, -1.3, 4.3, -2}},
		{Sum, []float32{10, -.5}, []float32{15, 0, 11, .2, 10.3, -1.8, 14.3, -2.5}},
		{Average, []float32{10, -.5}, []float32{12.5, 0, 10.5, -.15, 10.15, -1.15, 12.15, -1.5}},
		{Min, []float32{10, -.5}, []float32{11, 0, 11, .2, 10.3, -2.5, 10.3, -2.5}},
		{Max, []float32{10, -.5}, []float32{14, 0, 11, .2, 10.3, .2, 14, -2.5}},
	} {
		e, err := Compile(Spec[float32]{
			Features: 2, Targets: 2, Roots: []int32{0, 3}, Base: c.base, Aggregate: c.aggregate,
			Nodes: []Node[float32]{
				{Feature: 0, Mode: LEQ, Threshold: .5, True: 1, False: 2}, leafOf[float32](0, 1), leafOf[float32](1, 2),
				{Feature: 1, Mode: GT, Threshold: -.25, True: 4, False: 5}, leafOf[float32](3, 1), leafOf[float32](4, 1),
			},
			Weights: []Weight[float32]{{0, 1}, {1, -2}, {0, .3}, {1, .7}, {0, 4}},
		})
		if err != nil {
			t.Fatal(err)
		}
		got := make([]float32, 8)
		e.Eval(got, x, 4)
		for i := range got {
			if math.Abs(float64(got[i]-c.want[i])) > 1e-6 || (c.want[i] == 0) != (got[i] == 0) {
				t.Errorf("aggregate %d, base %v: got %v, want %v", c.aggregate, c.base, got, c.want)
				break
			}
		}
		reached := make([]bool, 8)
		e.EvalReached(got, reached, x, 4)
		if want := []bool{true, false, true, true, true, true, true, true}; !slices.Equal(reached, want) {
			t.Errorf("reached: got %v, want %v", reached, want)
		}
	}
}

// A sum is made in the type of the ensemble, in the order of the roots, base last.
func TestOrderOfSummation(t *testing.T) {
	w := []Weight[float32]{{0, 1e8}, {0, 1}, {0, -1e8}}
	s := Spec[float32]{Features: 1, Targets: 1, Base: []float32{3}, Weights: w}
	for i := range w {
		s.Nodes = append(s.Nodes, leafOf[float32](int32(i), 1))
	}
	for _, c := range []struct {
		roots []int32
		want  float32
	}{{[]int32{0, 1, 2}, 3}, {[]int32{0, 2, 1}, 4}, {[]int32{1, 1, 1}, 6}} {
		s.Roots = c.roots
		e, err := Compile(s)
		if err != nil {
			t.Fatal(err)
		}
		var got [1]float32
		e.Eval(got[:], []float32{0}, 1)
		if got[0] != c.want {
			t.Errorf("roots %v: got %v, want %v", c.roots, got[0], c.want)
		}
	}
}

// TestBaseFirst adds up numbers of which the order shows: 1 is lost beside 2^25, unless it meets 1 first.
func TestBaseFirst(t *testing.T) {
	s := Spec[float32]{
		Features: 1, Targets: 2, Roots: []int32{0, 1}, Base: []float32{1, 7}, BaseFirst: true,
		Nodes:   []Node[float32]{leafOf[float32](0, 1), leafOf[float32](1, 1)},
		Weights: []Weight[float32]{{0, 1}, {0, 1 << 25}},
	}
	for _, first := range []bool{true, false} {
		s.BaseFirst = first
		e, err := Compile(s)
		if err != nil {
			t.Fatal(err)
		}
		got := make([]float32, 6)
		e.Eval(got, make([]float32, 3), 3)
		want := []float32{1<<25 + 2, 7, 1<<25 + 2, 7, 1<<25 + 2, 7}
		if !first { // the base is lost, and a target that no leaf reaches has none
			want = []float32{1 << 25, 0, 1 << 25, 0, 1 << 25, 0}
		}
		if !slices.Equal(got, want) {
			t.Errorf("base first %v: got %v, want %v", first, got, want)
		}
	}
	s.BaseFirst, s.Aggregate = true, Max
	if _, err := Compile(s); err == nil {
		t.Error("a maximum that starts from the base values compiles, want an error")
	}
}
