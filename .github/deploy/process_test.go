package main

import (
	"bytes"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// The built program, as a process: its exit codes are those of the outcomes, and its arguments, which every user of
// the machine may read, do not have the token.
func TestProcess(t *testing.T) {
	program := filepath.Join(t.TempDir(), "deploy")
	if out, err := exec.Command("go", "build", "-o", program, ".").CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, out)
	}
	for state, want := range map[string]int{succeeded: 0, failed: 1, rolledBack: 4} {
		var cmd *exec.Cmd
		var arguments string
		look := func(w http.ResponseWriter, r *http.Request) {
			b, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(cmd.Process.Pid), "cmdline"))
			if arguments = string(b); err != nil {
				arguments = err.Error()
			}
			w.WriteHeader(http.StatusServiceUnavailable)
		}
		ready := make(chan struct{})
		f := newFake(t, []turn{func(w http.ResponseWriter, r *http.Request) { <-ready; look(w, r) }}, nil, state)
		cmd = exec.CommandContext(t.Context(), program, "--image", image)
		cmd.Env = append(os.Environ(), "CLOUD_API_URL="+f.URL, "CLOUD_TOKEN="+token, "IDEMPOTENCY_KEY="+runKey, "MODEL_VERSION=v1.1.0", "STRATEGY=", "DEPLOY_TIMEOUT=", "POLL_INTERVAL=")
		var out bytes.Buffer
		cmd.Stdout, cmd.Stderr = &out, &out
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		close(ready)
		cmd.Wait()
		if got := cmd.ProcessState.ExitCode(); got != want {
			t.Errorf("%s: got exit code %d, want %d\n%s", state, got, want, out.String())
		}
		if !strings.Contains(arguments, image) || strings.Contains(arguments, token) {
			t.Errorf("arguments: got %q, want the image and no token", arguments)
		}
		if strings.Contains(out.String(), token) {
			t.Errorf("the token is in the output")
		}
	}
}
