package model

import (
	"math"
	"strconv"
)

// number is a JSON number taken apart: mantissa times ten to the exponent.
type number struct {
	mantissa uint64
	exponent int
	negative bool
	inexact  bool // digits other than zero did not fit into the mantissa
}

var powers = [...]float64{1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11,
	1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22}

// hugeExponent is past every type's range; explicit exponents stop counting there.
const hugeExponent = 1 << 20

// scanNumber reads the number at i and gives the index behind it, or -1 where no JSON number starts.
func scanNumber(buf []byte, i int) (n number, end int) {
	if i < len(buf) && buf[i] == '-' {
		n.negative = true
		i++
	}
	if i >= len(buf) {
		return n, -1
	}
	switch c := buf[i]; {
	case c == '0':
		i++
	case c >= '1' && c <= '9':
		for i < len(buf) && buf[i]-'0' <= 9 {
			if !n.digit(buf[i] - '0') {
				n.exponent++
			}
			i++
		}
	default:
		return n, -1
	}
	if i < len(buf) && buf[i] == '.' {
		i++
		first := i
		for i < len(buf) && buf[i]-'0' <= 9 {
			if n.digit(buf[i] - '0') {
				n.exponent--
			}
			i++
		}
		if i == first {
			return n, -1
		}
	}
	if i < len(buf) && buf[i]|0x20 == 'e' {
		return n.exponentPart(buf, i+1)
	}
	return n, i
}

// digit takes one more digit into the mantissa and says whether it fitted.
func (n *number) digit(d byte) bool {
	if n.mantissa < math.MaxUint64/10 || n.mantissa == math.MaxUint64/10 && d <= math.MaxUint64%10 {
		if !n.inexact {
			n.mantissa = n.mantissa*10 + uint64(d)
			return true
		}
	}
	n.inexact = n.inexact || d != 0
	return false
}

func (n number) exponentPart(buf []byte, i int) (number, int) {
	sign := 1
	if i < len(buf) && (buf[i] == '-' || buf[i] == '+') {
		if buf[i] == '-' {
			sign = -1
		}
		i++
	}
	first, exponent := i, 0
	for i < len(buf) && buf[i]-'0' <= 9 {
		if exponent < hugeExponent {
			exponent = exponent*10 + int(buf[i]-'0')
		}
		i++
	}
	if i == first {
		return n, -1
	}
	n.exponent += sign * exponent
	return n, i
}

// skipNumber checks the number at i and gives the index behind it.
func skipNumber(buf []byte, i int) (int, error) {
	_, end := scanNumber(buf, i)
	if end < 0 {
		return i, unexpected(buf, i, "a number as 1, -0.5 or 2e3")
	}
	if end < len(buf) && (buf[end]-'0' <= 9 || buf[end] == '.') {
		return end, unexpected(buf, end, "the end of a number (no leading zeros)")
	}
	return end, nil
}

// float32 is the float32 nearest to n, whose text is given; false where that is not finite.
//
// The quotient below is off by at most two units in the last place of a float64. Only where it lies that near
// to the middle between two float32 values could it round to the wrong one, and there strconv decides.
func (n number) float32(text []byte) (float32, bool) {
	if n.mantissa == 0 && !n.inexact {
		return float32(n.zero()), true
	}
	if !n.inexact && n.exponent >= -22 && n.exponent <= 22 {
		f := float64(n.mantissa)
		if n.exponent < 0 {
			f /= powers[-n.exponent]
		} else {
			f *= powers[n.exponent]
		}
		const middle, near = 1 << 28, 8
		low := math.Float64bits(f) & (1<<29 - 1)
		if (low < middle-near || low > middle+near) && f <= math.MaxFloat32 && f >= 0x1p-126 {
			if n.negative {
				f = -f
			}
			return float32(f), true
		}
	}
	f, err := strconv.ParseFloat(string(text), 32)
	return float32(f), err == nil
}

func (n number) zero() float64 {
	if n.negative {
		return math.Copysign(0, -1)
	}
	return 0
}

// float64 is the float64 nearest to n, whose text is given; false where that is not finite.
func (n number) float64(text []byte) (float64, bool) {
	if n.mantissa == 0 && !n.inexact {
		return n.zero(), true
	}
	if !n.inexact && n.mantissa <= 1<<53 && n.exponent >= -22 && n.exponent <= 22 {
		f := float64(n.mantissa)
		if n.exponent < 0 {
			f /= powers[-n.exponent]
		} else {
			f *= powers[n.exponent]
		}
		if n.negative {
			f = -f
		}
		return f, true
	}
	f, err := strconv.ParseFloat(string(text), 64)
	return f, err == nil
}

// whole gives the magnitude of n. whole is false where n has a fraction, fits is false where the magnitude
// is past 64 bits.
func (n number) whole() (magnitude uint64, whole, fits bool) {
	m, e := n.mantissa, n.exponent
	if m == 0 && !n.inexact {
		return 0, true, true
	}
	for ; e < 0 && m%10 == 0 && !n.inexact; e++ {
		m /= 10
	}
	if e < 0 {
		return 0, false, false
	}
	if n.inexact {
		return 0, true, false
	}
	for ; e > 0; e-- {
		if m > math.MaxUint64/10 {
			return 0, true, false
		}
		m *= 10
	}
	return m, true, true
}
