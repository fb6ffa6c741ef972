//go:build !amd64 || purego

package tree

import "unsafe"

// assembly says that the functions below exist.
const assembly = false

func heapSum(acc unsafe.Pointer, accStride uintptr, x unsafe.Pointer, xStride uintptr, rows int, groups *group, n int) {
}
func linkedSum(acc unsafe.Pointer, accStride uintptr, x unsafe.Pointer, xStride uintptr, rows int, groups *group, n int) {
}
func heapLeaf(out, x unsafe.Pointer, xStride uintptr, rows int, from *group)   {}
func linkedLeaf(out, x unsafe.Pointer, xStride uintptr, rows int, from *group) {}
func keys32(dst, x unsafe.Pointer, fours int, sign uint32)                     {}
