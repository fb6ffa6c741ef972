//go:build !purego

package tree

import "unsafe"

// assembly says that the functions below exist.
const assembly = true

// heapSum and linkedSum add to *acc, per row, the values of the leaves which that row of keys reaches in n groups. Strides are in
// bytes. A call is short of any preemption, which is why evalBlock keeps blocks small.
//
//go:noescape
func heapSum32(acc unsafe.Pointer, accStride uintptr, x unsafe.Pointer, xStride uintptr, rows int, groups *group, n int)

//go:noescape
func heapSum64(acc unsafe.Pointer, accStride uintptr, x unsafe.Pointer, xStride uintptr, rows int, groups *group, n int)

//go:noescape
func linkedSum32(acc unsafe.Pointer, accStride uintptr, x unsafe.Pointer, xStride uintptr, rows int, groups *group, n int)

//go:noescape
func linkedSum64(acc unsafe.Pointer, accStride uintptr, x unsafe.Pointer, xStride uintptr, rows int, groups *group, n int)

// heapLeaf and linkedLeaf write the leaf of each lane (*[lanes]uint32 a row).
//
//go:noescape
func heapLeaf32(out, x unsafe.Pointer, xStride uintptr, rows int, from *group)

//go:noescape
func heapLeaf64(out, x unsafe.Pointer, xStride uintptr, rows int, from *group)

//go:noescape
func linkedLeaf32(out, x unsafe.Pointer, xStride uintptr, rows int, from *group)

//go:noescape
func linkedLeaf64(out, x unsafe.Pointer, xStride uintptr, rows int, from *group)

// keys32 makes the keys of float32 numbers, four at a time, after turning the sign of each if sign is 1<<31.
//
//go:noescape
func keys32(dst, x unsafe.Pointer, fours int, sign uint32)

// keys64 makes the keys of float64 numbers, two at a time, likewise with 1<<63.
//
//go:noescape
func keys64(dst, x unsafe.Pointer, twos int, sign uint64)
