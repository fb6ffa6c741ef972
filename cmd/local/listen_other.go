//go:build !unix

package main

func boundBuffers(uintptr) {}
