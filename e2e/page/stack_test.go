// Package page_test looks at rollout ui with a headless Chromium while canaries run on real containers under load. It needs
// Docker with Linux containers, the compose plugin, the image nginx:1.30-alpine, ports 8080, 8081 and 8082 of 127.0.0.1, a Chromium,
// and npm for axe-core, which is kept outside of the repository.
package page_test

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
	good  = "ml-service-e2e-page:good"
	token = "page-0123456789abcdef0123456789abcdef"
)

// stack is the project, and the page.
type stack struct {
	*e2e.Stack
	t    *testing.T
	page *e2e.Server
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
	build := t.TempDir()
	e2e.ServiceBinary(t, filepath.Join(build, "ml-service"))
	e2e.BuildImage(t, good, build, e2e.ImageFile("ml-service"))

	s := &stack{Stack: e2e.NewStack(t, "page", env("v1.1.0")), t: t}
	wide := filepath.Join(s.Dir, "models", "v9.0.0") // of another width: it refuses what the others take
	e2e.Command{}.Output(t, "mkdir", "-m", "755", wide)
	e2e.Command{}.Output(t, "install", "-m", "644", filepath.Join(e2e.Root(t), "onnx", "testdata", "models", "logreg_multinomial", "model.onnx"), wide)
	s.Up(t)
	s.serve()
	return s
}

// serve starts rollout ui.
func (s *stack) serve() { s.page = s.Start(s.t, "127.0.0.1:"+e2e.FreePort(s.t), token, "ui") }

func env(green string) string {
	return fmt.Sprintf("BLUE_IMAGE=%s\nGREEN_IMAGE=%s\nGREEN_VERSION=%s\n", good, good, green)
}

// green has green run another version, as a person does.
func (s *stack) green(version string) {
	s.t.Helper()
	s.Env(s.t, env(version))
	s.Replace(s.t, "green")
}

// run runs the command, which must end with a code.
func (s *stack) run(code int, args ...string) string {
	s.t.Helper()
	r, err := e2e.Command{Dir: s.Dir, Limit: 3 * time.Minute}.Run(s.Rollout, args...)
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
		r, err := e2e.Command{Dir: s.Dir, Limit: 4 * time.Minute}.Run(s.Rollout, args...)
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
