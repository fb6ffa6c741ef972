// Package canary_test lets the command rollout judge releases on real containers under load: good ones and bad ones. It
// needs Docker with Linux containers, the compose plugin, the image nginx:1.30-alpine, and ports 8080, 8081 and 8082 of 127.0.0.1.
package canary_test

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

const project = e2e.ComposeProject + "canary"

// stack is a folder as a user has it, the project started from it, and the command.
type stack struct{ dir, rollout string }

// newStack starts both colours with the good image and gives blue all the traffic.
func newStack(t *testing.T) *stack {
	t.Helper()
	root := e2e.Root(t)
	dir, err := os.MkdirTemp("", "ml-service-canary-") // the folders of t.TempDir are closed to the containers' user
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	s := &stack{dir: dir, rollout: e2e.Binary(t, "./cmd/rollout")}
	e2e.ComposeFiles(t, dir)
	e2e.Command{}.Output(t, "cp", "-r", filepath.Join(root, "models"), dir)
	e2e.Command{Dir: dir}.Output(t, "chmod", "-R", "a+rX", ".")
	s.green(t, goodImage, "v1.0.0")
	_ = s.down()
	e2e.ComposePorts(t)
	t.Cleanup(func() {
		if t.Failed() {
			r, err := s.compose("logs", "--no-color", "--tail", "30")
			t.Logf("the containers' last lines: %v\n%s", err, r.Stdout[max(0, len(r.Stdout)-6000):])
		}
		if err := s.down(); err != nil {
			t.Errorf("down: %v", err)
		}
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	if r, err := s.compose("up", "-d"); err != nil || r.Code != 0 {
		t.Fatalf("up: %v\n%s%s", err, r.Stdout, r.Stderr)
	}
	s.healthy(t, "ml-service-green")
	s.want(t, 0, "blue 100 %", "promote", "--to", "blue", "--from", "green")
	return s
}

// green writes what green is to run into .env.
func (s *stack) green(t *testing.T, image, version string) {
	t.Helper()
	write(t, filepath.Join(s.dir, ".env"), fmt.Sprintf("BLUE_IMAGE=%s\nGREEN_IMAGE=%s\nGREEN_VERSION=%s\n", goodImage, image, version))
}

// deploy has green run something, without a word to rollout's own checks, as a person does.
func (s *stack) deploy(t *testing.T, image, version string) {
	t.Helper()
	s.green(t, image, version)
	if r, err := s.compose("up", "-d", "--no-deps", "--force-recreate", "ml-service-green"); err != nil || r.Code != 0 {
		t.Fatalf("up green: %v\n%s%s", err, r.Stdout, r.Stderr)
	}
	s.healthy(t, "ml-service-green")
}

func (s *stack) compose(args ...string) (e2e.Result, error) {
	args = append([]string{"compose", "-f", "docker-compose.balancer.yml"}, args...)
	return e2e.Command{Dir: s.dir, Env: []string{"COMPOSE_PROJECT_NAME=" + project}, Limit: 2 * time.Minute}.Run("docker", args...)
}

func (s *stack) down() error {
	r, err := s.compose("down", "--remove-orphans", "--volumes", "--timeout", "5")
	if err == nil && r.Code != 0 {
		err = fmt.Errorf("%s%s", r.Stdout, r.Stderr)
	}
	return err
}

// want runs the command, which must end with a code and say something.
func (s *stack) want(t *testing.T, code int, says string, args ...string) string {
	t.Helper()
	began := time.Now()
	r, err := e2e.Command{Dir: s.dir, Limit: 4 * time.Minute}.Run(s.rollout, args...)
	t.Logf("$ rollout %s   # exit code %d, %.1f s\n%s%s", strings.Join(args, " "), r.Code, time.Since(began).Seconds(), r.Stdout, r.Stderr)
	if err != nil || r.Code != code || !strings.Contains(r.Stdout+r.Stderr, says) {
		t.Fatalf("rollout %s: %v, exit code %d, want %d and %q", strings.Join(args, " "), err, r.Code, code, says)
	}
	return r.Stdout + r.Stderr
}

func (s *stack) container(t *testing.T, service string) string {
	t.Helper()
	return strings.TrimSpace(e2e.Command{}.Output(t, "docker", "ps", "--all", "--filter", "label=com.docker.compose.project="+project,
		"--filter", "label=com.docker.compose.service="+service, "--format", "{{.Names}}"))
}

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
