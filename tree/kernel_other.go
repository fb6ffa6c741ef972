//go:build !amd64 || purego

package tree

import "unsafe"

// assembly says that the functions below exist.
const assembly = false

func heapSum32(acc unsafe.Pointer, accStride uintptr, x unsafe.Pointer, xStride uintptr, rows int, groups *group, n int) {
}
func heapSum64(acc unsafe.Pointer, accStride uintptr, x unsafe.Pointer, xStride uintptr, rows int, groups *group, n int) {
}
func linkedSum32(acc unsafe.Pointer, accStride uintptr, x unsafe.Pointer, xStride uintptr, rows int, groups *group, n int) {
}
func linkedSum64(acc unsafe.Pointer, accStride uintptr, x unsafe.Pointer, xStride uintptr, rows int, groups *group, n int) {
}
func heapLeaf32(out, x unsafe.Pointer, xStride uintptr, rows int, from *group)   {}
func heapLeaf64(out, x unsafe.Pointer, xStride uintptr, rows int, from *group)   {}
func linkedLeaf32(out, x unsafe.Pointer, xStride uintptr, rows int, from *group) {}
func linkedLeaf64(out, x unsafe.Pointer, xStride uintptr, rows int, from *group) {}
func keys32(dst, x unsafe.Pointer, fours int, sign uint32)                       {}
func keys64(dst, x unsafe.Pointer, twos int, sign uint64)                        {}
