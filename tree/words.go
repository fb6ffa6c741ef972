package tree

import "unsafe"

// The fast layouts live in slices of T in which some words are numbers and some are indices of the same size.

func wide[T Float]() bool { var z T; return unsafe.Sizeof(z) == 8 }

// setIndex stores an index in the place of a T.
func setIndex[T Float](p *T, i int64) {
	if wide[T]() {
		*(*int64)(unsafe.Pointer(p)) = i
	} else {
		*(*int32)(unsafe.Pointer(p)) = int32(i)
	}
}

// A leaf of the linked layout is NaN, which no number compares with, and carries its leaf's index in the low bits.
const (
	leafBits = 22
	leafMask = 1<<leafBits - 1
	quiet32  = 0x7FC00000
	quiet64  = 0x7FF8000000000000
)

func setLeafMark[T Float](p *T, leaf int) {
	if wide[T]() {
		setIndex(p, quiet64|int64(leaf))
	} else {
		setIndex(p, quiet32|int64(leaf))
	}
}

// at is the word i beyond p.
func at[T Float](p unsafe.Pointer, i uint64) T {
	var z T
	return *(*T)(unsafe.Add(p, i*uint64(unsafe.Sizeof(z))))
}

// indexAt is the word i beyond p as an index.
func indexAt[T Float](p unsafe.Pointer, i uint64) uint64 {
	if wide[T]() {
		return *(*uint64)(unsafe.Add(p, i*8))
	}
	return uint64(*(*uint32)(unsafe.Add(p, i*4)))
}
