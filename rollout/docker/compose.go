package docker

import (
	"context"
	"strings"
)

// Tool is one of the two spellings of compose.
type Tool []string

func (t Tool) String() string { return strings.Join(t, " ") }

// Compose runs a compose command on one file of a project.
func (c CLI) Compose(ctx context.Context, tool Tool, project, file string, args ...string) (stdout, stderr string, err error) {
	command := append([]string{}, tool...)
	command = append(command, "-p", project, "-f", file)
	return c.run(ctx, nil, append(command, args...))
}
