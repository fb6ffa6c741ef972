// Package canary_test lets the command rollout judge releases on real containers under load: good ones and bad ones. It
// needs Docker with Linux containers, the compose plugin, the image nginx:1.30-alpine, and ports 8080, 8081 and 8082 of 127.0.0.1.
package canary_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"ml-service/e2e"
)

type stack struct{ *e2e.Stack }

// newStack starts both colours with the good image and gives blue all the traffic.
func newStack(t *testing.T) *stack {
	t.Helper()
	s := &stack{e2e.NewStack(t, "canary", env(goodImage, "v1.0.0"))}
	s.Up(t)
	s.want(t, 0, "blue 100 %", "promote", "--to", "blue", "--from", "green")
	return s
}

// env is an .env by which green runs something else than blue.
func env(image, version string) string {
	return fmt.Sprintf("BLUE_IMAGE=%s\nGREEN_IMAGE=%s\nGREEN_VERSION=%s\n", goodImage, image, version)
}

// deploy has green run something, without a word to rollout's own checks, as a person does.
func (s *stack) deploy(t *testing.T, image, version string) {
	t.Helper()
	s.Env(t, env(image, version))
	s.Replace(t, "green")
}

// want runs the command, which must end with a code and say something.
func (s *stack) want(t *testing.T, code int, says string, args ...string) string {
	t.Helper()
	began := time.Now()
	r, err := e2e.Command{Dir: s.Dir, Limit: 4 * time.Minute}.Run(s.Rollout, args...)
	t.Logf("$ rollout %s   # exit code %d, %.1f s\n%s%s", strings.Join(args, " "), r.Code, time.Since(began).Seconds(), r.Stdout, r.Stderr)
	if err != nil || r.Code != code || !strings.Contains(r.Stdout+r.Stderr, says) {
		t.Fatalf("rollout %s: %v, exit code %d, want %d and %q", strings.Join(args, " "), err, r.Code, code, says)
	}
	return r.Stdout + r.Stderr
}
