package catboost

import (
	"encoding/binary"
	"math/bits"
)

// The hash of categories: CityHash64 of version 1.0, whose answers later versions changed.

const (
	city0 = 0xc3a5c85c97cb3127
	city1 = 0xb492b66fbe98f273
	city2 = 0x9ae16a3b2f90404f
	city3 = 0xc949d7c7509e6557
	city4 = 0x9ddfea08eb382d69
)

func at64(s string, i int) uint64 {
	var b [8]byte
	copy(b[:], s[i:i+8])
	return binary.LittleEndian.Uint64(b[:])
}

func at32(s string, i int) uint64 {
	return uint64(s[i]) | uint64(s[i+1])<<8 | uint64(s[i+2])<<16 | uint64(s[i+3])<<24
}

func turn(v uint64, right int) uint64 { return bits.RotateLeft64(v, -right) }

func shifted(v uint64) uint64 { return v ^ v>>47 }

// merge makes one hash of two.
func merge(u, v uint64) uint64 {
	a := shifted((u ^ v) * city4)
	return shifted((v^a)*city4) * city4
}

func city64(s string) uint64 {
	switch n := len(s); {
	case n == 0:
		return city2
	case n < 4:
		y := uint64(s[0]) + uint64(s[n/2])<<8
		z := uint64(n) + uint64(s[n-1])<<2
		return shifted(y*city2^z*city3) * city2
	case n <= 8:
		return merge(uint64(n)+at32(s, 0)<<3, at32(s, n-4))
	case n <= 16:
		a, b := at64(s, 0), at64(s, n-8)
		return merge(a, turn(b+uint64(n), n)) ^ b
	case n <= 32:
		return cityTo32(s)
	case n <= 64:
		return cityTo64(s)
	}
	return cityLong(s)
}

func cityTo32(s string) uint64 {
	n := len(s)
	a, b, c, d := at64(s, 0)*city1, at64(s, 8), at64(s, n-8)*city2, at64(s, n-16)*city0
	return merge(turn(a-b, 43)+turn(c, 30)+d, a+turn(b^city3, 20)-c+uint64(n))
}

func cityTo64(s string) uint64 {
	n := len(s)
	half := func(a, z uint64, i, j int) (first, second uint64) {
		b, c := turn(a+z, 52), turn(a, 37)
		a += at64(s, i)
		c += turn(a, 7)
		a += at64(s, j)
		return a + z, b + turn(a, 31) + c
	}
	v0, v1 := half(at64(s, 0)+(uint64(n)+at64(s, n-16))*city0, at64(s, 24), 8, 16)
	w0, w1 := half(at64(s, 16)+at64(s, n-32), at64(s, n-8), n-24, n-16)
	r := shifted((v0+w1)*city2 + (w0+v1)*city0)
	return shifted(r*city0+v1) * city2
}

// weak is a pair of sums over 32 bytes.
func weak(s string, i int, a, b uint64) (uint64, uint64) {
	w, x, y, z := at64(s, i), at64(s, i+8), at64(s, i+16), at64(s, i+24)
	a += w
	b = turn(b+a+z, 21)
	c := a
	a += x + y
	b += turn(a, 44)
	return a + z, b + c
}

func cityLong(s string) uint64 {
	n := len(s)
	x, y, z := at64(s, 0), at64(s, n-16)^city1, at64(s, n-56)^city0
	v0, v1 := weak(s, n-64, uint64(n), y)
	w0, w1 := weak(s, n-32, uint64(n)*city1, city0)
	z += shifted(v1) * city1
	x = turn(z+x, 39) * city1
	y = turn(y, 33) * city1
	for i := 0; i < (n-1)&^63; i += 64 {
		x = turn(x+y+v0+at64(s, i+16), 37) * city1
		y = turn(y+v1+at64(s, i+48), 42) * city1
		x ^= w1
		y ^= v0
		z = turn(z^w0, 33)
		v0, v1 = weak(s, i, v1*city1, x+w0)
		w0, w1 = weak(s, i+32, z+w1, y)
		z, x = x, z
	}
	return merge(merge(v0, w0)+shifted(y)*city1+z, merge(v1, w1)+x)
}

// Code is what a category is in a row: the low half of its hash, signed. A whole number is hashed as its decimal text.
func Code(category string) float64 { return float64(int32(uint32(city64(category)))) }
