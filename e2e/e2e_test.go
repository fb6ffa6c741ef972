package e2e

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestRootHoldsTheModule(t *testing.T) {
	mod, err := os.ReadFile(filepath.Join(Root(t), "go.mod"))
	if err != nil || !strings.HasPrefix(string(mod), "module ml-service\n") {
		t.Errorf("root's go.mod: %q, %v", mod, err)
	}
}

func TestCommandReportsStatusAndOutput(t *testing.T) {
	r, err := Command{Env: []string{"WORD=hello"}, Stdin: "in"}.Run("bash", "-c", `echo "$WORD"; cat >&2; exit 3`)
	want := Result{Stdout: "hello\n", Stderr: "in", Code: 3}
	if err != nil || r != want {
		t.Errorf("got %+v, %v; want %+v", r, err, want)
	}
}

func TestCommandKillsItsGroupAtTheLimit(t *testing.T) {
	began := time.Now()
	r, err := Command{Limit: 100 * time.Millisecond}.Run("bash", "-c", "sleep 600 & echo $!; wait")
	if err == nil || time.Since(began) > time.Minute {
		t.Fatalf("got %+v, %v after %s; want an error at the limit", r, err, time.Since(began))
	}
	child := filepath.Join("/proc", strings.TrimSpace(r.Stdout))
	Poll(t, 10*time.Second, "the child's end", func() error {
		if status, err := os.ReadFile(child + "/status"); err == nil && !strings.Contains(string(status), "State:\tZ") {
			return errors.New("the child still runs")
		}
		return nil
	})
}

func TestStartedProcessIsStopped(t *testing.T) {
	var s *Server
	t.Run("inner", func(t *testing.T) {
		s = StartProcess(t, "", nil, "/bin/bash", "-c", "trap 'echo bye; exit 5' TERM; echo ready; while :; do read -t 0.1 <> <(:) || :; done")
		Poll(t, 10*time.Second, "first output", func() error {
			if s.Output() != "ready\n" {
				return errors.New(s.Output())
			}
			return nil
		})
	})
	if got := s.Wait(t, time.Second); got != 5 || s.Output() != "ready\nbye\n" {
		t.Errorf("status %d, output %q; want 5, ready and bye", got, s.Output())
	}
}
