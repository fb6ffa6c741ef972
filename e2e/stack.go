package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// Stack is a folder as a user has it, with the demo models and the command rollout, and the compose project that is started from it.
type Stack struct {
	Dir, Rollout string // the folder; the command
	project      string
}

// NewStack makes the folder, with env as its .env, and frees ports 8080, 8081 and 8082 of 127.0.0.1. Nothing is started yet. name
// tells the projects of the tests apart. With the test's end the project and the folder are gone.
func NewStack(t testing.TB, name, env string) *Stack {
	t.Helper()
	dir, err := os.MkdirTemp("", "ml-service-"+name+"-") // the folders of t.TempDir are closed to the containers' user
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(dir, 0o755); err != nil { //nolint:gosec // containers run as another user
		t.Fatal(err)
	}
	s := &Stack{Dir: dir, Rollout: Binary(t, "./cmd/rollout"), project: ComposeProject + name}
	Command{}.Output(t, "cp", "-r", filepath.Join(Root(t), "models"), dir)
	ComposeFiles(t, dir)
	s.Env(t, env)
	_ = s.down() // what a killed run of this test left
	ComposePorts(t)
	t.Cleanup(func() {
		if t.Failed() {
			r, err := s.Compose("logs", "--no-color", "--tail", "40")
			t.Logf("the containers' last lines: %v\n%s", err, r.Stdout[max(0, len(r.Stdout)-8000):])
		}
		if err := s.down(); err != nil {
			t.Errorf("down: %v", err)
		}
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	return s
}

// Env writes .env.
func (s *Stack) Env(t testing.TB, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(s.Dir, ".env"), []byte(text), 0o644); err != nil { //nolint:gosec // as the other files
		t.Fatal(err)
	}
}

// Compose runs a command of docker compose on the balancer's file.
func (s *Stack) Compose(args ...string) (Result, error) {
	args = append([]string{"compose", "-f", "docker-compose.balancer.yml"}, args...)
	return Command{Dir: s.Dir, Env: []string{"COMPOSE_PROJECT_NAME=" + s.project}, Limit: 2 * time.Minute}.Run("docker", args...)
}

// Up brings the project up, and waits until both colours are healthy.
func (s *Stack) Up(t testing.TB) {
	t.Helper()
	s.up(t)
	s.Healthy(t, "blue")
	s.Healthy(t, "green")
}

// Replace gives a colour another container, of what .env says now, and waits until it is healthy.
func (s *Stack) Replace(t testing.TB, colour string) {
	t.Helper()
	s.up(t, "--no-deps", "--force-recreate", "ml-service-"+colour)
	s.Healthy(t, colour)
}

func (s *Stack) up(t testing.TB, args ...string) {
	t.Helper()
	if r, err := s.Compose(append([]string{"up", "-d"}, args...)...); err != nil || r.Code != 0 {
		t.Fatalf("up %s: %v\n%s%s", strings.Join(args, " "), err, r.Stdout, r.Stderr)
	}
}

func (s *Stack) down() error {
	r, err := s.Compose("down", "--remove-orphans", "--volumes", "--timeout", "5")
	if err == nil && r.Code != 0 {
		err = fmt.Errorf("%s%s", r.Stdout, r.Stderr)
	}
	return err
}

// Container is the id of a colour's container; "" if it has none.
func (s *Stack) Container(t testing.TB, colour string) string {
	t.Helper()
	return strings.TrimSpace(Command{}.Output(t, "docker", "ps", "--all", "--no-trunc", "--filter", "label=com.docker.compose.project="+s.project,
		"--filter", "label=com.docker.compose.service=ml-service-"+colour, "--format", "{{.ID}}"))
}

// Healthy waits until a colour's container says that it is.
func (s *Stack) Healthy(t testing.TB, colour string) {
	t.Helper()
	Poll(t, time.Minute, colour+" healthy", func() error {
		r, err := Command{}.Run("docker", "inspect", "--format", "{{.State.Health.Status}}", s.Container(t, colour))
		if err == nil && strings.TrimSpace(r.Stdout) != "healthy" {
			err = fmt.Errorf("%s%s", r.Stdout, r.Stderr)
		}
		return err
	})
}

// Start starts a server of the command's, `ui` or `serve`, on an address, with a token, and waits until it listens.
func (s *Stack) Start(t testing.TB, address, token, what string, args ...string) *Server {
	t.Helper()
	env := []string{"CLOUD_TOKEN=" + token}
	for _, name := range []string{"PATH", "HOME", "DOCKER_HOST", "XDG_CACHE_HOME"} {
		if v, ok := os.LookupEnv(name); ok {
			env = append(env, name+"="+v)
		}
	}
	server := StartProcess(t, "http://"+address, env, s.Rollout, append([]string{"-C", s.Dir, what, "--listen", address}, args...)...)
	Listens(t, address)
	return server
}
