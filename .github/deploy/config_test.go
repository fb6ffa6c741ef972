package main

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"ml-service/rollout/api"
)

const (
	token = `tok-9f3b"1c77-never-to-be-seen`
	image = "ghcr.io/o/r@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
)

// deployTo runs the program against an address.
func deployTo(t *testing.T, address string, env map[string]string, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	all := map[string]string{"CLOUD_API_URL": address, "CLOUD_TOKEN": token, "IMAGE": image, "MODEL_VERSION": "v1.1.0", "IDEMPOTENCY_KEY": "1700000000-1"}
	for k, v := range env {
		all[k] = v
	}
	var out, errs strings.Builder
	code = exitCode(run(t.Context(), args, func(k string) string { return all[k] }, &out, &errs))
	if strings.Contains(out.String()+errs.String(), token[:5]) {
		t.Errorf("the token is in the output:\n%s", strings.ReplaceAll(out.String()+errs.String(), token, "<THE TOKEN>"))
	}
	return code, out.String(), errs.String()
}

func TestConfiguration(t *testing.T) {
	visits := 0
	f := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { visits++ }))
	defer f.Close()
	tests := []struct {
		name string
		env  map[string]string
		args []string
		says string
	}{
		{"no address", map[string]string{"CLOUD_API_URL": ""}, nil, "CLOUD_API_URL is empty: want the address of the deployment API"},
		{"no token", map[string]string{"CLOUD_TOKEN": ""}, nil, "CLOUD_TOKEN is empty"},
		{"token with a line break", map[string]string{"CLOUD_TOKEN": "tok\n"}, nil, "CLOUD_TOKEN: want 1 to 255 visible ASCII characters"},
		{"plain http", map[string]string{"CLOUD_API_URL": "http://deploy.example.com"}, nil, "CLOUD_API_URL: want an address such as https://deploy.example.com; over plain http the token could be read"},
		{"plain http, a host called like loopback", map[string]string{"CLOUD_API_URL": "http://127.0.0.1.example.com"}, nil, "CLOUD_API_URL: want an address such as https://deploy.example.com; over plain http"},
		{"another scheme", map[string]string{"CLOUD_API_URL": "ftp://deploy.example.com"}, nil, `CLOUD_API_URL: want an address such as https://deploy.example.com, got the scheme "ftp"`},
		{"no host", map[string]string{"CLOUD_API_URL": "deploy.example.com"}, nil, "CLOUD_API_URL: want an address such as https://deploy.example.com; what it has is no such address"},
		{"a password", map[string]string{"CLOUD_API_URL": "https://u:hunter2@deploy.example.com"}, nil, "CLOUD_API_URL: want an address such as https://deploy.example.com, without a user or a password"},
		{"a query", map[string]string{"CLOUD_API_URL": "https://deploy.example.com/?a=b"}, nil, "CLOUD_API_URL: want an address such as https://deploy.example.com, without ? or #"},
		{"image by tag", map[string]string{"IMAGE": "ghcr.io/o/r:latest"}, nil, "IMAGE: want an image by digest"},
		{"digest lost between jobs", map[string]string{"IMAGE": "ghcr.io/o/r@"}, nil, "IMAGE: want an image by digest"},
		{"image in capitals", map[string]string{"IMAGE": strings.Replace(image, "o/r", "O/r", 1)}, nil, "IMAGE: want an image by digest"},
		{"version", map[string]string{"MODEL_VERSION": "v1 0"}, nil, `MODEL_VERSION: want letters, digits`},
		{"strategy", map[string]string{"STRATEGY": "yolo"}, nil, `STRATEGY: want switch or canary, got "yolo"`},
		{"flag over variable", map[string]string{"STRATEGY": "switch"}, []string{"--strategy", "yolo"}, `STRATEGY: want switch or canary, got "yolo"`},
		{"key", map[string]string{"IDEMPOTENCY_KEY": "a b"}, nil, "IDEMPOTENCY_KEY: want 1 to 255 visible ASCII characters"},
		{"time-out", map[string]string{"DEPLOY_TIMEOUT": "15"}, nil, `DEPLOY_TIMEOUT: want a time above zero, as 90s or 15m, got "15"`},
		{"interval", nil, []string{"--poll-interval=-1s"}, `POLL_INTERVAL: want a time above zero`},
		{"unknown flag", nil, []string{"--cloud-token=x"}, "flag provided but not defined: -cloud-token"},
		{"the token for an image", map[string]string{"IMAGE": token}, nil, `IMAGE: want an image by digest, as ghcr.io/owner/repo@sha256:<64 hex digits>, got "***"`},
		{"the token at the cut of what is repeated", map[string]string{"IMAGE": strings.Repeat("a", 290) + token}, nil, "IMAGE: want an image by digest"},
		{"the token for a strategy", nil, []string{"--strategy", "x" + token}, `STRATEGY: want switch or canary, got "x***"`},
		{"busy", map[string]string{"IF_BUSY": "shrug"}, nil, `IF_BUSY: want wait or fail, got "shrug"`},
		{"argument", nil, []string{"now"}, `want flags alone, got the argument "now"`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			code, stdout, stderr := deployTo(t, f.URL, tt.env, tt.args...)
			if code != 2 || stdout != "" || strings.Count(stderr, "\n") != 1 {
				t.Errorf("got exit code %d, stdout %q, stderr %q; want 2 and one line on stderr", code, stdout, stderr)
			}
			if !strings.HasPrefix(stderr, "deploy: "+tt.says) || strings.Contains(stderr, "hunter2") {
				t.Errorf("stderr: got %q, want it to begin with %q", stderr, tt.says)
			}
		})
	}
	if visits > 0 {
		t.Errorf("the API saw %d requests, want none", visits)
	}
}

// The kinds of the client's errors become exit codes, and what the client says becomes lines.
func TestExitCodes(t *testing.T) {
	for state, want := range map[string]int{`"state":"succeeded"`: 0, `"state":"failed","reason":"no"`: 1, `"state":"rolled_back"`: 4} {
		code, stdout, stderr := deployTo(t, serve(t, http.StatusAccepted, state), nil)
		if code != want || (stderr == "") != (want == 0) || !strings.HasPrefix(stdout, "deploy: "+image+" as v1.1.0 by switch at http://127.0.0.1") {
			t.Errorf("%s: got exit code %d, %q and %q", state, code, stdout, stderr)
		}
	}
	for status, want := range map[int]int{401: 2, 404: 1, 409: 5, 422: 2} {
		if code, _, stderr := deployTo(t, serve(t, status, ""), map[string]string{"IF_BUSY": "fail"}); code != want {
			t.Errorf("%d: got exit code %d and %q, want %d", status, code, stderr, want)
		}
	}
	for err, want := range map[error]int{nil: 0, context.Canceled: 1, usageError("x"): 2, api.ErrFailed: 1} {
		if got := exitCode(err); got != want {
			t.Errorf("%v: got %d, want %d", err, got, want)
		}
	}
	if code := exitCode(errors.Join(api.ErrBusy)); code != 5 {
		t.Errorf("busy: got %d, want 5", code)
	}
}

func TestHelpNamesEachVariable(t *testing.T) {
	var b strings.Builder
	if err := run(t.Context(), []string{"--help"}, func(string) string { return "" }, &b, &b); err != nil {
		t.Fatal(err)
	}
	for _, v := range []string{"CLOUD_TOKEN", "CLOUD_API_URL", "IMAGE", "MODEL_VERSION", "STRATEGY", "IDEMPOTENCY_KEY", "DEPLOY_TIMEOUT", "POLL_INTERVAL", "IF_BUSY"} {
		if !strings.Contains(b.String(), v) {
			t.Errorf("--help does not name %s", v)
		}
	}
}
