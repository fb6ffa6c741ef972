// Package aws runs the commands of the README's section on AWS Lambda, against an emulator on this machine, and the
// function under sam local and the runtime interface emulator. It needs python3, make, git, curl, and for sam local a
// Docker engine with the image nginx:1.30-alpine; ensure.sh installs sam, aws and the emulator.
package aws

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"ml-service/e2e"
)

// machine is a copy of the repository, and a shell in it that reaches the emulator.
type machine struct {
	dir string
	env []string
}

// ensure runs e2e/aws/ensure.sh for the emulator on a port.
func ensure(t *testing.T, port, what string) string {
	t.Helper()
	script := filepath.Join(e2e.Root(t), "e2e", "aws", "ensure.sh")
	return e2e.Command{Env: []string{"GATEWAY_PORT=" + port}, Limit: 10 * time.Minute}.Output(t, script, what)
}

// start starts an empty emulator on a free port and makes the copy; both are gone when the test has ended.
func start(t *testing.T) *machine {
	t.Helper()
	port := e2e.FreePort(t)
	t.Cleanup(func() { ensure(t, port, "stop") })
	ensure(t, port, "start")
	const pollEachSecond = "SAM_CLI_POLL_DELAY=1" // sam deploy looks each five seconds otherwise
	return &machine{dir: copySource(t), env: append(exports(t, port), pollEachSecond)}
}

// exports returns what `ensure.sh env` exports.
func exports(t *testing.T, port string) []string {
	t.Helper()
	shell := e2e.Command{Stdin: ensure(t, port, "env") + "\nenv\n"}
	var env []string
	for line := range strings.Lines(shell.Output(t, "bash")) {
		name, _, _ := strings.Cut(line, "=")
		if name == "PATH" || strings.HasPrefix(name, "AWS_") || strings.HasPrefix(name, "SAM_") {
			env = append(env, strings.TrimSuffix(line, "\n"))
		}
	}
	return env
}

// copySource copies what a commit of the tree as it stands would hold, so that nothing built here touches it.
func copySource(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	e2e.Command{Dir: e2e.Root(t)}.Output(t, "bash", "-euo", "pipefail", "-c",
		`git ls-files -z --cached --others --exclude-standard | while IFS= read -rd '' f; do [ ! -e "$f" ] || printf '%s\0' "$f"; done |
		 tar -cf - --null -T - | tar -xf - -C "$1"`, "copy", dir)
	return dir
}

// run runs a command line in the copy; a status other than 0 ends the test.
func (m *machine) run(t *testing.T, line string) string {
	t.Helper()
	started := time.Now()
	out := e2e.Command{Dir: m.dir, Env: m.env, Limit: 5 * time.Minute}.Output(t, "bash", "-euo", "pipefail", "-c", line)
	t.Logf("%5.1fs $ %s", time.Since(started).Seconds(), line)
	return out
}

// export sets a variable for the commands that follow, as `export` in a shell does.
func (m *machine) export(t *testing.T, variable string) {
	t.Helper()
	t.Logf("       $ export %s", variable)
	m.env = append(m.env, variable)
}

// ask runs an aws command and decodes its answer.
func (m *machine) ask(t *testing.T, into any, line string) {
	t.Helper()
	out := e2e.Command{Dir: m.dir, Env: m.env}.Output(t, "bash", "-euo", "pipefail", "-c", "aws "+line+" --output json")
	if err := json.Unmarshal([]byte(out), into); err != nil {
		t.Fatalf("aws %s: %v\n%s", line, err, out)
	}
}

func copyFile(t *testing.T, from, to string) {
	t.Helper()
	data, err := os.ReadFile(from)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(to, data, 0o644); err != nil {
		t.Fatal(err)
	}
}
