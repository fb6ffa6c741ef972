//go:build !purego

package scan

import "golang.org/x/sys/cpu"

func init() {
	if cpu.X86.HasSSSE3 {
		readList = readVector
	}
}

// readVector is a listReader for processors with SSSE3.
//
//go:noescape
func readVector(dst []float32, buf []byte, i int) (n, next int, closed bool)
