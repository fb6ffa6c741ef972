package onnx

import "math"

const (
	log2e = 1.44269504088896340735992468100189214
	ln2   = 0.693147180559945309417232121458176568
	// ln2 in two parts, of which products of the first with small whole numbers are exact.
	ln2High = 0x1.62e42fee00000p-1
	ln2Low  = 0x1.a39ef35793c76p-33
)

// exp is e to the x in the precision of T. It is written without fused operations, so that every machine gives the same bits.
func exp[T float32 | float64](x T) T {
	if single[T]() {
		return T(exp32(float32(x)))
	}
	return T(exp64(float64(x)))
}

// single says whether T is float32, in which one more than 2^24 is the same number.
func single[T float32 | float64]() bool { return T(1<<24)+1 == T(1<<24) }

// exp32 is right to the last bit but for rare ties.
func exp32(x float32) float32 {
	switch {
	case x != x:
		return x
	case x > 89:
		return float32(math.Inf(1))
	case x < -104:
		return 0
	}
	z := float64(x)
	k := math.Floor(float64(z*log2e) + 0.5)
	r := z - float64(k*ln2)
	// The terms of the series in pairs, which a processor computes side by side.
	r2 := float64(r * r)
	r4 := float64(r2 * r2)
	low := (1 + r) + float64(r2*(0.5+float64(r*(1.0/6))))
	high := (1.0/24 + float64(r*(1.0/120))) + float64(r2*(1.0/720+float64(r*(1.0/5040))))
	top := 1.0/40320 + float64(r*(1.0/362880))
	p := low + float64(r4*(high+float64(r4*top)))
	return float32(p * math.Float64frombits(uint64(1023+int64(k))<<52))
}

// reciprocals of factorials, from 13! down to 0!.
var taylor = [...]float64{1.0 / 6227020800, 1.0 / 479001600, 1.0 / 39916800, 1.0 / 3628800, 1.0 / 362880, 1.0 / 40320, 1.0 / 5040,
	1.0 / 720, 1.0 / 120, 1.0 / 24, 1.0 / 6, 0.5, 1, 1}

// exp64 is right to about one unit in the last place.
func exp64(x float64) float64 {
	switch {
	case x != x:
		return x
	case x > 710:
		return math.Inf(1)
	case x < -746:
		return 0
	}
	k := math.Floor(float64(x*log2e) + 0.5)
	r := (x - float64(k*ln2High)) - float64(k*ln2Low)
	p := 0.0
	for _, t := range taylor {
		p = float64(p*r) + t
	}
	return math.Ldexp(p, int(k))
}
