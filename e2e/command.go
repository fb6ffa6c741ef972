package e2e

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"
)

// Command says how to run a program: where, with what on top of this process's environment, and for how long at most.
type Command struct {
	Dir   string
	Env   []string
	Stdin string
	Limit time.Duration // 0: one minute
}

// Result is what a program left behind.
type Result struct {
	Stdout, Stderr string
	Code           int // exit status; -1 where a signal ended it
}

// Run runs a program and waits for it. A status other than 0 is a Result, not an error; the error says that the
// program did not start or ran into the limit, at which its whole process group is killed.
func (c Command) Run(name string, args ...string) (Result, error) {
	if c.Limit == 0 {
		c.Limit = time.Minute
	}
	cmd := exec.Command(name, args...) //nolint:noctx // the limit kills the whole group
	cmd.Dir = c.Dir
	cmd.Env = append(os.Environ(), c.Env...)
	cmd.Stdin = strings.NewReader(c.Stdin)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.WaitDelay = 5 * time.Second
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Start(); err != nil {
		return Result{}, err
	}
	expired := time.AfterFunc(c.Limit, func() { _ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) })
	err := cmd.Wait()
	inTime := expired.Stop()
	r := Result{Stdout: stdout.String(), Stderr: stderr.String(), Code: cmd.ProcessState.ExitCode()}
	var exit *exec.ExitError
	switch {
	case !inTime:
		return r, fmt.Errorf("%s %s: killed after %s", name, strings.Join(args, " "), c.Limit)
	case err != nil && !errors.As(err, &exit):
		return r, err
	}
	return r, nil
}

// Output runs a program that must succeed and returns what it printed on stdout; otherwise it ends the test with
// everything the program said.
func (c Command) Output(t testing.TB, name string, args ...string) string {
	t.Helper()
	r, err := c.Run(name, args...)
	if err == nil && r.Code != 0 {
		err = fmt.Errorf("exit status %d", r.Code)
	}
	if err != nil {
		t.Fatalf("%s %s: %v\nstdout: %s\nstderr: %s", name, strings.Join(args, " "), err, r.Stdout, r.Stderr)
	}
	return r.Stdout
}
