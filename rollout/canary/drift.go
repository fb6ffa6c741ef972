package canary

import (
	"fmt"
	"maps"
	"math"
	"slices"
)

// drift says how far the distributions of the sides' scores lie apart, for people: the population stability index, with the
// value that two equal sides exceed in one of twenty cases. It is never a verdict. Empty where nothing is known.
func drift(old, fresh map[string]uint64) string {
	psi, noise, ok := psi(old, fresh)
	if !ok {
		return ""
	}
	word := "within the noise"
	if psi > noise {
		word = "above the noise"
	}
	return fmt.Sprintf("scores: PSI %.3f, %s (two equal sides: up to %.3f)", psi, word, noise)
}

// psi compares counts by bin. noise is the chi-squared quantile times (1/n_old + 1/n_new).
func psi(old, fresh map[string]uint64) (value, noise float64, ok bool) {
	bins := map[string]bool{}
	var nOld, nNew float64
	for name, n := range old {
		bins[name] = bins[name] || n > 0
		nOld += float64(n)
	}
	for name, n := range fresh {
		bins[name] = bins[name] || n > 0
		nNew += float64(n)
	}
	used := 0.0
	for _, some := range bins {
		if some {
			used++
		}
	}
	if nOld == 0 || nNew == 0 || used < 2 {
		return 0, 0, false
	}
	for _, name := range slices.Sorted(maps.Keys(bins)) {
		if !bins[name] {
			continue
		}
		// Half a count for an empty bin, so that the logarithm is finite.
		a, b := max(float64(old[name]), 0.5)/nOld, max(float64(fresh[name]), 0.5)/nNew
		value += (b - a) * math.Log(b/a)
	}
	return value, chiSquared95(used-1) * (1/nOld + 1/nNew), true
}

// chiSquared95 is the 95 % quantile by Wilson and Hilferty, off by less than 2 %.
func chiSquared95(degrees float64) float64 {
	const z = 1.6448536269514722
	v := 2 / (9 * degrees)
	return degrees * math.Pow(1-v+z*math.Sqrt(v), 3)
}
