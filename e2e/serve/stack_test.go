// Package serve_test gives orders to rollout serve with deploy.yml's own command, on real containers under load and from a
// real registry on 127.0.0.1: a good image, and then all the bad ones. It needs Docker with Linux containers, the compose
// plugin, the image nginx:1.30-alpine, and ports 8080, 8081 and 8082 of 127.0.0.1.
package serve_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"ml-service/e2e"
)

const (
	first = "ml-service-e2e-serve:first"
	token = "e2e-0123456789abcdef0123456789abcdef"
)

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// binaries puts the service into a folder, as it is, with the faults of e2e/testdata, and a program that only sleeps.
func binaries(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	e2e.ServiceBinary(t, filepath.Join(dir, "good"))
	e2e.FaultyBinary(t, filepath.Join(dir, "faulty"))
	sleep := filepath.Join(dir, "sleep.go")
	write(t, sleep, "package main\n\nimport \"time\"\n\nfunc main() { time.Sleep(time.Hour) }\n")
	e2e.Command{Env: []string{"CGO_ENABLED=0", "GOOS=linux"}, Limit: 5 * time.Minute}.Output(t, "go", "build", "-o", filepath.Join(dir, "sleep"), sleep)
	e2e.BuildImage(t, first, dir, e2e.ImageFile("good"))
	return dir
}

// stack is the project, and the server in its folder.
type stack struct {
	*e2e.Stack
	t       *testing.T
	address string
	server  *e2e.Server
}

// newStack starts the project, blue with all the traffic, and the server.
func newStack(t *testing.T, repository string) *stack {
	t.Helper()
	s := newFolder(t)
	s.server = s.Start(t, s.address, token, "serve", "--repository", repository, "--watch", "10s", "--every", "1s", "--start-within", "15s", "--pull-within", "10s")
	return s
}

// newFolder starts the project, blue with all the traffic.
func newFolder(t *testing.T) *stack {
	t.Helper()
	s := &stack{Stack: e2e.NewStack(t, "serve", fmt.Sprintf("BLUE_IMAGE=%s\nGREEN_IMAGE=%s\n", first, first)), t: t}
	s.Up(t)
	e2e.Command{Dir: s.Dir, Limit: time.Minute}.Output(t, s.Rollout, "promote", "--to", "blue", "--from", "green")
	s.address = "127.0.0.1:" + e2e.FreePort(t)
	return s
}

// order is deploy.yml's own command. It returns the exit code and what was said.
func (s *stack) order(key, image, version string) (int, string) {
	s.t.Helper()
	began := time.Now()
	r, err := e2e.Command{Dir: s.t.TempDir(), Env: []string{"CLOUD_TOKEN=" + token}, Limit: 3 * time.Minute}.Run(s.Rollout, "deploy", "--api", "http://"+s.address,
		"--image", image, "--version", version, "--strategy", "switch", "--idempotency-key", key, "--timeout", "2m", "--poll", "500ms", "--if-busy", "wait", "--wait")
	if err != nil {
		s.t.Fatal(err)
	}
	said := r.Stdout + r.Stderr
	s.t.Logf("$ rollout deploy --api … --version %s --wait   # %s: exit code %d, %.1f s\n%s", version, key, r.Code, time.Since(began).Seconds(), said)
	if strings.Contains(said, token) || s.server != nil && strings.Contains(s.server.Output(), token) {
		s.t.Error("the token was printed")
	}
	return r.Code, said
}
