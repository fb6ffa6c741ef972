package readme

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"
)

// Runner runs blocks in a folder, one after the other.
type Runner struct {
	Dir     string
	Env     []string                                  // the whole environment
	Venv    func(requirements string) (string, error) // the bin folder of a virtual environment with these packages
	Limit   time.Duration                             // for a block
	servers []*server
}

type server struct {
	cmd   *exec.Cmd
	port  int
	log   string
	ended chan struct{}
}

// Run runs a block and checks what it printed. A block that serves is started, and left running once /health answers.
func (r *Runner) Run(b Block) error {
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
		env = append(env, "VIRTUAL_ENV="+filepath.Dir(bin))
	}
	cmd, err := command(b, env)
	if err != nil {
		return err
	}
	cmd.Dir, cmd.Env = r.Dir, env
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	// Files, not pipes: what a block leaves in the background may keep them open.
	out, err := os.CreateTemp("", "readme-stdout-")
	if err != nil {
		return err
	}
	defer os.Remove(out.Name())
	defer out.Close()
	log, err := os.CreateTemp("", "readme-stderr-")
	if err != nil {
		return err
	}
	defer os.Remove(log.Name())
	defer log.Close()
	cmd.Stdout, cmd.Stderr = out, log
	if b.Serves != 0 {
		return r.serve(cmd, b.Serves)
	}

	if err := cmd.Start(); err != nil {
		return err
	}
	expired := time.AfterFunc(r.Limit, func() { killGroup(cmd, syscall.SIGKILL) })
	err = cmd.Wait()
	if !expired.Stop() {
		err = fmt.Errorf("killed after %s", r.Limit)
	}
	killGroup(cmd, syscall.SIGTERM) // what lines ending in & left
	stdout, stderr := read(out.Name()), read(log.Name())
	if err == nil {
		err = check(b, stdout)
	}
	if err != nil {
		return fmt.Errorf("%w\nstdout:\n%s\nstderr:\n%s", err, stdout, stderr)
	}
	return nil
}

func command(b Block, env []string) (*exec.Cmd, error) {
	name, args := "bash", []string{"-euo", "pipefail", "-c", b.Text}
	if b.Language == "python" {
		name, args = "python3", []string{"-c", b.Text}
	}
	for _, v := range env { // the block's PATH, not this process's
		if path, ok := strings.CutPrefix(v, "PATH="); ok {
			for _, dir := range filepath.SplitList(path) {
				if full, err := exec.LookPath(filepath.Join(dir, name)); err == nil {
					return exec.Command(full, args...), nil
				}
			}
		}
	}
	return nil, fmt.Errorf("no %s on the block's PATH", name)
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

func (r *Runner) serve(cmd *exec.Cmd, port int) error {
	if err := r.StopServers(port); err != nil {
		return err
	}
	l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port))
	if err != nil {
		return fmt.Errorf("the block serves on port %d, and something else does already: %w", port, err)
	}
	l.Close()
	log, err := os.CreateTemp("", "readme-server-")
	if err != nil {
		return err
	}
	defer log.Close()
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		return err
	}
	s := &server{cmd: cmd, port: port, log: log.Name(), ended: make(chan struct{})}
	r.servers = append(r.servers, s)
	go func() {
		_ = cmd.Wait() // the status is read from ProcessState
		close(s.ended)
	}()
	client := http.Client{Timeout: 5 * time.Second}
	for deadline := time.Now().Add(r.Limit); ; {
		resp, err := client.Get(fmt.Sprintf("http://127.0.0.1:%d/health", port))
		if err == nil {
			_, err = io.Copy(io.Discard, resp.Body)
			err = errors.Join(err, resp.Body.Close())
			if err == nil && resp.StatusCode == http.StatusOK {
				return nil
			}
		}
		select {
		case <-s.ended:
			return fmt.Errorf("the server ended: %s\n%s", cmd.ProcessState, read(s.log))
		case <-time.After(50 * time.Millisecond):
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("port %d does not answer /health with 200 after %s: %v\n%s", port, r.Limit, err, read(s.log))
		}
	}
}

// StopServers presses Ctrl-C on the server of a port, or on all for port 0, and waits for their end.
func (r *Runner) StopServers(port int) error {
	var errs []error
	r.servers = slices.DeleteFunc(r.servers, func(s *server) bool {
		if port != 0 && s.port != port {
			return false
		}
		killGroup(s.cmd, syscall.SIGINT)
		select {
		case <-s.ended:
		case <-time.After(30 * time.Second):
			errs = append(errs, fmt.Errorf("the server on port %d ignored Ctrl-C for 30 s\n%s", s.port, read(s.log)))
			killGroup(s.cmd, syscall.SIGKILL)
			<-s.ended
		}
		os.Remove(s.log)
		return true
	})
	return errors.Join(errs...)
}

func killGroup(cmd *exec.Cmd, sig syscall.Signal) {
	_ = syscall.Kill(-cmd.Process.Pid, sig) // an empty group is what we want
}

func read(name string) string {
	b, err := os.ReadFile(name)
	if err != nil {
		return err.Error()
	}
	return string(b)
}
