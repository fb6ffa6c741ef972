//go:build !race

// Under the race detector a sync.Pool drops at random what it is given, so that allocations mean nothing there.

package tree

import (
	"math/rand/v2"
	"testing"
)

func TestEvalAllocatesNothing(t *testing.T) {
	for _, k := range kinds {
		rng := rand.New(rand.NewPCG(1, 7))
		s := randomSpec[float32](rng, k)
		e, err := Compile(s)
		if err != nil {
			t.Fatal(err)
		}
		for _, rows := range []int{1, 100} {
			x, dst := edgeRows(rng, &s, rows), make([]float32, rows*k.targets)
			if n := testing.AllocsPerRun(100, func() { e.Eval(dst, x, rows) }); n != 0 {
				t.Errorf("%s, %d rows: %v allocations, want none", k.name, rows, n)
			}
		}
	}
}
