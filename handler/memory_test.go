package handler

import (
	"testing"
	"testing/fstest"
)

func TestMemoryHere(t *testing.T) {
	file := func(text string) *fstest.MapFile { return &fstest.MapFile{Data: []byte(text)} }
	const whole = "proc/self/cgroup"
	for name, c := range map[string]struct {
		files fstest.MapFS
		want  int64
	}{
		"no cgroup":                      {fstest.MapFS{}, machineMemory()},
		"version 2, in a container":      {fstest.MapFS{whole: file("0::/\n"), "sys/fs/cgroup/memory.max": file("536870912\n")}, 512 << 20},
		"version 2, no limit":            {fstest.MapFS{whole: file("0::/\n"), "sys/fs/cgroup/memory.max": file("max\n")}, machineMemory()},
		"version 2, the parent's limit":  {fstest.MapFS{whole: file("0::/a/b\n"), "sys/fs/cgroup/a/b/memory.max": file("max\n"), "sys/fs/cgroup/a/memory.max": file("1000\n")}, 1000},
		"version 2, the smallest counts": {fstest.MapFS{whole: file("0::/a/b\n"), "sys/fs/cgroup/a/b/memory.max": file("900\n"), "sys/fs/cgroup/a/memory.max": file("1000\n")}, 900},
		"version 1, the host's path": {fstest.MapFS{whole: file("5:cpu:/docker/x\n4:memory:/docker/x\n"),
			"sys/fs/cgroup/memory/memory.limit_in_bytes": file("536870912\n")}, 512 << 20},
		"version 1, no limit": {fstest.MapFS{whole: file("4:memory:/\n"), "sys/fs/cgroup/memory/memory.limit_in_bytes": file("9223372036854771712\n")}, machineMemory()},
	} {
		if got := memoryHere(c.files); got != c.want {
			t.Errorf("%s: got %d, want %d", name, got, c.want)
		}
	}
	if machineMemory() < 64<<20 {
		t.Errorf("the machine has %d bytes", machineMemory())
	}
}

func TestShare(t *testing.T) {
	for _, c := range []struct {
		limit, free int64
		want        Memory
	}{
		{410 << 20, 392 << 20, Memory{410 << 20, 196 << 20, 1568}},
		{64 << 20, -1, Memory{64 << 20, leastRequests, leastPlaces}}, // a model that leaves nothing
		{1 << 40, 1 << 40, Memory{1 << 40, 1 << 39, mostPlaces}},
	} {
		if got := share(c.limit, c.free); got != c.want {
			t.Errorf("%d of %d: got %+v, want %+v", c.free, c.limit, got, c.want)
		}
	}
}

func TestParseBytes(t *testing.T) {
	for text, want := range map[string]int64{"0": 0, "512MiB": 512 << 20, "2GiB": 2 << 30, "536870912": 512 << 20, "33554432B": 32 << 20, "65536KiB": 64 << 20, "1TiB": 1 << 40} {
		if got, err := parseBytes(text); err != nil || got != want {
			t.Errorf("%s: got %d, %v, want %d", text, got, err, want)
		}
	}
	for _, text := range []string{"512M", "1.5GiB", "-1", "MiB", "9000000TiB", "1MiB"} {
		if got, err := parseBytes(text); err == nil {
			t.Errorf("%s: got %d, want an error", text, got)
		}
	}
}
