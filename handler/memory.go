package handler

import (
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
)

// Memory is how the memory of the process is shared out. The garbage collector has what is left over to work with.
type Memory struct {
	Limit       int64 // of the process, in bytes; 0: none
	Requests    int64 // for large requests; 0: no limit
	Connections int   // the most at once
}

const (
	automatic = -1 // MEMORY_LIMIT is not set

	// What the process may take of the memory of its cgroup or machine. The rest is the kernel's, for its sockets.
	ownShare = 0.8

	runtimeBytes    = 16 << 20 // the binary and Go's runtime, beside the heap
	connectionBytes = 64 << 10 // a connection with its goroutine, header, first read and first piece of an answer
	leastRequests   = 16 << 20
	leastPlaces     = 64
	mostPlaces      = 1 << 16
)

// ShareMemory sets the memory limit of the process and shares out what the loaded model left of it.
func (c *Config) ShareMemory() Memory {
	limit := c.MemoryLimit
	if limit == automatic {
		if limit = debug.SetMemoryLimit(-1); limit == math.MaxInt64 { // GOMEMLIMIT is not set
			limit = int64(ownShare * float64(memoryHere(os.DirFS("/"))))
		}
	}
	if limit == 0 {
		return Memory{Connections: mostPlaces}
	}
	debug.SetMemoryLimit(limit)
	var used runtime.MemStats
	if runtime.ReadMemStats(&used); int64(used.HeapAlloc) > limit/8 { // mostly what loading a large model left
		runtime.GC()
		runtime.ReadMemStats(&used)
	}
	return share(limit, limit-int64(used.HeapAlloc)-runtimeBytes)
}

// share shares out what is free of a limit: half to large requests, a quarter to connections, a quarter to the garbage collector.
func share(limit, free int64) Memory {
	return Memory{
		Limit:       limit,
		Requests:    max(free/2, leastRequests),
		Connections: int(min(max(free/4/connectionBytes, leastPlaces), mostPlaces)),
	}
}

// memoryHere is the memory of the process's cgroup, of version 2 or 1, else of the machine; 0: not known. root is the file system.
func memoryHere(root fs.FS) int64 {
	least := machineMemory()
	lines, _ := fs.ReadFile(root, "proc/self/cgroup") // there is none on other systems
	for line := range strings.Lines(string(lines)) {
		fields := strings.SplitN(strings.TrimSpace(line), ":", 3)
		if len(fields) < 3 {
			continue
		}
		for _, version := range []struct {
			controllers, mount, file string
		}{{"", "sys/fs/cgroup", "memory.max"}, {"memory", "sys/fs/cgroup/memory", "memory.limit_in_bytes"}} {
			if fields[1] != version.controllers {
				continue
			}
			// In a container the path may be the host's, and the mount the container's own.
			for dir := path.Clean("/" + fields[2]); ; dir = path.Dir(dir) {
				text, _ := fs.ReadFile(root, path.Join(version.mount, dir, version.file))
				if n, err := strconv.ParseInt(strings.TrimSpace(string(text)), 10, 64); err == nil && n > 0 && (least == 0 || n < least) {
					least = n
				}
				if dir == "/" {
					break
				}
			}
		}
	}
	return least
}

// parseBytes reads a number of bytes, as GOMEMLIMIT has it: 512MiB.
func parseBytes(v string) (int64, error) {
	wrong := errors.New("want a number of bytes as 512MiB, 2GiB or 536870912; 0: no limit")
	digits, unit := v, int64(1)
	for _, u := range []struct {
		suffix string
		bytes  int64
	}{{"KiB", 1 << 10}, {"MiB", 1 << 20}, {"GiB", 1 << 30}, {"TiB", 1 << 40}, {"B", 1}} {
		if rest, ok := strings.CutSuffix(v, u.suffix); ok {
			digits, unit = rest, u.bytes
			break
		}
	}
	n, err := strconv.ParseInt(digits, 10, 64)
	if err != nil || n < 0 || n > math.MaxInt64/unit {
		return 0, wrong
	}
	if n *= unit; n != 0 && n < leastLimit {
		return 0, fmt.Errorf("want at least %dMiB, or 0 for no limit", leastLimit>>20)
	}
	return n, nil
}

// leastLimit is the smallest limit that can be served with.
const leastLimit = 32 << 20
