package tree

import (
	"math"
	"strings"
	"testing"
)

// stump is x[feature] <= threshold ? 1 : 2 over two features and two targets, for tests to spoil.
func stump() Spec[float32] {
	return Spec[float32]{
		Features: 2, Targets: 2,
		Nodes:   []Node[float32]{{Feature: 1, Threshold: .5, True: 1, False: 2}, leafOf[float32](0, 1), leafOf[float32](1, 1)},
		Roots:   []int32{0},
		Weights: []Weight[float32]{{0, 1}, {1, 2}},
		Sets:    [][]float32{{1, 2}},
	}
}

func leafOf[T Float](first, n int32) Node[T] {
	return Node[T]{True: -1, False: -1, Leaf: first, Weights: n}
}

func TestCompileRefuses(t *testing.T) {
	chain := func(s *Spec[float32], n int) {
		s.Nodes = s.Nodes[:0]
		for i := range n {
			s.Nodes = append(s.Nodes, Node[float32]{True: int32(n), False: int32(i + 1)})
		}
		s.Nodes = append(s.Nodes, leafOf[float32](0, 1))
	}
	for _, c := range []struct {
		name  string
		spoil func(*Spec[float32])
		want  string
	}{
		{"no features", func(s *Spec[float32]) { s.Features = 0 }, "0 features, want 1 to"},
		{"too many features", func(s *Spec[float32]) { s.Features = MaxFeatures + 1 }, "features, want 1 to"},
		{"no targets", func(s *Spec[float32]) { s.Targets = -1 }, "-1 targets, want 1 to"},
		{"no nodes", func(s *Spec[float32]) { s.Nodes = nil }, "0 nodes, want 1 to"},
		{"no trees", func(s *Spec[float32]) { s.Roots = nil }, "0 trees, want 1 to"},
		{"base", func(s *Spec[float32]) { s.Base = []float32{1} }, "1 base values, want none or one for each of 2 targets"},
		{"aggregate", func(s *Spec[float32]) { s.Aggregate = 4 }, "unknown aggregate 4"},
		{"root", func(s *Spec[float32]) { s.Roots[0] = 3 }, "tree 0: root 3 is not one of 3 nodes"},
		{"negative root", func(s *Spec[float32]) { s.Roots[0] = -1 }, "tree 0: root -1"},
		{"target", func(s *Spec[float32]) { s.Weights[1].Target = 2 }, "weight 1: target 2 is not one of 2"},
		{"NaN in a set", func(s *Spec[float32]) { s.Sets[0][1] = float32(math.NaN()) }, "set 0 holds NaN"},
		{"leaf beyond", func(s *Spec[float32]) { s.Nodes[2].Weights = 2 }, "node 2: leaf weights 1 to 3 are outside of 2 weights"},
		{"leaf before", func(s *Spec[float32]) { s.Nodes[2].Leaf = -1 }, "node 2: leaf weights -1 to 0"},
		{"leaf overflow", func(s *Spec[float32]) { s.Nodes[2].Leaf, s.Nodes[2].Weights = math.MaxInt32, math.MaxInt32 }, "node 2: leaf weights"},
		{"child beyond", func(s *Spec[float32]) { s.Nodes[0].True = 3 }, "node 0: child 3 is not one of 3 nodes"},
		{"half a leaf", func(s *Spec[float32]) { s.Nodes[0].False = -1 }, "node 0: child -1 is not one of 3 nodes"},
		{"mode", func(s *Spec[float32]) { s.Nodes[0].Mode = Member + 1 }, "node 0: unknown mode 7"},
		{"feature", func(s *Spec[float32]) { s.Nodes[0].Feature = 2 }, "node 0: feature 2 is not one of 2"},
		{"set", func(s *Spec[float32]) { s.Nodes[0].Mode, s.Nodes[0].Set = Member, 1 }, "node 0: set 1 is not one of 1"},
		{"own child", func(s *Spec[float32]) { s.Nodes[0].True = 0 }, "tree 0: node 0 has its own ancestor 0 for a child"},
		{"cycle", func(s *Spec[float32]) { s.Nodes[2] = Node[float32]{True: 1, False: 0} }, "tree 0: node 2 has its own ancestor 0 for a child"},
		{"too deep", func(s *Spec[float32]) { chain(s, MaxDepth+1) }, "tree 0 is deeper than 4096"},
		{"too deep through another tree", func(s *Spec[float32]) {
			chain(s, MaxDepth+1)
			s.Roots = []int32{1, 0}
		}, "tree 1 is deeper than 4096"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := stump()
			c.spoil(&s)
			e, err := Compile(s)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Fatalf("got %v, %v; want an error with %q", e, err, c.want)
			}
		})
	}
}

func TestCompileAccepts(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(*Spec[float32])
	}{
		{"as it is", func(*Spec[float32]) {}},
		{"a leaf alone", func(s *Spec[float32]) { s.Roots[0] = 2 }},
		{"a leaf without weights", func(s *Spec[float32]) { s.Nodes[1].Weights = 0 }},
		{"an empty set", func(s *Spec[float32]) { s.Sets[0], s.Nodes[0].Mode = nil, Member }},
		{"NaN threshold", func(s *Spec[float32]) { s.Nodes[0].Threshold = float32(math.NaN()) }},
		{"shared child", func(s *Spec[float32]) { s.Nodes[0].False = 1 }},
		{"a tree twice", func(s *Spec[float32]) { s.Roots = []int32{0, 0, 1} }},
		{"a cycle no root reaches", func(s *Spec[float32]) { s.Nodes = append(s.Nodes, Node[float32]{True: 3, False: 3}) }},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := stump()
			c.change(&s)
			if _, err := Compile(s); err != nil {
				t.Fatal(err)
			}
		})
	}
}
