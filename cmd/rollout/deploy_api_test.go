package main

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"
)

const (
	apiToken = `tok-9f3b"1c77-never-to-be-seen`
	apiImage = "ghcr.io/o/r@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
)

// deployTo runs rollout deploy --api; args come behind what is right, and override it.
func deployTo(t *testing.T, address, token string, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	t.Setenv("CLOUD_TOKEN", token)
	var out, errs strings.Builder
	right := []string{"deploy", "--api", address, "--image", apiImage, "--version", "v1.1.0", "--idempotency-key", "1700000000-1", "--wait"}
	code = run(t.Context(), append(right, args...), strings.NewReader(""), &out, &errs)
	if strings.Contains(out.String()+errs.String(), apiToken[:5]) {
		t.Errorf("the token is in the output:\n%s", strings.ReplaceAll(out.String()+errs.String(), apiToken, "<THE TOKEN>"))
	}
	return code, out.String(), errs.String()
}

func TestDeployToRefuses(t *testing.T) {
	visits := 0
	f := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { visits++ }))
	defer f.Close()
	tests := []struct {
		name, address, token string
		args                 []string
		says                 string
	}{
		{"no address", "", apiToken, []string{"--api="}, "--api: want an address such as https://deploy.example.com; what it has is no such address"},
		{"no token", f.URL, "", nil, "CLOUD_TOKEN is empty"},
		{"token with a line break", f.URL, "tok\n", nil, "CLOUD_TOKEN: want 1 to 255 visible ASCII characters"},
		{"plain http", "http://deploy.example.com", apiToken, nil, "--api: want an address such as https://deploy.example.com; over plain http the token could be read"},
		{"plain http, a host called like loopback", "http://127.0.0.1.example.com", apiToken, nil, "--api: want an address such as https://deploy.example.com; over plain http"},
		{"another scheme", "ftp://deploy.example.com", apiToken, nil, `--api: want an address such as https://deploy.example.com, got the scheme "ftp"`},
		{"no host", "deploy.example.com", apiToken, nil, "--api: want an address such as https://deploy.example.com; what it has is no such address"},
		{"a password", "https://u:hunter2@deploy.example.com", apiToken, nil, "--api: want an address such as https://deploy.example.com, without a user or a password"},
		{"a query", "https://deploy.example.com/?a=b", apiToken, nil, "--api: want an address such as https://deploy.example.com, without ? or #"},
		{"image by tag", f.URL, apiToken, []string{"--image", "ghcr.io/o/r:latest"}, "--image: want an image by digest"},
		{"digest lost between jobs", f.URL, apiToken, []string{"--image", "ghcr.io/o/r@"}, "--image: want an image by digest"},
		{"image in capitals", f.URL, apiToken, []string{"--image", strings.Replace(apiImage, "o/r", "O/r", 1)}, "--image: want an image by digest"},
		{"version", f.URL, apiToken, []string{"--version", "v1 0"}, "--version: want letters, digits"},
		{"strategy", f.URL, apiToken, []string{"--strategy", "yolo"}, `--strategy: want switch or canary, got "yolo"`},
		{"key", f.URL, apiToken, []string{"--idempotency-key", "a b"}, "--idempotency-key: want 1 to 255 visible ASCII characters"},
		{"time-out", f.URL, apiToken, []string{"--timeout", "15"}, `invalid argument "15" for "--timeout" flag`},
		{"interval", f.URL, apiToken, []string{"--poll=-1s"}, "--timeout and --poll: want times above zero"},
		{"unknown flag", f.URL, apiToken, []string{"--cloud-token=x"}, "unknown flag: --cloud-token"},
		{"the token for an image", f.URL, apiToken, []string{"--image", apiToken}, `--image: want an image by digest, as ghcr.io/owner/repo@sha256:<64 hex digits>, got "***"`},
		{"the token at the cut of what is repeated", f.URL, apiToken, []string{"--image", strings.Repeat("a", 290) + apiToken}, "--image: want an image by digest"},
		{"the token for a strategy", f.URL, apiToken, []string{"--strategy", "x" + apiToken}, `--strategy: want switch or canary, got "x***"`},
		{"busy", f.URL, apiToken, []string{"--if-busy", "shrug"}, `--if-busy: want wait or fail, got "shrug"`},
		{"argument", f.URL, apiToken, []string{"now"}, "rollout deploy takes no arguments"},
		{"a model", f.URL, apiToken, []string{"--model", "models/v1"}, "--model goes with a deployment in this folder"},
		{"a side", f.URL, apiToken, []string{"--to", "green"}, "--to goes with a deployment in this folder"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			code, stdout, stderr := deployTo(t, tt.address, tt.token, tt.args...)
			if code != 2 || stdout != "" || strings.Count(stderr, "\n") != 1 {
				t.Errorf("got exit code %d, stdout %q, stderr %q; want 2 and one line on stderr", code, stdout, stderr)
			}
			if !strings.HasPrefix(stderr, "rollout: "+tt.says) || strings.Contains(stderr, "hunter2") {
				t.Errorf("stderr: got %q, want it to begin with %q", stderr, tt.says)
			}
		})
	}
	if visits > 0 {
		t.Errorf("the API saw %d requests, want none", visits)
	}
}

// orders is a deployment API that answers each POST with status and, where that is a 202, the deployment with state, given as
// JSON members. Nothing is answered before each of the gates is closed.
func orders(t *testing.T, status int, state string, gates ...<-chan struct{}) string {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for _, gate := range gates {
			<-gate
		}
		switch {
		case r.Header.Get("Authorization") != "Bearer "+apiToken:
			w.WriteHeader(http.StatusUnauthorized)
		case r.Method == http.MethodGet:
			_, _ = io.WriteString(w, `{"id":"d-1",`+state+`}`)
		case status == http.StatusAccepted:
			w.WriteHeader(status)
			_, _ = io.WriteString(w, `{"id":"d-1","url":"/v1/deployments/d-1"}`)
		default:
			w.WriteHeader(status)
		}
	}))
	t.Cleanup(s.Close)
	return s.URL
}

// The kinds of the client's errors become exit codes, and what the client says becomes lines; every step is one.
func TestDeployToExitCodes(t *testing.T) {
	steps := `,"events":[{"number":1,"state":"running","step":"pull"},{"number":2,"state":"running","step":"check green","reason":"it serves what was announced"},{"number":3,"state":"succeeded"}]`
	for state, want := range map[string]int{`"state":"succeeded"`: 0, `"state":"succeeded"` + steps: 0, `"state":"failed","reason":"no"`: 1, `"state":"rolled_back"`: 4} {
		code, stdout, stderr := deployTo(t, orders(t, http.StatusAccepted, state), apiToken)
		if code != want || (stderr == "") != (want == 0) || !strings.HasPrefix(stdout, apiImage+" as v1.1.0 by switch at http://127.0.0.1") {
			t.Errorf("%s: got exit code %d, %q and %q", state, code, stdout, stderr)
		}
		if strings.Contains(state, "events") && !strings.Contains(stdout, "running: pull\nrunning: check green: it serves what was announced\nsucceeded\n") {
			t.Errorf("got %q, want a line for each step", stdout)
		}
	}
	for status, want := range map[int]int{401: 2, 404: 1, 409: 5, 422: 2} {
		if code, _, stderr := deployTo(t, orders(t, status, ""), apiToken, "--if-busy", "fail"); code != want {
			t.Errorf("%d: got exit code %d and %q, want %d", status, code, stderr, want)
		}
	}
	elsewhere := `"state":"succeeded","split":{"shares":{"blue":100}},"sides":[{"side":"blue","artifact":"other"}]` // which is the answer to every GET
	if code, stdout, stderr := deployTo(t, orders(t, http.StatusAccepted, elsewhere), apiToken); code != 1 || stderr != "rollout: superseded: d-1 has succeeded, and since then users were given other\n" {
		t.Errorf("users have another image: got exit code %d, %q and %q", code, stdout, stderr)
	}
	if code, stdout, _ := deployTo(t, orders(t, http.StatusAccepted, `"state":"failed"`), apiToken, "--wait=false"); code != 0 || !strings.HasSuffix(stdout, "accepted: d-1\n") {
		t.Errorf("without --wait: exit code %d, %q", code, stdout)
	}
}

// As a process: its arguments, which every user of the machine may read, do not have the token.
func TestDeployToProcess(t *testing.T) {
	looked := make(chan struct{})
	cmd := exec.CommandContext(t.Context(), "rollout", "deploy", "--api", orders(t, http.StatusAccepted, `"state":"rolled_back"`, looked), "--image", apiImage, "--version", "v1.1.0", "--wait")
	cmd.Env = append(os.Environ(), "CLOUD_TOKEN="+apiToken)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Start(); err != nil {
		close(looked)
		t.Fatal(err)
	}
	var arguments []byte
	var err error
	for end := time.Now().Add(10 * time.Second); err == nil && len(arguments) == 0 && time.Now().Before(end); runtime.Gosched() {
		arguments, err = os.ReadFile(filepath.Join("/proc", strconv.Itoa(cmd.Process.Pid), "cmdline")) // empty until exec has come so far
	}
	close(looked)
	_ = cmd.Wait() // the exit code is looked at
	if got := cmd.ProcessState.ExitCode(); got != 4 {
		t.Errorf("got exit code %d, want 4\n%s", got, out.String())
	}
	if os.IsNotExist(err) {
		return // no such file system here
	}
	if err != nil || !strings.Contains(string(arguments), apiImage) || strings.Contains(string(arguments), apiToken) || strings.Contains(out.String(), apiToken[:5]) {
		t.Errorf("arguments %q, %v, output %q: want the image and no token", arguments, err, out.String())
	}
}
