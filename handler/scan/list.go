package scan

import (
	"encoding/binary"
	"math"
	"math/bits"
)

// Lists of float32 are most of what comes. They are read here in a loop of its own that has no branch on what differs from
// number to number, its sign and how many digits it has: a processor that guesses such a branch wrong loses more time than
// all the rest of a number takes. ReadNumber reads the same numbers one at a time, and whatever this loop leaves.

// Float32List reads numbers of a JSON list into dst, which has room for one at least, from buf[i] on. It stops where dst is
// full, where the list ends, and before an element that it leaves to ReadNumber: an exponent, more than 18 digits, white
// space but for one blank after a comma, or what is no number. n is how many it read. If closed, next is the index of the
// character behind the last of them; if not, next is where an unread element starts. Of "[0.5, 1e3]" from 1 on it reads
// 0.5 and gives 1, 6, false; of "[0.5, 1.5]" it reads both and gives 2, 9, true.
func Float32List(dst []float32, buf []byte, i int) (n, next int, closed bool) {
	return readList(dst, buf, i)
}

// listReader is a Float32List.
type listReader func(dst []float32, buf []byte, i int) (n, next int, closed bool)

// readList is the one for this machine; list_amd64.go may put a faster one there.
var readList listReader = readScalar

// inversePowers holds 10^-k by k. A mantissa times one of them is off by a few units in the last place of a float64, and by
// less than tailUnits of them where digits behind longMantissa were dropped. Where the product lies that near to the middle
// between two float32 values, rounding it could give the wrong one, and the number is left.
var inversePowers = [...]float64{1e0, 1e-1, 1e-2, 1e-3, 1e-4, 1e-5, 1e-6, 1e-7, 1e-8, 1e-9, 1e-10, 1e-11, 1e-12, 1e-13, 1e-14, 1e-15, 1e-16}

// longMantissa is so large that all digits behind it together change a product by less than tailUnits of its last places.
const (
	longMantissa = 1 << 40
	tailUnits    = 1 << 14
)

var wholePowers = [...]uint64{1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8}

// readScalar is the listReader of every machine.
func readScalar(dst []float32, buf []byte, i int) (n, next int, closed bool) {
	for len(buf)-i >= 24 {
		negative := (uint32(buf[i]^'-') - 1) >> 31 // 1 or 0
		at := i + int(negative)
		mantissa, digits := uint64(buf[at]-'0'), 1
		if mantissa > 9 || buf[at+1] != '.' {
			if mantissa, digits = leadingDigits(buf[at:]); digits == 0 || digits == 8 || digits > 1 && buf[at] == '0' {
				return n, i, false
			}
		}
		at += digits
		fraction := 0
		if buf[at] == '.' {
			at++
			var low uint64
			low, fraction = leadingDigits(buf[at:])
			mantissa = mantissa*wholePowers[fraction] + low
			at += fraction
			if fraction == 8 && len(buf)-at >= 17 {
				low, more := leadingDigits(buf[at:])
				mantissa = mantissa*wholePowers[more] + low
				at += more
				fraction += more
				if more == 8 {
					_, more = leadingDigits(buf[at:])
					at += more
					if more > 0 && mantissa < longMantissa {
						return n, i, false
					}
				}
			}
			if fraction == 0 || digits+fraction > 18 {
				return n, i, false
			}
		}
		f := float64(int64(mantissa)) * inversePowers[fraction]
		if nearMiddle(f, tailUnits) || buf[at]|0x20 == 'e' || buf[at]-'0' <= 9 {
			return n, i, false
		}
		dst[n] = math.Float32frombits(math.Float32bits(float32(f)) | negative<<31)
		if n++; n == len(dst) || buf[at] != ',' {
			return n, at, true
		}
		if i = at + 1; i < len(buf) && buf[i] == ' ' {
			i++
		}
	}
	return n, i, false
}

// leadingDigits is the number that the digits at the start of eight bytes write, and how many they are.
func leadingDigits(text []byte) (value uint64, count int) {
	const ones = 0x0101010101010101
	v := binary.LittleEndian.Uint64(text)
	other := ((v + 0x46*ones) | (v - 0x30*ones)) & (0x80 * ones) // right up to the first byte that is no digit
	count = bits.TrailingZeros64(other) / 8
	return eightDigits(v<<(64-8*count) | 0x3030303030303030>>(8*count)), count
}
