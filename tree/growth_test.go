package tree

import (
	"fmt"
	"math/rand/v2"
	"testing"
)

// BenchmarkGrowth is the time per row as ensembles grow: bench/http/growth.py plots it.
func BenchmarkGrowth(b *testing.B) {
	grow := func(name string, trees, features int) {
		rng := rand.New(rand.NewPCG(1, 7))
		s := randomSpec[float32](rng, kind{trees: trees, depth: 6, full: .95, features: features, targets: 1, modes: []Mode{LT}, weights: "one"})
		for i := range s.Nodes {
			s.Nodes[i].Threshold = float32(rng.NormFloat64())
		}
		e, err := Compile(s)
		if err != nil {
			b.Fatal(err)
		}
		const rows = 512
		x := make([]float32, rows*features)
		for i := range x {
			x[i] = float32(rng.NormFloat64())
		}
		dst := make([]float32, rows)
		b.Run(name+"/rows=1", func(b *testing.B) {
			for i := 0; b.Loop(); i = (i + 1) % rows {
				e.Eval(dst, x[i*features:(i+1)*features], 1)
			}
		})
		b.Run(name+"/rows=512", func(b *testing.B) {
			for b.Loop() {
				e.Eval(dst, x, rows)
			}
		})
	}
	for _, trees := range []int{10, 30, 100, 300, 1000, 3000, 10000} {
		grow(fmt.Sprintf("trees=%d", trees), trees, 30)
	}
	for _, features := range []int{3, 10, 30, 100, 300, 1000, 3000} {
		grow(fmt.Sprintf("features=%d", features), 100, features)
	}
}
