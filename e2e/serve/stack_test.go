// Package serve_test gives orders to rollout serve with deploy.yml's own command, on real containers under load and from a
// real registry on 127.0.0.1: a good image, and then all the bad ones. It needs Docker with Linux containers, the compose
// plugin, the image nginx:1.30-alpine, and ports 8080, 8081 and 8082 of 127.0.0.1.
package serve_test

import (
	"encoding/json"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"ml-service/e2e"
)

const (
	project = e2e.ComposeProject + "serve"
	first   = "ml-service-e2e-serve:first"
	token   = "e2e-0123456789abcdef0123456789abcdef"
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

// binaries puts the service into a folder, as it is, with the faults of e2e/canary, and a program that only sleeps.
func binaries(t *testing.T) string {
	t.Helper()
	dir, root := t.TempDir(), e2e.Root(t)
	build := func(name string, args ...string) {
		t.Helper()
		args = append([]string{"build", "-tags", e2e.Tags, "-trimpath", "-o", filepath.Join(dir, name)}, args...)
		e2e.Command{Dir: root, Env: []string{"CGO_ENABLED=0", "GOOS=linux"}, Limit: 5 * time.Minute}.Output(t, "go", args...)
	}
	build("good", "./cmd/local")
	faults := t.TempDir()
	const route = `"/predict", predict)`
	replace := map[string]string{filepath.Join(root, "handler", "faulty.go"): filepath.Join(faults, "faulty.go")}
	write(t, filepath.Join(faults, "faulty.go"), read(t, filepath.Join(root, "e2e", "canary", "testdata", "faulty.go.txt")))
	files, err := filepath.Glob(filepath.Join(root, "handler", "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		if text := read(t, file); !strings.HasSuffix(file, "_test.go") && strings.Contains(text, route) {
			replace[file] = filepath.Join(faults, filepath.Base(file))
			write(t, replace[file], strings.Replace(text, route, `"/predict", s.faulty)`, 1))
		}
	}
	if len(replace) != 2 {
		t.Fatalf("%d files of handler have the route %s, want one", len(replace)-1, route)
	}
	list, err := json.Marshal(map[string]map[string]string{"Replace": replace})
	if err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(faults, "overlay.json"), string(list))
	build("faulty", "-overlay", filepath.Join(faults, "overlay.json"), "./cmd/local")
	write(t, filepath.Join(faults, "sleep.go"), "package main\n\nimport \"time\"\n\nfunc main() { time.Sleep(time.Hour) }\n")
	build("sleep", filepath.Join(faults, "sleep.go"))
	return dir
}

// stack is a folder as a user has it, the project started from it, and the server there.
type stack struct {
	t            *testing.T
	dir, rollout string
	address      string
	server       *e2e.Server
}

// newStack starts the project, blue with all the traffic, and the server.
func newStack(t *testing.T, repository string) *stack {
	t.Helper()
	s := newFolder(t)
	env := []string{"CLOUD_TOKEN=" + token}
	for _, name := range []string{"PATH", "HOME", "DOCKER_HOST", "XDG_CACHE_HOME"} {
		if v, ok := os.LookupEnv(name); ok {
			env = append(env, name+"="+v)
		}
	}
	s.server = e2e.StartProcess(t, "http://"+s.address, env, s.rollout, "-C", s.dir, "serve", "--listen", s.address, "--repository", repository,
		"--watch", "10s", "--every", "1s", "--start-within", "15s", "--pull-within", "10s")
	s.listens()
	return s
}

// listens waits for the server.
func (s *stack) listens() {
	s.t.Helper()
	e2e.Poll(s.t, 20*time.Second, "the server", func() error {
		c, err := net.Dial("tcp", s.address)
		if err == nil {
			c.Close()
		}
		return err
	})
}

// newFolder starts the project, blue with all the traffic.
func newFolder(t *testing.T) *stack {
	t.Helper()
	root := e2e.Root(t)
	dir, err := os.MkdirTemp("", "ml-service-serve-") // the folders of t.TempDir are closed to the containers' user
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	s := &stack{t: t, dir: dir, rollout: e2e.Binary(t, "./cmd/rollout")}
	e2e.ComposeFiles(t, dir)
	e2e.Command{}.Output(t, "cp", "-r", filepath.Join(root, "models"), dir)
	e2e.Command{Dir: dir}.Output(t, "chmod", "-R", "a+rX", ".")
	write(t, filepath.Join(dir, ".env"), fmt.Sprintf("BLUE_IMAGE=%s\nGREEN_IMAGE=%s\n", first, first))
	_ = s.down()
	e2e.ComposePorts(t)
	t.Cleanup(func() {
		if err := s.down(); err != nil {
			t.Errorf("down: %v", err)
		}
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	s.up()
	e2e.Command{Dir: dir, Limit: time.Minute}.Output(t, s.rollout, "promote", "--to", "blue", "--from", "green")
	s.address = "127.0.0.1:" + e2e.FreePort(t)
	return s
}

func (s *stack) compose(args ...string) (e2e.Result, error) {
	args = append([]string{"compose", "-f", "docker-compose.balancer.yml"}, args...)
	return e2e.Command{Dir: s.dir, Env: []string{"COMPOSE_PROJECT_NAME=" + project}, Limit: 2 * time.Minute}.Run("docker", args...)
}

func (s *stack) up() {
	s.t.Helper()
	if r, err := s.compose("up", "-d"); err != nil || r.Code != 0 {
		s.t.Fatalf("up: %v\n%s%s", err, r.Stdout, r.Stderr)
	}
	e2e.Poll(s.t, time.Minute, "both colours healthy", func() error {
		for _, colour := range []string{"blue", "green"} {
			out, err := exec.Command("docker", "inspect", "--format", "{{.State.Health.Status}}", s.container(colour)).CombinedOutput()
			if err != nil || strings.TrimSpace(string(out)) != "healthy" {
				return fmt.Errorf("%s: %w %s", colour, err, out)
			}
		}
		return nil
	})
}

func (s *stack) down() error {
	r, err := s.compose("down", "--remove-orphans", "--volumes", "--timeout", "5")
	if err == nil && r.Code != 0 {
		err = fmt.Errorf("%s%s", r.Stdout, r.Stderr)
	}
	return err
}

// container is the id of a colour's container.
func (s *stack) container(colour string) string {
	s.t.Helper()
	return strings.TrimSpace(e2e.Command{}.Output(s.t, "docker", "ps", "--all", "--no-trunc", "--filter", "label=com.docker.compose.project="+project,
		"--filter", "label=com.docker.compose.service=ml-service-"+colour, "--format", "{{.ID}}"))
}

// order is deploy.yml's own command. It returns the exit code and what was said.
func (s *stack) order(key, image, version string) (int, string) {
	s.t.Helper()
	began := time.Now()
	r, err := e2e.Command{Dir: s.t.TempDir(), Env: []string{"CLOUD_TOKEN=" + token}, Limit: 3 * time.Minute}.Run(s.rollout, "deploy", "--api", "http://"+s.address,
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
