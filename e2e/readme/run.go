package readme

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"ml-service/e2e"
)

// Runner runs blocks in a folder, one after the other.
type Runner struct {
	Dir     string
	Env     []string                                  // the whole environment
	Venv    func(requirements string) (string, error) // the bin folder of a virtual environment with these packages
	Limit   time.Duration                             // for a block
	servers map[int]*e2e.Server                       // by port
}

// Run runs a block and checks what it printed. A block that serves is started, and left running until t ends once
// /health answers.
func (r *Runner) Run(t testing.TB, b Block) error {
	env := slices.Clone(r.Env)
	if b.Requirements != "" {
		bin, err := r.Venv(filepath.Join(r.Dir, b.Requirements))
		if err != nil {
			return err
		}
		for i, v := range env {
			if path, ok := strings.CutPrefix(v, "PATH="); ok {
				env[i] = "PATH=" + bin + string(os.PathListSeparator) + path
			}
		}
	}
	// bash looks python3 up on the block's PATH; this process would on its own.
	program := []string{"bash", "-euo", "pipefail", "-c", b.Text}
	if b.Language == "python" {
		program = []string{"bash", "-c", `exec python3 -c "$0"`, b.Text}
	}
	if b.Serves != 0 {
		return r.serve(t, b.Serves, env, program)
	}

	// Files, not pipes: what a block leaves in the background may keep them open.
	dir, err := os.MkdirTemp("", "readme-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	out, err := os.Create(filepath.Join(dir, "stdout"))
	if err != nil {
		return err
	}
	defer func() { _ = out.Close() }()
	log, err := os.Create(filepath.Join(dir, "stderr"))
	if err != nil {
		return err
	}
	defer func() { _ = log.Close() }()
	cmd := exec.Command(program[0], program[1:]...) //nolint:noctx // the limit kills the whole group
	cmd.Dir, cmd.Env = r.Dir, env
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Stdout, cmd.Stderr = out, log
	if err := cmd.Start(); err != nil {
		return err
	}
	expired := time.AfterFunc(r.Limit, func() { _ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) })
	err = cmd.Wait()
	if !expired.Stop() {
		err = fmt.Errorf("killed after %s", r.Limit)
	}
	_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGTERM) // what lines ending in & left; mostly nobody
	stdout, stderr := read(out.Name()), read(log.Name())
	if err == nil {
		err = check(b, stdout)
	}
	if err != nil {
		return fmt.Errorf("%w\nstdout:\n%s\nstderr:\n%s", err, stdout, stderr)
	}
	return nil
}

// check compares a block's output with what the page says.
func check(b Block, stdout string) error {
	if b.Output != nil && strings.TrimSpace(stdout) != *b.Output {
		return fmt.Errorf("printed something else than the block behind it says:\n%s", *b.Output)
	}
	rest := stdout
	for _, want := range b.Says {
		_, after, found := strings.Cut(rest, want)
		if !found {
			return fmt.Errorf("did not print what its comment says: %s", want)
		}
		rest = after
	}
	return nil
}

func (r *Runner) serve(t testing.TB, port int, env, program []string) error {
	if s := r.servers[port]; s != nil {
		interrupt(t, s)
	}
	addr := fmt.Sprintf("127.0.0.1:%d", port)
	l, err := net.Listen("tcp", addr) //nolint:noctx // it does not wait
	if err != nil {
		return fmt.Errorf("the block serves on port %d, and something else does already: %w", port, err)
	}
	if err := l.Close(); err != nil {
		return err
	}
	inDir := append([]string{"-c", `cd "$0" && exec "$@"`, r.Dir}, program...)
	s := e2e.StartProcess(t, "http://"+addr, env, "bash", inDir...)
	if r.servers == nil {
		r.servers = map[int]*e2e.Server{}
	}
	r.servers[port] = s
	t.Cleanup(func() { interrupt(t, s) })
	if err := s.WaitHealthy(r.Limit); err != nil {
		return fmt.Errorf("the server on port %d: %w\n%s", port, err, s.Output())
	}
	return nil
}

// interrupt presses Ctrl-C and waits for the end.
func interrupt(t testing.TB, s *e2e.Server) {
	if s.Running() {
		s.Signal(t, syscall.SIGINT)
	}
	s.Wait(t, 30*time.Second)
}

func read(name string) string {
	b, err := os.ReadFile(name)
	if err != nil {
		return err.Error()
	}
	return string(b)
}
