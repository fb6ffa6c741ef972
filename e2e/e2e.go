// Package e2e holds what every folder of the end-to-end tests needs: the repository's root, the binaries built
// from it, a running service, commands with a deadline and polling with one.
package e2e

import (
	"fmt"
	"hash/fnv"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// Tags are the build tags every binary of the repository is built with.
const Tags = "nomsgpack"

// Root returns the repository's root: the nearest folder above the working directory that holds the module ml-service.
func Root(t testing.TB) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for {
		mod, err := os.ReadFile(filepath.Join(dir, "go.mod"))
		if err == nil && strings.HasPrefix(string(mod), "module ml-service\n") {
			return dir
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			t.Fatal("no go.mod of module ml-service above the working directory")
		}
		dir = parent
	}
}

// Cache returns a folder outside the repository for what tests may keep between runs, made if it is missing:
// virtual environments, built binaries. Its path is ${XDG_CACHE_HOME:-$HOME/.cache}/ml-service/<elem>...
func Cache(t testing.TB, elem ...string) string {
	t.Helper()
	base, err := os.UserCacheDir()
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(append([]string{base, "ml-service"}, elem...)...)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	return dir
}

var built struct {
	sync.Mutex
	path map[string]string
}

// Binary builds a main package of the repository ("./cmd/local"), once a process, and returns the binary's path.
// More arguments go to `go build` as they are: "-ldflags", "-X ml-service/handler.modelVersion=v1.1.0".
func Binary(t testing.TB, pkg string, flags ...string) string {
	t.Helper()
	root := Root(t)
	key := fmt.Sprint(root, pkg, flags)
	built.Lock()
	defer built.Unlock()
	if path, ok := built.path[key]; ok {
		return path
	}
	sum := fnv.New64a()
	fmt.Fprint(sum, key)
	dir := Cache(t, "e2e", fmt.Sprintf("%016x", sum.Sum64()))
	lock, err := os.Create(filepath.Join(dir, "lock"))
	if err != nil {
		t.Fatal(err)
	}
	defer lock.Close() //nolint:errcheck // nothing was written
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX); err != nil {
		t.Fatalf("lock %s: %v", lock.Name(), err)
	}
	path := filepath.Join(dir, filepath.Base(pkg))
	args := append([]string{"build", "-tags", Tags, "-o", path}, flags...)
	Command{Dir: root, Env: []string{"CGO_ENABLED=0"}, Limit: 5 * time.Minute}.Output(t, "go", append(args, pkg)...)
	if built.path == nil {
		built.path = map[string]string{}
	}
	built.path[key] = path
	return path
}

// FreePort returns a TCP port of 127.0.0.1 that nothing listened on a moment ago.
func FreePort(t testing.TB) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // it does not wait
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close() //nolint:errcheck // nobody has connected
	_, port, err := net.SplitHostPort(l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	return port
}

// Listens waits until something takes connections at an address.
func Listens(t testing.TB, address string) {
	t.Helper()
	Poll(t, 20*time.Second, "a listener at "+address, func() error {
		c, err := net.Dial("tcp", address) //nolint:noctx // it does not wait
		if err == nil {
			err = c.Close()
		}
		return err
	})
}

// Poll calls try until it returns nil, and ends the test with its last error when limit has passed.
func Poll(t testing.TB, limit time.Duration, what string, try func() error) {
	t.Helper()
	deadline := time.Now().Add(limit)
	for {
		err := try()
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s: not within %s: %v", what, limit, err)
		}
		time.Sleep(20 * time.Millisecond)
	}
}
