//go:build unix

package main

import "syscall"

// boundBuffers is set on the listening socket, so that connections have it from their first byte. Where the kernel
// refuses, it keeps its own bounds.
func boundBuffers(fd uintptr) {
	for _, option := range []int{syscall.SO_SNDBUF, syscall.SO_RCVBUF} {
		_ = syscall.SetsockoptInt(int(fd), syscall.SOL_SOCKET, option, socketBuffer)
	}
}
