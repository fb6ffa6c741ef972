//go:build !purego

package model

import "golang.org/x/sys/cpu"

// Float32s reads numbers of a JSON list into dst, which has room for one at least, from buf[i] on, until dst is full, the
// list ends or something comes that is not as most numbers are: an exponent, very many digits, white space but for one
// blank after a comma, an error. It gives how many it read and the index of what comes next, which is the character
// behind the last number if closed, and an element that it did not read if not.
func Float32s(dst []float32, buf []byte, i int) (n, next int, closed bool) {
	if cpu.X86.HasSSSE3 {
		return readVector(dst, buf, i)
	}
	return readPlain(dst, buf, i)
}

// readVector is a listReader for processors with SSSE3.
//
//go:noescape
func readVector(dst []float32, buf []byte, i int) (n, next int, closed bool)
