package judge

import "math"

// Grid is a mixture of alternatives to a null hypothesis: so many times the odds, with these weights.
type Grid struct{ Psi, Weight []float64 }

// The grids of the two checks that compare the sides.
var (
	ErrorGrid   = Grid{Psi: []float64{2, 4, 8, 16, 64, 256}, Weight: []float64{.10, .25, .30, .15, .10, .10}}
	LatencyGrid = Grid{Psi: []float64{1.5, 2, 3, 5, 10, 30}, Weight: []float64{.15, .25, .25, .20, .10, .05}}
)

var (
	aboveGrid = Grid{Psi: []float64{1.5, 2, 3, 5, 8, 15, 30, 60}, Weight: []float64{.05, .10, .20, .30, .15, .10, .05, .05}}
	belowGrid = Grid{Psi: []float64{.01, .05, .15, .3, .5, .7}, Weight: []float64{.25, .20, .15, .15, .15, .10}}
)

// mostRate is the highest rate that Above takes for an alternative.
const mostRate = 0.98

// Stratum is what both sides had between two moments; bad ones among the requests.
type Stratum struct{ BadOld, Old, BadNew, New int }

// Relative is the evidence against "in every stratum the new side's odds of a bad request are at most the old side's".
type Relative struct {
	grid Grid
	logs []float64 // of the product over the strata, by alternative
}

// NewRelative is no evidence yet.
func NewRelative(g Grid) *Relative { return &Relative{g, make([]float64, len(g.Psi))} }

// Add takes a stratum. One with a side missing, or with all requests alike, says nothing.
func (r *Relative) Add(s Stratum) {
	bad := s.BadOld + s.BadNew
	if bad == 0 || bad == s.Old+s.New || s.Old == 0 || s.New == 0 {
		return
	}
	t := table{old: float64(s.Old), new: float64(s.New), bad: float64(bad)}
	for k, psi := range r.grid.Psi {
		r.logs[k] += float64(s.BadNew)*math.Log(psi) - t.logMean(psi)
	}
}

// Log is the natural logarithm of the e-value.
func (r *Relative) Log() float64 {
	logs := make([]float64, len(r.logs))
	for k, l := range r.logs {
		logs[k] = l + math.Log(r.grid.Weight[k])
	}
	return logSum(logs)
}

// Above is the natural logarithm of the evidence against "the rate of bad ones is at most limit".
func Above(bad, n int, limit float64) float64 {
	logs := make([]float64, len(aboveGrid.Psi))
	for k, r := range aboveGrid.Psi {
		q := min(limit*r, mostRate)
		logs[k] = math.Log(aboveGrid.Weight[k]) + float64(bad)*math.Log(q/limit) + float64(n-bad)*(math.Log1p(-q)-math.Log1p(-limit))
	}
	return logSum(logs)
}

// Below is the natural logarithm of the evidence against "the rate of bad ones is at least limit".
func Below(bad, n int, limit float64) float64 {
	logs := make([]float64, len(belowGrid.Psi))
	for k, r := range belowGrid.Psi {
		logs[k] = math.Log(belowGrid.Weight[k]) + float64(bad)*math.Log(r) + float64(n-bad)*(math.Log1p(-r*limit)-math.Log1p(-limit))
	}
	return logSum(logs)
}

// Paired is the natural logarithm of the evidence against "of the pairs where one side alone is bad, the new side is the
// bad one in at most half".
//
// The formula 2^(b+c+1) B(1+b,1+c) (1 - I_½(1+b,1+c)) has whole parameters, so the incomplete beta function is a binomial
// tail and all of it is a sum over N = b+c+1: Σ_{j≤b} C(N,j)/C(N,b), over c+1.
func Paired(newOnly, oldOnly int) float64 {
	b, n := float64(newOnly), float64(newOnly)+float64(oldOnly)+1
	last := -math.Log(float64(oldOnly) + 1)
	if 2*b <= n { // the terms fall from j = b on
		return last + math.Log(tail(b, n))
	}
	// The terms rise first: take all 2^N less those above b, which fall.
	above := 0.0
	if b < n {
		above = math.Exp(logChoose(n, b+1)-n*math.Ln2) * tail(n-b-1, n)
	}
	return last + n*math.Ln2 - logChoose(n, b) + math.Log1p(-above)
}

// tail is Σ_{j≤b} C(n,j)/C(n,b), for b up to about n/2.
func tail(b, n float64) float64 {
	sum, term := 1.0, 1.0
	for j := b; j > 0; j-- {
		term *= j / (n - j + 1)
		if sum += term; term < 1e-17*sum {
			break
		}
	}
	return sum
}

// Floor is a lower bound of the rate of bad ones that holds at all times at once with a chance of 1 - alpha.
func Floor(bad, n int, alpha float64) float64 {
	if bad == 0 || n == 0 {
		return 0
	}
	b, good := float64(bad), float64(n-bad)
	mixture := logBeta(b+0.5, good+5) - logBeta(0.5, 5)
	// Newton's steps in the logarithm of the rate, where the gap is convex and falls: from the left they stay on the left.
	last := math.Log(b / float64(n))
	want := mixture + math.Log(alpha)
	if good == 0 {
		return math.Exp(min(want/b, last))
	}
	at := min(want/b, last)
	for range 100 {
		rate := math.Exp(at)
		step := (want - b*at - good*math.Log1p(-rate)) / (b - good*rate/(1-rate))
		if !(step > 1e-16*math.Abs(at)) || at+step >= last {
			break
		}
		at += step
	}
	return math.Exp(at)
}

// logBeta is the logarithm of the beta function.
func logBeta(a, b float64) float64 {
	// Γ(a)Γ(b)/Γ(a+b) by Stirling's formula with its rest, so that large arguments do not cancel.
	if a > 16 && b > 16 {
		n := a + b
		return 0.5*math.Log(2*math.Pi*n/(a*b)) + a*math.Log(a/n) + b*math.Log(b/n) + stirling(a) + stirling(b) - stirling(n)
	}
	la, _ := math.Lgamma(a)
	lb, _ := math.Lgamma(b)
	ln, _ := math.Lgamma(a + b)
	return la + lb - ln
}
