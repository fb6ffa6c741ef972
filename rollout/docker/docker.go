// Package docker is the docker command line: containers by compose's labels, images, exec, and compose itself in
// whichever of its two spellings a project was started with. It speaks to no socket, so DOCKER_HOST, contexts and
// permissions are those of the person who calls it.
package docker

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"time"
)

// CLI calls docker. The zero value works in the present folder.
type CLI struct {
	Dir string // working folder, where compose finds its files
}

// Error is a docker command that failed.
type Error struct {
	Command string
	Code    int // exit status; -1 where it did not start or a signal ended it
	Stderr  string
	Err     error
}

func (e *Error) Error() string {
	said := lastLines(e.Stderr, 3)
	if said == "" {
		return fmt.Sprintf("%s: %v", e.Command, e.Err)
	}
	return fmt.Sprintf("%s: %v: %s", e.Command, e.Err, said)
}

func (e *Error) Unwrap() error { return e.Err }

// lastLines are the last n lines that say something, in one line.
func lastLines(text string, n int) string {
	var lines []string
	for line := range strings.Lines(text) {
		if line = strings.TrimSpace(line); line != "" {
			lines = append(lines, line)
		}
	}
	return strings.Join(lines[max(0, len(lines)-n):], "; ")
}

// Run runs a docker command and gives what it wrote to stdout and stderr; stdin may be nil.
func (c CLI) Run(ctx context.Context, stdin []byte, args ...string) (stdout, stderr string, err error) {
	return c.run(ctx, stdin, append([]string{"docker"}, args...))
}

func (c CLI) run(ctx context.Context, stdin []byte, command []string) (string, string, error) {
	cmd := exec.CommandContext(ctx, command[0], command[1:]...)
	cmd.Dir = c.Dir
	cmd.Env = os.Environ()
	if stdin != nil {
		cmd.Stdin = bytes.NewReader(stdin)
	}
	cmd.WaitDelay = time.Second // a child of it may hold the pipes open
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	err := cmd.Run()
	if err != nil {
		if ctx.Err() != nil {
			err = fmt.Errorf("%w: %w", context.Cause(ctx), err)
		}
		code := -1
		var exit *exec.ExitError
		if errors.As(err, &exit) {
			code = exit.ExitCode()
		}
		err = &Error{Command: strings.Join(short(command), " "), Code: code, Stderr: errs.String(), Err: err}
	}
	return out.String(), errs.String(), err
}

// short is a command with its scripts and long arguments cut.
func short(command []string) []string {
	var words []string
	for _, w := range command {
		if len(w) > 70 {
			w = w[:67] + "..."
		}
		words = append(words, strings.ReplaceAll(w, "\n", " "))
	}
	return words
}

// Exec runs a command in a running container.
func (c CLI) Exec(ctx context.Context, id string, stdin []byte, command ...string) (stdout, stderr string, err error) {
	args := []string{"exec"}
	if stdin != nil {
		args = append(args, "-i")
	}
	return c.Run(ctx, stdin, append(append(args, id), command...)...)
}

// Process is one process of a container.
type Process struct {
	PID     string // as the host counts them
	Command string
}

// Processes lists the processes of a running container, without help of its image.
func (c CLI) Processes(ctx context.Context, id string) ([]Process, error) {
	out, _, err := c.Run(ctx, nil, "top", id, "-eo", "pid,args")
	if err != nil {
		return nil, err
	}
	var all []Process
	for i, line := range strings.Split(strings.TrimSpace(out), "\n") {
		pid, command, ok := strings.Cut(strings.TrimSpace(line), " ")
		if i == 0 || !ok {
			continue // the heading
		}
		all = append(all, Process{PID: pid, Command: strings.TrimSpace(command)})
	}
	return all, nil
}

// Logs gives what a container has written since a moment, stdout and stderr apart.
func (c CLI) Logs(ctx context.Context, id string, since time.Time) (stdout, stderr string, err error) {
	return c.Run(ctx, nil, "logs", "--since", since.UTC().Format(time.RFC3339Nano), id)
}

// HasImage says whether an image is on this machine; PullImage brings it here.
func (c CLI) HasImage(ctx context.Context, image string) (bool, error) {
	_, stderr, err := c.Run(ctx, nil, "image", "inspect", "--format", "{{.Id}}", image)
	if err != nil && strings.Contains(strings.ToLower(stderr), "no such image") {
		return false, nil
	}
	return err == nil, err
}

// PullImage pulls an image.
func (c CLI) PullImage(ctx context.Context, image string) error {
	_, _, err := c.Run(ctx, nil, "pull", "--quiet", image)
	return err
}

// ImageID gives the id behind an image's name; it is empty where there is no such image.
func (c CLI) ImageID(ctx context.Context, image string) (string, error) {
	out, stderr, err := c.Run(ctx, nil, "image", "inspect", "--format", "{{.Id}}", image)
	if err != nil && strings.Contains(strings.ToLower(stderr), "no such image") {
		return "", nil
	}
	return strings.TrimSpace(out), err
}
