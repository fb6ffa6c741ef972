package main

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// serve is a deployment API that answers each POST with status and, where that is a 202, the deployment with state, given
// as JSON members. It returns its address. Nothing is answered before each of the gates is closed.
func serve(t *testing.T, status int, state string, gates ...<-chan struct{}) string {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for _, gate := range gates {
			<-gate
		}
		switch {
		case r.Header.Get("Authorization") != "Bearer "+token:
			w.WriteHeader(http.StatusUnauthorized)
		case r.Method == http.MethodGet:
			io.WriteString(w, `{"id":"d-1",`+state+`}`)
		case status == http.StatusAccepted:
			w.WriteHeader(status)
			io.WriteString(w, `{"id":"d-1","url":"/v1/deployments/d-1"}`)
		default:
			w.WriteHeader(status)
		}
	}))
	t.Cleanup(s.Close)
	return s.URL
}

// The built program, as a process: its exit codes are those of the outcomes, and its arguments, which every user of
// the machine may read, do not have the token.
func TestProcess(t *testing.T) {
	program := filepath.Join(t.TempDir(), "deploy")
	if out, err := exec.Command("go", "build", "-o", program, ".").CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, out)
	}
	for state, want := range map[string]int{`"state":"succeeded"`: 0, `"state":"failed"`: 1, `"state":"rolled_back"`: 4} {
		looked := make(chan struct{})
		cmd := exec.CommandContext(t.Context(), program, "--image", image)
		cmd.Env = append(os.Environ(), "CLOUD_API_URL="+serve(t, http.StatusAccepted, state, looked), "CLOUD_TOKEN="+token, "IDEMPOTENCY_KEY=1700000000-1",
			"MODEL_VERSION=v1.1.0", "STRATEGY=", "DEPLOY_TIMEOUT=", "POLL_INTERVAL=", "IF_BUSY=")
		var out bytes.Buffer
		cmd.Stdout, cmd.Stderr = &out, &out
		if err := cmd.Start(); err != nil {
			close(looked)
			t.Fatal(err)
		}
		arguments, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(cmd.Process.Pid), "cmdline"))
		close(looked)
		cmd.Wait()
		if got := cmd.ProcessState.ExitCode(); got != want {
			t.Errorf("%s: got exit code %d, want %d\n%s", state, got, want, out.String())
		}
		if err != nil || !strings.Contains(string(arguments), image) || strings.Contains(string(arguments), token) {
			t.Errorf("arguments: got %q, %v, want the image and no token", arguments, err)
		}
		if strings.Contains(out.String(), token[:5]) {
			t.Errorf("the token is in the output")
		}
	}
}
