package e2e

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// Server is a started process that answers HTTP.
type Server struct {
	URL string // http://127.0.0.1:<port>
	PID int

	cmd    *exec.Cmd
	output *buffer
	ended  chan struct{}
}

// Start builds cmd/local, runs it on a free port of 127.0.0.1 with env on top of a bare environment, and returns when
// GET /health answers 200. It is stopped when the test ends; what it printed is logged if the test failed.
func Start(t testing.TB, env ...string) *Server {
	t.Helper()
	binary := Binary(t, "./cmd/local")
	for try := 1; ; try++ {
		port := FreePort(t)
		bare := []string{"PATH=" + os.Getenv("PATH"), "HOME=" + os.Getenv("HOME"), "HOST=127.0.0.1", "PORT=" + port}
		s := StartProcess(t, "http://127.0.0.1:"+port, append(bare, env...), binary)
		err := s.WaitHealthy(30 * time.Second)
		if err == nil {
			return s
		}
		s.Stop(t)
		if try == 3 || !strings.Contains(s.Output(), "address already in use") {
			t.Fatalf("start cmd/local: %v\n%s", err, s.Output())
		}
	}
}

// StartProcess runs a program with exactly env; url is where it will answer. It does not wait. It is stopped when the
// test ends.
func StartProcess(t testing.TB, url string, env []string, name string, args ...string) *Server {
	t.Helper()
	s := &Server{URL: url, output: &buffer{}, ended: make(chan struct{})}
	s.cmd = exec.Command(name, args...) //nolint:noctx // it ends by Stop
	s.cmd.Env = env
	s.cmd.Stdout, s.cmd.Stderr = s.output, s.output
	s.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	s.cmd.WaitDelay = 5 * time.Second
	if err := s.cmd.Start(); err != nil {
		t.Fatalf("start %s: %v", name, err)
	}
	s.PID = s.cmd.Process.Pid
	go func() {
		_ = s.cmd.Wait() // the status is read from ProcessState
		close(s.ended)
	}()
	t.Cleanup(func() {
		s.Stop(t)
		if t.Failed() {
			t.Logf("%s %s printed:\n%s", name, strings.Join(args, " "), s.Output())
		}
	})
	return s
}

// Signal sends a signal to the process and to what it started in its group, as a terminal does.
func (s *Server) Signal(t testing.TB, sig syscall.Signal) {
	t.Helper()
	if err := syscall.Kill(-s.PID, sig); err != nil {
		t.Errorf("signal %v to %d: %v", sig, s.PID, err)
	}
}

// Running says whether the process has not ended yet.
func (s *Server) Running() bool {
	select {
	case <-s.ended:
		return false
	default:
		return true
	}
}

// Wait waits for the process to end and returns its exit status; a process that outlives limit ends the test.
func (s *Server) Wait(t testing.TB, limit time.Duration) int {
	t.Helper()
	select {
	case <-s.ended:
		return s.cmd.ProcessState.ExitCode()
	case <-time.After(limit):
		t.Fatalf("process %d still runs %s later\n%s", s.PID, limit, s.Output())
		return -1
	}
}

// Stop ends the process by SIGTERM, by SIGKILL 30 seconds later, and returns its exit status, -1 after a kill.
// A process that has ended already is no error.
func (s *Server) Stop(t testing.TB) int {
	t.Helper()
	if s.Running() {
		_ = syscall.Kill(-s.PID, syscall.SIGTERM) // it may have ended since
		select {
		case <-s.ended:
		case <-time.After(30 * time.Second):
			t.Errorf("process %d ignored SIGTERM for 30 s; killed", s.PID)
			_ = syscall.Kill(-s.PID, syscall.SIGKILL)
			<-s.ended
		}
	}
	return s.cmd.ProcessState.ExitCode()
}

// Output returns what the process has printed so far, stdout and stderr in one.
func (s *Server) Output() string { return s.output.String() }

// WaitHealthy waits until GET /health answers 200. The error says that the process ended or did not answer in time.
func (s *Server) WaitHealthy(limit time.Duration) error {
	deadline := time.Now().Add(limit)
	for {
		err := healthy(s.URL)
		if err == nil {
			return nil
		}
		select {
		case <-s.ended:
			return fmt.Errorf("ended with status %d", s.cmd.ProcessState.ExitCode())
		case <-time.After(20 * time.Millisecond):
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("not healthy after %s: %w", limit, err)
		}
	}
}

func healthy(url string) error {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url+"/health", http.NoBody)
	if err != nil {
		return err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	body, err := io.ReadAll(resp.Body)
	err = errors.Join(err, resp.Body.Close())
	if err == nil && resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("GET /health: %s: %s", resp.Status, body)
	}
	return err
}

type buffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}
