package readme

import (
	"errors"
	"fmt"
	"hash/fnv"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"ml-service/e2e"
)

// only runs the sections whose titles contain it; empty: all. For people at work on one section.
var only = os.Getenv("README_SECTION")

// TestREADME runs every bash and python block of README.md in a clean clone of HEAD, and every section that uses
// `docker compose` once more, from the start, with `docker-compose`.
func TestREADME(t *testing.T) {
	root := e2e.Root(t)
	clone := filepath.Join(t.TempDir(), e2e.ComposeProject+"readme")
	e2e.Command{}.Output(t, "git", "clone", "--quiet", root, clone)
	page, err := os.ReadFile(filepath.Join(clone, "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	sections, err := Parse(string(page))
	if err != nil {
		t.Fatalf("README.md: %v", err)
	}
	r := &Runner{Dir: clone, Env: readersEnv(), Limit: 10 * time.Minute,
		Venv: func(requirements string) (string, error) { return venv(t, requirements) }}
	blocks := 0
	for _, s := range sections {
		if !strings.Contains(s.Title, only) {
			continue
		}
		t.Run(s.Title, func(t *testing.T) {
			blocks += runSection(t, r, s)
		})
		if !s.usesCompose() {
			continue
		}
		t.Run(s.Title+", docker-compose", func(t *testing.T) {
			if why := e2e.NoOldCompose(t); why != "" {
				t.Skip(why)
			}
			tidy(t, clone)
			for i, b := range s.Blocks {
				s.Blocks[i].Text = strings.ReplaceAll(b.Text, "docker compose ", "docker-compose ")
			}
			blocks += runSection(t, r, s)
		})
	}
	t.Logf("%d blocks ran", blocks)
	if blocks == 0 {
		t.Error("README.md has no block to run")
	}
}

func (s Section) usesCompose() bool {
	for _, b := range s.Blocks {
		if strings.Contains(b.Text, "docker compose ") {
			return true
		}
	}
	return false
}

// runSection runs a section's blocks until one fails, then ends its servers and containers. It returns how many ran.
func runSection(t *testing.T, r *Runner, s Section) int {
	if s.usesCompose() {
		e2e.ComposePorts(t)
		t.Cleanup(func() {
			if t.Failed() {
				logs, err := e2e.Command{Dir: r.Dir}.Run("docker", "compose", "-f", "docker-compose.balancer.yml", "logs", "--tail", "40")
				t.Logf("the containers' last lines: %v\n%s", err, logs.Stdout)
			}
			e2e.Command{Dir: r.Dir, Limit: 3 * time.Minute}.Output(t, "docker", "compose", "-f", "docker-compose.balancer.yml", "down", "--remove-orphans")
		})
	}
	for i, b := range s.Blocks {
		began := time.Now()
		err := r.Run(t, b)
		t.Logf("README.md:%d %s, %.1f s", b.Line, b.Language, time.Since(began).Seconds())
		if err != nil {
			t.Fatalf("README.md:%d: %v\nthe block:\n%s", b.Line, err, b.Text)
		}
		if strings.Contains(b.Text, "docker compose ") || strings.Contains(b.Text, "docker-compose ") {
			settle(t, i, s)
		}
	}
	return len(s.Blocks)
}

// settle waits, as a reader does on the way to the next block, until no container is starting any more.
func settle(t *testing.T, i int, s Section) {
	t.Helper()
	e2e.Poll(t, time.Minute, fmt.Sprintf("the containers to be up after README.md:%d", s.Blocks[i].Line), func() error {
		starting, err := e2e.Command{}.Run("docker", "ps", "--quiet", "--filter", "label=com.docker.compose.project="+e2e.ComposeProject+"readme", "--filter", "health=starting")
		if err == nil && starting.Stdout+starting.Stderr != "" {
			err = errors.New(starting.Stdout + starting.Stderr + "starting")
		}
		return err
	})
}

// tidy makes the clone what it was.
func tidy(t *testing.T, clone string) {
	t.Helper()
	e2e.Command{Dir: clone}.Output(t, "git", "reset", "--quiet", "--hard")
	e2e.Command{Dir: clone}.Output(t, "git", "clean", "--quiet", "-d", "--force", "-x")
}

// readersEnv is this process's environment without what would configure the service or compose.
func readersEnv() []string {
	var env []string
	for _, v := range os.Environ() {
		name, _, _ := strings.Cut(v, "=")
		switch name {
		case "HOST", "PORT", "COLOR", "MODEL_VERSION", "MODEL_DIR", "MODEL_NAME", "MAX_BODY_BYTES", "DRAIN_DELAY", "SHUTDOWN_TIMEOUT",
			"LOG_LEVEL", "BIND", "BLUE_IMAGE", "GREEN_IMAGE", "BLUE_VERSION", "GREEN_VERSION", "COMPOSE_FILE", "COMPOSE_PROJECT_NAME", "VIRTUAL_ENV":
		default:
			env = append(env, v)
		}
	}
	return env
}

// venv makes a virtual environment with a file's packages, or finds the one it made before.
func venv(t *testing.T, requirements string) (string, error) {
	text, err := os.ReadFile(requirements)
	if err != nil {
		return "", err
	}
	sum := fnv.New64a()
	sum.Write(text)
	dir := e2e.Cache(t, "readme", fmt.Sprintf("%016x", sum.Sum64()))
	bin, done := filepath.Join(dir, "bin"), filepath.Join(dir, "installed")
	if _, err := os.Stat(done); err == nil {
		return bin, nil
	}
	e2e.Command{Limit: 2 * time.Minute}.Output(t, "python3", "-m", "venv", "--clear", dir)
	e2e.Command{Limit: 10 * time.Minute}.Output(t, filepath.Join(bin, "pip"), "install", "--quiet", "--requirement", requirements)
	return bin, os.WriteFile(done, nil, 0o644)
}
