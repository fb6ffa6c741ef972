package judge

import "math"

// logChoose is the logarithm of how many ways there are to take k of n. Its error is relative to the result's spread and
// not to lgamma(n), which for a billion requests would have lost six digits.
func logChoose(n, k float64) float64 {
	if k <= 0 || k >= n {
		return 0
	}
	entropy := -k*math.Log(k/n) - (n-k)*math.Log1p(-k/n)
	return entropy + stirling(n) - stirling(k) - stirling(n-k) - 0.5*math.Log(2*math.Pi*k*((n-k)/n))
}

// stirling is what Stirling's formula leaves out of log n!.
func stirling(n float64) float64 {
	if n < 16 {
		l, _ := math.Lgamma(n + 1)
		return l - (n+0.5)*math.Log(n) + n - 0.5*math.Log(2*math.Pi)
	}
	s := 1 / (n * n)
	return (1./12 - (1./360-(1./1260-(1./1680-s/1188)*s)*s)*s) / n
}

// logBinomial is the logarithm of the chance of x bad ones among n where bad of all are, that is at a rate of bad/all.
func logBinomial(x, n, bad, all float64) float64 {
	p, q := bad/all, (all-bad)/all
	switch {
	case x == 0 && p < 0.5:
		return n * math.Log1p(-p)
	case x == 0:
		return n * math.Log(q)
	case x == n && q < 0.5:
		return n * math.Log1p(-q)
	case x == n:
		return n * math.Log(p)
	}
	return stirling(n) - stirling(x) - stirling(n-x) - deviance(x, n*p) - deviance(n-x, n*q) -
		0.5*math.Log(2*math.Pi*x*((n-x)/n))
}

// deviance is x log(x/m) + m - x, without the cancellation where x is near m.
func deviance(x, m float64) float64 {
	d := x - m
	if math.Abs(d) > 0.1*(x+m) {
		return x*math.Log(x/m) - d
	}
	v := d / (x + m) // x/m = (1+v)/(1-v), whose logarithm is 2(v + v³/3 + v⁵/5 + …)
	sum, term := d*v, 2*x*v
	for k := 3.0; ; k += 2 {
		term *= v * v
		next := sum + term/k
		if next == sum {
			return sum
		}
		sum = next
	}
}

// logSum is the logarithm of a sum of exponentials; -Inf of none.
func logSum(logs []float64) float64 {
	most := math.Inf(-1)
	for _, l := range logs {
		most = max(most, l)
	}
	if math.IsInf(most, 0) {
		return most
	}
	sum := 0.0
	for _, l := range logs {
		sum += math.Exp(l - most)
	}
	return most + math.Log(sum)
}

// table is how many of the bad requests fell to the new side, given how many requests each side had and how many were
// bad in all: a hypergeometric count.
type table struct{ old, new, bad float64 }

// logChance is the logarithm of the chance that x of the bad ones are the new side's.
func (t table) logChance(x float64) float64 {
	all := t.old + t.new
	return logBinomial(x, t.new, t.bad, all) + logBinomial(t.bad-x, t.old, t.bad, all) - logBinomial(t.bad, all, t.bad, all)
}

// ratio is the chance of x+1 over the chance of x.
func (t table) ratio(x float64) float64 {
	return (t.bad - x) * (t.new - x) / ((x + 1) * (t.old - t.bad + x + 1))
}

func (t table) bounds() (least, most float64) { return max(0, t.bad-t.old), min(t.bad, t.new) }

// mode is where chance times odds^x is largest.
func (t table) mode(odds float64) float64 {
	least, most := t.bounds()
	// The root of ratio(x) * odds = 1, in the form that does not cancel.
	a, b, c := odds-1, -(odds*(t.bad+t.new+2) + t.old - t.bad), odds*(t.bad+1)*(t.new+1)
	root := 2 * c / (math.Sqrt(max(0, b*b-4*a*c)) - b)
	return min(max(math.Floor(root), least), most)
}

// logMean is the logarithm of the mean of odds^x. It sums outwards from the largest term, in steps by the ratio of
// neighbours, until nothing is added: some multiples of the spread, whatever the counts.
func (t table) logMean(odds float64) float64 {
	least, most := t.bounds()
	mode := t.mode(odds)
	sum := 1.0
	for x, term := mode, 1.0; x < most; x++ {
		term *= t.ratio(x) * odds
		if sum += term; term < 1e-17*sum {
			break
		}
	}
	for x, term := mode, 1.0; x > least; x-- {
		term /= t.ratio(x-1) * odds
		if sum += term; term < 1e-17*sum {
			break
		}
	}
	return t.logChance(mode) + mode*math.Log(odds) + math.Log(sum)
}
