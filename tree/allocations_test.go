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

// TestScratch holds what a call keeps for the next one to what is said of it.
func TestScratch(t *testing.T) {
	for _, k := range kinds {
		rng := rand.New(rand.NewPCG(1, 7))
		s := randomSpec[float64](rng, k)
		for _, rows := range []int{1, 7, 100, 3000} {
			e, err := Compile(s)
			if err != nil {
				t.Fatal(err)
			}
			e.Eval(make([]float64, rows*k.targets), edgeRows(rng, &s, rows), rows)
			kept := e.scratch.Get().(*scratch[float64])
			if got, most := 8*cap(kept.keys.memory)+4*lanes*cap(kept.leaves)+cap(kept.reached), e.Scratch(rows); got == 0 || got > most {
				t.Errorf("%s, %d rows: keeps %d bytes, want some and at most %d", k.name, rows, got, most)
			}
		}
	}
}
