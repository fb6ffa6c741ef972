//go:build !purego

package model

import "golang.org/x/sys/cpu"

// readList is the listReader of this machine.
func readList(dst []float32, buf []byte, i int) (n, next int, closed bool) {
	if cpu.X86.HasSSSE3 {
		return readVector(dst, buf, i)
	}
	return readPlain(dst, buf, i)
}

// readVector is a listReader for processors with SSSE3.
//
//go:noescape
func readVector(dst []float32, buf []byte, i int) (n, next int, closed bool)
