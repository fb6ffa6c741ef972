//go:build !amd64 || purego

package model

// readList is the listReader of this machine.
func readList(dst []float32, buf []byte, i int) (n, next int, closed bool) {
	return readPlain(dst, buf, i)
}
