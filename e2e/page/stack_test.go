// Package page_test looks at rollout ui with a headless Chromium while canaries run on real containers under load. It needs
// Docker with Linux containers, the compose plugin, the image nginx:1.30-alpine, ports 8080, 8081 and 8082 of 127.0.0.1, a Chromium,
// and npm for axe-core, which is kept outside of the repository.
package page_test

import (
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
	project = e2e.ComposeProject + "page"
	good    = "ml-service-e2e-page:good"
	token   = "page-0123456789abcdef0123456789abcdef"
)

// stack is a folder as a user has it, the project started from it, the command, and the page.
type stack struct {
	t            *testing.T
	dir, rollout string
	page         *e2e.Server
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// newStack starts both colours. Nothing was done there yet.
func newStack(t *testing.T) *stack {
	t.Helper()
	root, build := e2e.Root(t), t.TempDir()
	e2e.Command{Dir: root, Env: []string{"CGO_ENABLED=0", "GOOS=linux"}, Limit: 5 * time.Minute}.Output(t, "go", "build", "-tags", e2e.Tags, "-trimpath",
		"-o", filepath.Join(build, "ml-service"), "./cmd/local")
	write(t, filepath.Join(build, "Dockerfile"), "FROM scratch\nCOPY ml-service /ml-service\nUSER 65532:65532\nENTRYPOINT [\"/ml-service\"]\n")
	e2e.Command{Dir: build, Limit: 2 * time.Minute}.Output(t, "docker", "build", "--quiet", "--tag", good, ".")

	dir, err := os.MkdirTemp("", "ml-service-page-") // the folders of t.TempDir are closed to the containers' user
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	s := &stack{t: t, dir: dir, rollout: e2e.Binary(t, "./cmd/rollout")}
	e2e.ComposeFiles(t, dir)
	e2e.Command{}.Output(t, "cp", "-r", filepath.Join(root, "models"), dir)
	wide := filepath.Join(dir, "models", "v9.0.0") // of another width: it refuses what the others take
	e2e.Command{}.Output(t, "mkdir", "-m", "755", wide)
	e2e.Command{}.Output(t, "cp", filepath.Join(root, "onnx", "testdata", "models", "logreg_multinomial", "model.onnx"), wide)
	e2e.Command{Dir: dir}.Output(t, "chmod", "-R", "a+rX", ".")
	s.env("v1.1.0")
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
	if r, err := s.compose("up", "-d"); err != nil || r.Code != 0 {
		t.Fatalf("up: %v\n%s%s", err, r.Stdout, r.Stderr)
	}
	s.healthy("blue")
	s.healthy("green")
	s.serve()
	return s
}

// serve starts rollout ui.
func (s *stack) serve() {
	s.t.Helper()
	address := "127.0.0.1:" + e2e.FreePort(s.t)
	env := []string{"CLOUD_TOKEN=" + token}
	for _, name := range []string{"PATH", "HOME", "DOCKER_HOST", "XDG_CACHE_HOME"} {
		if v, ok := os.LookupEnv(name); ok {
			env = append(env, name+"="+v)
		}
	}
	s.page = e2e.StartProcess(s.t, "http://"+address, env, s.rollout, "-C", s.dir, "ui", "--listen", address)
	e2e.Poll(s.t, 20*time.Second, "the page", func() error {
		c, err := net.Dial("tcp", address)
		if err == nil {
			c.Close()
		}
		return err
	})
}

func (s *stack) env(green string) {
	write(s.t, filepath.Join(s.dir, ".env"), fmt.Sprintf("BLUE_IMAGE=%s\nGREEN_IMAGE=%s\nGREEN_VERSION=%s\n", good, good, green))
}

// green has green run another version, as a person does.
func (s *stack) green(version string) {
	s.t.Helper()
	s.env(version)
	if r, err := s.compose("up", "-d", "--no-deps", "--force-recreate", "ml-service-green"); err != nil || r.Code != 0 {
		s.t.Fatalf("up green: %v\n%s%s", err, r.Stdout, r.Stderr)
	}
	s.healthy("green")
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

func (s *stack) healthy(colour string) {
	s.t.Helper()
	e2e.Poll(s.t, time.Minute, colour+" healthy", func() error {
		id := strings.TrimSpace(e2e.Command{}.Output(s.t, "docker", "ps", "--all", "--filter", "label=com.docker.compose.project="+project,
			"--filter", "label=com.docker.compose.service=ml-service-"+colour, "--format", "{{.ID}}"))
		out, err := exec.Command("docker", "inspect", "--format", "{{.State.Health.Status}}", id).CombinedOutput()
		if err == nil && strings.TrimSpace(string(out)) != "healthy" {
			err = fmt.Errorf("%s", out)
		}
		return err
	})
}

// run runs the command, which must end with a code.
func (s *stack) run(code int, args ...string) string {
	s.t.Helper()
	r, err := e2e.Command{Dir: s.dir, Limit: 3 * time.Minute}.Run(s.rollout, args...)
	s.t.Logf("$ rollout %s   # exit code %d\n%s%s", strings.Join(args, " "), r.Code, r.Stdout, r.Stderr)
	if err != nil || r.Code != code {
		s.t.Fatalf("rollout %s: %v, exit code %d, want %d", strings.Join(args, " "), err, r.Code, code)
	}
	return r.Stdout + r.Stderr
}

// canary starts one, which a busy machine's latency does not hold; end waits for it and gives its exit code and what it said.
func (s *stack) canary(args ...string) (end func() (int, string)) {
	args = append([]string{"canary", "--to", "green", "--every", "1s", "--max-wait", "5m", "--step-time", "12", "--slow-over", "20ms"}, args...)
	type ended struct {
		r   e2e.Result
		err error
	}
	done := make(chan ended, 1)
	go func() {
		r, err := e2e.Command{Dir: s.dir, Limit: 4 * time.Minute}.Run(s.rollout, args...)
		done <- ended{r, err}
	}()
	return func() (int, string) {
		s.t.Helper()
		e := <-done
		s.t.Logf("$ rollout %s   # exit code %d\n%s%s", strings.Join(args, " "), e.r.Code, e.r.Stdout, e.r.Stderr)
		if e.err != nil {
			s.t.Fatal(e.err)
		}
		return e.r.Code, e.r.Stdout + e.r.Stderr
	}
}
