package tree

import (
	"math"
	"math/bits"
	"unsafe"
)

// The fast layouts and the rows they read are made of words as wide as T: keys, columns and links, all unsigned.

func wide[T Float]() bool { var z T; return unsafe.Sizeof(z) == 8 }

// words is memory for words of T.
type words[T Float] struct{ memory []uint64 }

func newWords[T Float](n int) words[T] {
	if !wide[T]() {
		n = n/2 + 1
	}
	return words[T]{make([]uint64, n+1)} // one to spare, so that there is an address after the last
}

// at is the address of word i.
func (w words[T]) at(i int) unsafe.Pointer {
	var z T
	return unsafe.Add(unsafe.Pointer(&w.memory[0]), uintptr(i)*unsafe.Sizeof(z))
}

// set stores v as word i; 32 bits of it where T has no more.
func (w words[T]) set(i int, v uint64) {
	if wide[T]() {
		w.memory[i] = v
	} else {
		*(*uint32)(w.at(i)) = uint32(v)
	}
}

// setHalf stores v as the i-th 32 bits.
func (w words[T]) setHalf(i int, v uint32) {
	*(*uint32)(unsafe.Add(unsafe.Pointer(&w.memory[0]), uintptr(i)*4)) = v
}

// load is the word i beyond p.
func load[T Float](p unsafe.Pointer, i uint64) uint64 {
	if wide[T]() {
		return *(*uint64)(unsafe.Add(p, i*8))
	}
	return uint64(*(*uint32)(unsafe.Add(p, i*4)))
}

// less is 1 where a < b, else 0, without a branch.
func less(a, b uint64) uint64 {
	_, borrow := bits.Sub64(a, b, 0)
	return borrow
}

// key orders numbers as unsigned integers the other way round: key(a) < key(b) where a > b. NaN has key 0, so it is greater
// than every number. -0 has the key of 0.
func key[T Float](x T) uint64 {
	if x != x {
		return 0
	}
	x += 0 // makes -0 0
	if wide[T]() {
		b := math.Float64bits(float64(x))
		return b ^ uint64(^(int64(b)>>63))&(1<<63-1)
	}
	b := math.Float32bits(float32(x))
	return uint64(b ^ uint32(^(int32(b)>>31))&(1<<31-1))
}

// A leaf of the linked layout has a key above that of every number, so that every row goes right there; which leaf it
// is, is how far above.
const leafBits = 22

func leafKey[T Float](leaf int) uint64 { return key(T(math.Inf(-1))) + 1 + uint64(leaf) }
