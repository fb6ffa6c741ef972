// Package rollout tries the command rollout on real containers, with both compose tools and under load. It needs Docker
// with Linux containers, both tools, and ports 8080, 8081 and 8082 of 127.0.0.1.
package rollout

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"ml-service/e2e"
)

const (
	project = e2e.ComposeProject + "rollout"
	tag     = "ml-service:v1"
)

// tools are both spellings of compose.
var tools = [][]string{{"docker", "compose"}, {"docker-compose"}}

// stack is a clone of the repository, the project started from it, and the command.
type stack struct {
	dir     string
	tool    []string
	command string
	path    string // PATH for the command, where a wrapper of docker lies before the real one
}

// newStack clones HEAD, puts the container files of the working tree into it, and starts the balancer with all traffic on blue.
func newStack(t *testing.T, tool []string) *stack {
	t.Helper()
	root := e2e.Root(t)
	s := &stack{dir: filepath.Join(t.TempDir(), "ml-service"), tool: tool, command: e2e.Binary(t, "./cmd/rollout"), path: os.Getenv("PATH")}
	e2e.Command{}.Output(t, "git", "clone", "--quiet", root, s.dir)
	e2e.ComposeFiles(t, s.dir)
	// The temporary folders of tests are closed to others, and so to the containers' user.
	for dir := s.dir; dir != filepath.Dir(os.TempDir()); dir = filepath.Dir(dir) {
		if err := os.Chmod(dir, 0o755); err != nil {
			break // not ours: above the test's own folders
		}
		if filepath.Dir(dir) == filepath.Clean(os.TempDir()) {
			break
		}
	}
	e2e.Command{Dir: s.dir, Env: []string{"DOCKER_BUILDKIT=1"}, Limit: 8 * time.Minute}.Output(t, "docker", "build", "--quiet", "--tag", tag, ".")
	s.down(t) // what a killed run of this test left
	e2e.ComposePorts(t)
	t.Cleanup(func() {
		if t.Failed() {
			r, err := s.compose("logs", "--no-color", "--tail", "40")
			t.Logf("the containers' last lines: %v\n%s", err, r.Stdout[max(0, len(r.Stdout)-8000):])
		}
		s.down(t)
	})
	s.up(t)
	return s
}

func (s *stack) write(t *testing.T, name, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(s.dir, name), []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func (s *stack) read(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(s.dir, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// replace puts a new file in the old one's place, as editors, sed -i and git do.
func (s *stack) replace(t *testing.T, name, text string) {
	t.Helper()
	s.write(t, name+"~", text)
	if err := os.Rename(filepath.Join(s.dir, name+"~"), filepath.Join(s.dir, name)); err != nil {
		t.Fatal(err)
	}
}

func (s *stack) compose(args ...string) (e2e.Result, error) {
	args = append(append(append([]string{}, s.tool[1:]...), "-f", "docker-compose.balancer.yml"), args...)
	return e2e.Command{Dir: s.dir, Env: []string{"COMPOSE_PROJECT_NAME=" + project}, Limit: 3 * time.Minute}.Run(s.tool[0], args...)
}

func (s *stack) must(t *testing.T, args ...string) {
	t.Helper()
	if r, err := s.compose(args...); err != nil || r.Code != 0 {
		t.Fatalf("%v %v: %v\n%s%s", s.tool, args, err, r.Stdout, r.Stderr)
	}
}

func (s *stack) up(t *testing.T) {
	t.Helper()
	s.must(t, "up", "-d")
}

func (s *stack) down(t *testing.T) {
	t.Helper()
	s.must(t, "down", "--remove-orphans", "--volumes")
}

// container is the name of a service's container.
func (s *stack) container(t *testing.T, service string) string {
	t.Helper()
	return strings.TrimSpace(e2e.Command{}.Output(t, "docker", "ps", "--all", "--filter", "label=com.docker.compose.project="+project,
		"--filter", "label=com.docker.compose.service="+service, "--format", "{{.Names}}"))
}

// rollout runs the command.
func (s *stack) rollout(t *testing.T, args ...string) e2e.Result {
	t.Helper()
	began := time.Now()
	r, err := e2e.Command{Dir: s.dir, Env: []string{"PATH=" + s.path}, Limit: 3 * time.Minute}.Run(s.command, args...)
	if err != nil {
		t.Fatalf("rollout %s: %v\n%s%s", strings.Join(args, " "), err, r.Stdout, r.Stderr)
	}
	t.Logf("$ rollout %s   # exit code %d, %.1f s\n%s%s", strings.Join(args, " "), r.Code, time.Since(began).Seconds(), r.Stdout, r.Stderr)
	return r
}

// want runs the command, which must end with a code and say something.
func (s *stack) want(t *testing.T, code int, says string, args ...string) {
	t.Helper()
	r := s.rollout(t, args...)
	if r.Code != code || !strings.Contains(r.Stdout+r.Stderr, says) {
		t.Fatalf("rollout %s: exit code %d, want %d and %q", strings.Join(args, " "), r.Code, code, says)
	}
}

// healthy waits until docker calls a service healthy.
func (s *stack) healthy(t *testing.T, service string) {
	t.Helper()
	e2e.Poll(t, time.Minute, service+" healthy", func() error {
		out, err := exec.Command("docker", "inspect", "--format", "{{.State.Health.Status}}", s.container(t, service)).CombinedOutput()
		if err == nil && strings.TrimSpace(string(out)) != "healthy" {
			err = fmt.Errorf("%s", out)
		}
		return err
	})
}
