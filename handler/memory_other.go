//go:build !linux && !darwin

package handler

func machineMemory() int64 { return 0 }
