package rollout

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"ml-service/e2e"
)

// wrapper stands before docker on PATH: it counts the calls, and kills who makes the one that is due.
const wrapper = `#!/bin/sh
n=$(($(cat "$ROLLOUT_CALLS" 2>/dev/null || echo 0) + 1))
echo $n >"$ROLLOUT_CALLS"
if [ "$n" = "$ROLLOUT_KILL_AT" ]; then kill -9 $PPID; exit 137; fi
exec "$ROLLOUT_DOCKER" "$@"
`

// killer runs the command with the wrapper before docker.
type killer struct {
	*stack
	calls string
}

func newKiller(t *testing.T, s *stack) *killer {
	t.Helper()
	real, err := exec.LookPath("docker")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "docker"), []byte(wrapper), 0o755); err != nil {
		t.Fatal(err)
	}
	k := &killer{s, filepath.Join(dir, "calls")}
	t.Setenv("ROLLOUT_CALLS", k.calls)
	t.Setenv("ROLLOUT_DOCKER", real)
	s.path = dir + string(os.PathListSeparator) + os.Getenv("PATH")
	return k
}

// run runs the command and kills it at its n-th call of docker; false says that it ended before.
func (k *killer) run(t *testing.T, n int, args ...string) bool {
	t.Helper()
	if err := os.RemoveAll(k.calls); err != nil {
		t.Fatal(err)
	}
	r, err := e2e.Command{Dir: k.dir, Env: []string{"PATH=" + k.path, fmt.Sprint("ROLLOUT_KILL_AT=", n)}, Limit: 3 * time.Minute}.Run(k.command, args...)
	if err != nil {
		t.Fatal(err)
	}
	if r.Code >= 0 && r.Code != 0 {
		t.Fatalf("rollout %s: exit code %d\n%s%s", strings.Join(args, " "), r.Code, r.Stdout, r.Stderr)
	}
	return r.Code < 0
}

var weight = regexp.MustCompile(`server ml-service-(blue|green):8080[^;]*`)

// servers is what nginx.conf says, in short.
func (s *stack) servers(t *testing.T) string {
	t.Helper()
	return strings.Join(weight.FindAllString(block.FindString(s.read(t, "nginx.conf")), -1), " | ")
}

// every is how many calls lie between two kills: CI has no time for all of them, ROLLOUT_KILLS=all takes each.
func every(n int) int {
	if os.Getenv("ROLLOUT_KILLS") == "all" {
		return 1
	}
	return n
}

// TestKilled kills a shift at its calls of docker, under load: what is left is the old or the new file, and the next
// call says what happened and goes on.
func TestKilled(t *testing.T) {
	s := newStack(t, tools[0])
	s.want(t, 0, "blue 100 %", "promote", "--to", "blue", "--from", "green")
	before := s.servers(t)
	s.want(t, 0, "green 30 %", "shift", "--to", "green", "--weight", "30")
	after := s.servers(t)
	s.want(t, 0, "blue 100 %", "rollback")
	l := users(t)
	k := newKiller(t, s)
	var table []string
	for n := 1; ; n += every(4) {
		if !k.run(t, n, "shift", "--to", "green", "--weight", "30") {
			break
		}
		left := "the old file"
		switch s.servers(t) {
		case before:
		case after:
			left = "the new file"
		default:
			t.Fatalf("killed at call %d: nginx.conf has %s", n, s.servers(t))
		}
		r := s.rollout(t, "shift", "--to", "green", "--weight", "30")
		if r.Code != 0 || s.servers(t) != after {
			t.Fatalf("after a kill at call %d the next call ended with %d and left %s", n, r.Code, s.servers(t))
		}
		said := "began anew"
		for line := range strings.Lines(r.Stderr) {
			if strings.HasPrefix(line, "a shift was killed") {
				_, said, _ = strings.Cut(strings.TrimSpace(line), "; ")
			}
		}
		if said == "began anew" && left == "the new file" {
			t.Errorf("killed at call %d: the next call says nothing of it", n)
		}
		table = append(table, fmt.Sprintf("| %d | %s | %s |", n, left, said))
		s.want(t, 0, "blue 100 %", "rollback")
	}
	l.Stop()
	t.Logf("%d requests, 0 failed is wanted\n| killed at call | left | the next call |\n|---|---|---|\n%s", l.Seen(t).Requests, strings.Join(table, "\n"))
	if len(table) < 4 {
		t.Errorf("a shift was killed at %d calls only", len(table))
	}
}

// TestKilledDeploy does the same to a deployment: the next call takes it back.
func TestKilledDeploy(t *testing.T) {
	s := newStack(t, tools[0])
	s.want(t, 0, "blue 100 %", "promote", "--to", "blue", "--from", "green")
	s.write(t, ".env", "GREEN_VERSION=v1.1.0\n")
	l := users(t)
	k := newKiller(t, s)
	var table []string
	for n := 1; ; n += every(8) {
		if !k.run(t, n, "deploy", "--image", tag, "--version", "v1.0.0") {
			break
		}
		left := strings.ReplaceAll(strings.TrimSpace(s.read(t, ".env")), "\n", " ")
		r := s.rollout(t, "shift", "--to", "blue", "--weight", "100", "--from", "blue") // refused, but it settles first
		said := "nothing had been begun"
		for line := range strings.Lines(r.Stderr) {
			if strings.HasPrefix(line, "a deploy to green was killed") {
				_, said, _ = strings.Cut(strings.TrimSpace(line), "; ")
			}
		}
		if env := s.read(t, ".env"); env != "GREEN_VERSION=v1.1.0\n" {
			t.Fatalf("killed at call %d: after the next call .env is %q", n, env)
		}
		green := strings.TrimSpace(e2e.Command{}.Output(t, "docker", "inspect", "--format", "{{range .Config.Env}}{{println .}}{{end}}", s.container(t, "ml-service-green")))
		if !strings.Contains(green, "MODEL_VERSION=v1.1.0") {
			t.Fatalf("killed at call %d: .env and green disagree: %s", n, green)
		}
		table = append(table, fmt.Sprintf("| %d | %s | %s |", n, left, said))
	}
	l.Stop()
	t.Logf("%d requests, 0 failed is wanted\n| killed at call | .env | the next call |\n|---|---|---|\n%s", l.Seen(t).Requests, strings.Join(table, "\n"))
	if len(table) < 2 {
		t.Errorf("a deploy was killed at %d calls only", len(table))
	}
}
