package scan

import (
	"encoding/binary"
	"math"
	"strconv"
)

// Number is a JSON number taken apart: mantissa times ten to the exponent.
type Number struct {
	mantissa uint64
	exponent int
	negative bool
	inexact  bool // digits other than zero did not fit into the mantissa
}

// powers are the powers of ten that a float64 holds exactly.
var powers = [...]float64{1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11,
	1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22}

// hugeExponent is past every type's range; explicit exponents stop counting there.
const hugeExponent = 1 << 20

// maxDigits always fit into a mantissa.
const maxDigits = 19

// ReadNumber reads the number at buf[i:] and gives the index behind it, or -1 where no JSON number starts.
func ReadNumber(buf []byte, i int) (n Number, end int) {
	start := i
	if i < len(buf) && buf[i] == '-' {
		n.negative = true
		i++
	}
	first := i
	for i < len(buf) && buf[i]-'0' <= 9 {
		n.mantissa = n.mantissa*10 + uint64(buf[i]-'0')
		i++
	}
	digits := i - first
	if digits == 0 {
		return n, -1
	}
	if digits > 1 && buf[first] == '0' {
		return Number{}, first + 1
	}
	if i < len(buf) && buf[i] == '.' {
		i++
		first = i
		for i+8 <= len(buf) {
			eight := binary.LittleEndian.Uint64(buf[i:])
			if !allDigits(eight) {
				break
			}
			n.mantissa = n.mantissa*1e8 + eightDigits(eight)
			i += 8
		}
		for i < len(buf) && buf[i]-'0' <= 9 {
			n.mantissa = n.mantissa*10 + uint64(buf[i]-'0')
			i++
		}
		if i == first {
			return n, -1
		}
		digits += i - first
		n.exponent = first - i
	}
	if digits > maxDigits {
		n = longNumber(buf[start:i])
	}
	if i < len(buf) && buf[i]|0x20 == 'e' {
		return n.exponentPart(buf, i+1)
	}
	return n, i
}

// allDigits says whether all eight bytes of v are ASCII digits.
func allDigits(v uint64) bool {
	const high = 0xf0f0f0f0f0f0f0f0
	return v&high == 0x3030303030303030 && (v+0x0606060606060606)&high == 0x3030303030303030
}

// eightDigits is the number that eight ASCII digits write, the first in the lowest byte: pairs, then fours, then all.
func eightDigits(v uint64) uint64 {
	v -= 0x3030303030303030
	v = v*10 + v>>8
	return ((v&0x000000ff000000ff)*(100+1000000<<32) + (v>>16&0x000000ff000000ff)*(1+10000<<32)) >> 32
}

// longNumber reads a checked number without exponent that has more digits than a mantissa surely holds.
func longNumber(text []byte) (n Number) {
	fraction := 0
	for _, c := range text {
		switch {
		case c == '-':
			n.negative = true
		case c == '.':
			fraction = 1
		case n.digit(c - '0'):
			n.exponent -= fraction
		default:
			n.exponent += 1 - fraction
		}
	}
	return n
}

// digit takes one more digit into the mantissa and says whether it fitted.
func (n *Number) digit(d byte) bool {
	if n.mantissa < math.MaxUint64/10 || n.mantissa == math.MaxUint64/10 && d <= math.MaxUint64%10 {
		if !n.inexact {
			n.mantissa = n.mantissa*10 + uint64(d)
			return true
		}
	}
	n.inexact = n.inexact || d != 0
	return false
}

func (n Number) exponentPart(buf []byte, i int) (Number, int) {
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
	_, end := ReadNumber(buf, i)
	if end < 0 && i+1 < len(buf) && buf[i+1] == 'I' {
		return i, unexpected(buf, i, wantNull)
	}
	if end < 0 {
		return i, unexpected(buf, i, "a number as 1, -0.5 or 2e3")
	}
	if end < len(buf) && (buf[end]-'0' <= 9 || buf[end] == '.') {
		return end, unexpected(buf, end, "the end of a number (no leading zeros)")
	}
	return end, nil
}

// nearMiddle says whether f lies within so many units in its last place of the middle between two float32 values.
func nearMiddle(f float64, units uint64) bool {
	const middle = 1 << 28
	return math.Float64bits(f)&(1<<29-1)-(middle-units) <= 2*units
}

// Float32 is the float32 nearest to n, whose text is given; false where that is not finite.
//
// The quotient below is off by at most two units in the last place of a float64. Only where it lies that near
// to the middle between two float32 values could it round to the wrong one, and there strconv decides.
func (n Number) Float32(text []byte) (float32, bool) {
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
		if !nearMiddle(f, 8) && f <= math.MaxFloat32 && f >= 0x1p-126 {
			if n.negative {
				f = -f
			}
			return float32(f), true
		}
	}
	f, err := strconv.ParseFloat(string(text), 32)
	return float32(f), err == nil
}

func (n Number) zero() float64 {
	if n.negative {
		return math.Copysign(0, -1)
	}
	return 0
}

// Float64 is the float64 nearest to n, whose text is given; false where that is not finite.
func (n Number) Float64(text []byte) (float64, bool) {
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

// Negative says whether n is written with a minus.
func (n Number) Negative() bool { return n.negative }

// Whole gives the magnitude of n. whole is false where n has a fraction, fits is false where the magnitude
// is past 64 bits.
func (n Number) Whole() (magnitude uint64, whole, fits bool) {
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
