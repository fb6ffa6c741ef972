package main

import (
	"net/http"
	"strings"
	"testing"
	"time"
)

func TestConfiguration(t *testing.T) {
	f := newFake(t, nil, nil, succeeded)
	tests := []struct {
		name string
		env  map[string]string
		args []string
		says string
	}{
		{"no address", map[string]string{"CLOUD_API_URL": ""}, nil, "CLOUD_API_URL is empty: want the address of the deployment API"},
		{"no token", map[string]string{"CLOUD_TOKEN": ""}, nil, "CLOUD_TOKEN is empty"},
		{"token with a line break", map[string]string{"CLOUD_TOKEN": "tok\n"}, nil, "CLOUD_TOKEN: want 1 to 255 visible ASCII characters"},
		{"plain http", map[string]string{"CLOUD_API_URL": "http://deploy.example.com"}, nil, "over plain http the token could be read"},
		{"plain http, a host called like loopback", map[string]string{"CLOUD_API_URL": "http://127.0.0.1.example.com"}, nil, "over plain http"},
		{"another scheme", map[string]string{"CLOUD_API_URL": "ftp://deploy.example.com"}, nil, `got the scheme "ftp"`},
		{"no host", map[string]string{"CLOUD_API_URL": "deploy.example.com"}, nil, "what it has is no such address"},
		{"a password", map[string]string{"CLOUD_API_URL": "https://u:hunter2@deploy.example.com"}, nil, "without a user or a password"},
		{"a query", map[string]string{"CLOUD_API_URL": "https://deploy.example.com/?a=b"}, nil, "without ? or #"},
		{"image by tag", map[string]string{"IMAGE": "ghcr.io/o/r:latest"}, nil, "IMAGE: want an image by digest"},
		{"digest lost between jobs", map[string]string{"IMAGE": "ghcr.io/o/r@"}, nil, "IMAGE: want an image by digest"},
		{"image in capitals", map[string]string{"IMAGE": strings.Replace(image, "o/r", "O/r", 1)}, nil, "IMAGE: want an image by digest"},
		{"version", map[string]string{"MODEL_VERSION": "v1 0"}, nil, `MODEL_VERSION: want letters, digits`},
		{"strategy", map[string]string{"STRATEGY": "yolo"}, nil, `STRATEGY: want switch or canary, got "yolo"`},
		{"flag over variable", map[string]string{"STRATEGY": "switch"}, []string{"--strategy", "yolo"}, `got "yolo"`},
		{"key", map[string]string{"IDEMPOTENCY_KEY": "a b"}, nil, "IDEMPOTENCY_KEY: want 1 to 255 visible ASCII characters"},
		{"time-out", map[string]string{"DEPLOY_TIMEOUT": "15"}, nil, `DEPLOY_TIMEOUT: want a time above zero, as 90s or 15m, got "15"`},
		{"interval", nil, []string{"--poll-interval=-1s"}, `POLL_INTERVAL: want a time above zero`},
		{"unknown flag", nil, []string{"--cloud-token=x"}, "flag provided but not defined: -cloud-token"},
		{"argument", nil, []string{"now"}, `want flags alone, got the argument "now"`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := deployTo(t, f.URL, tt.env, tt.args...)
			if got.code != 2 || got.stdout != "" || strings.Count(got.stderr, "\n") != 1 {
				t.Errorf("got exit code %d, stdout %q, stderr %q; want 2 and one line on stderr", got.code, got.stdout, got.stderr)
			}
			if !strings.Contains(got.stderr, tt.says) || strings.Contains(got.stderr, "hunter2") {
				t.Errorf("stderr: got %q, want in it %q", got.stderr, tt.says)
			}
		})
	}
	if f.served > 0 {
		t.Errorf("the API saw %d requests, want none", f.served)
	}
}

func TestPlainHTTPOnLoopback(t *testing.T) {
	for _, s := range []string{"http://localhost:1", "http://127.0.0.1", "http://127.8.9.10:80/x", "http://[::1]:8080"} {
		if _, err := apiURL(s); err != nil {
			t.Errorf("%s: %v", s, err)
		}
	}
}

func TestRetryAfter(t *testing.T) {
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	tests := map[string]time.Duration{
		"": 0, "0": 0, "7": 7 * time.Second, "-7": 0, "soon": 0, "1e3": 0,
		now.Add(90 * time.Second).Format(http.TimeFormat): 90 * time.Second,
		now.Add(-time.Hour).Format(http.TimeFormat):       0,
	}
	for value, want := range tests {
		if got := retryAfter(http.Header{"Retry-After": {value}}, now); got != want {
			t.Errorf("Retry-After: %s: got %v, want %v", value, got, want)
		}
	}
}

func TestHelpNamesEachVariable(t *testing.T) {
	var b strings.Builder
	p := program{getenv: func(string) string { return "" }, stdout: &b, stderr: &b}
	if err := p.run(t.Context(), []string{"--help"}); err != nil {
		t.Fatal(err)
	}
	for _, v := range []string{"CLOUD_TOKEN", "CLOUD_API_URL", "IMAGE", "MODEL_VERSION", "STRATEGY", "IDEMPOTENCY_KEY", "DEPLOY_TIMEOUT", "POLL_INTERVAL"} {
		if !strings.Contains(b.String(), v) {
			t.Errorf("--help does not name %s", v)
		}
	}
}
