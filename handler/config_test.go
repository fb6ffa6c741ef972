package handler_test

import (
	"bytes"
	"errors"
	"flag"
	"log/slog"
	"strings"
	"testing"
	"time"

	"ml-service/handler"
)

func getenv(pairs ...string) func(string) string {
	env := make(map[string]string)
	for _, p := range pairs {
		name, value, _ := strings.Cut(p, "=")
		env[name] = value
	}
	return func(name string) string { return env[name] }
}

func TestParseConfig(t *testing.T) {
	defaults := handler.Config{Port: "8080", ModelName: "ml-service", MaxBodyBytes: 1 << 20,
		DrainDelay: 2 * time.Second, ShutdownTimeout: 15 * time.Second, Metrics: true}
	for _, c := range []struct {
		name string
		args []string
		env  []string
		want func(*handler.Config)
	}{
		{"defaults", nil, nil, func(*handler.Config) {}},
		{"empty variables", nil, []string{"PORT=", "LOG_LEVEL="}, func(*handler.Config) {}},
		{"environment", nil, []string{"HOST=127.0.0.1", "PORT=9", "COLOR=blue", "MODEL_VERSION=v2", "MODEL_DIR=/m", "MODEL_NAME=n",
			"MAX_BODY_BYTES=10", "DRAIN_DELAY=0s", "SHUTDOWN_TIMEOUT=1m", "LOG_LEVEL=debug",
			"MAX_CONCURRENCY=3", "MAX_QUEUE=-1", "METRICS=false"}, func(c *handler.Config) {
			*c = handler.Config{Host: "127.0.0.1", Port: "9", Color: "blue", ModelVersion: "v2", ModelDir: "/m", ModelName: "n",
				MaxBodyBytes: 10, ShutdownTimeout: time.Minute, LogLevel: slog.LevelDebug, MaxConcurrency: 3, MaxQueue: -1}
		}},
		{"flags over environment", []string{"--port=1", "--model-version", "v3", "-log-level=ERROR", "--color="}, []string{"PORT=2", "MODEL_VERSION=v2", "COLOR=blue"},
			func(c *handler.Config) { c.Port, c.ModelVersion, c.LogLevel = "1", "v3", slog.LevelError }},
		{"version", []string{"--version"}, nil, func(c *handler.Config) { c.ShowVersion = true }},
	} {
		want := defaults
		c.want(&want)
		got, err := handler.ParseConfig(c.args, getenv(c.env...))
		if err != nil || got != want {
			t.Errorf("%s: got %+v, %v\nwant %+v", c.name, got, err, want)
		}
	}
}

func TestParseConfigRefuses(t *testing.T) {
	for _, c := range []struct {
		args []string
		env  []string
		want string
	}{
		{nil, []string{"PORT=http"}, `PORT: want a port from 0 to 65535, got "http"`},
		{[]string{"--port", "65536"}, nil, `--port: want a port from 0 to 65535, got "65536"`},
		{nil, []string{"COLOR=light blue"}, `COLOR: want visible ASCII characters without spaces, got "light blue"`},
		{nil, []string{"MODEL_VERSION=../v1"}, `MODEL_VERSION: want a version as v1.0.0, got "../v1"`},
		{nil, []string{"MODEL_NAME=a/b"}, `MODEL_NAME: want a name without slashes, got "a/b"`},
		{nil, []string{"MAX_BODY_BYTES=1M"}, `MAX_BODY_BYTES: want a number of bytes from 1 to 2147483647, got "1M"`},
		{nil, []string{"MAX_CONCURRENCY=-1"}, `MAX_CONCURRENCY: want a number from 0 to 100000, got "-1"`},
		{nil, []string{"MAX_QUEUE=many"}, `MAX_QUEUE: want a number from -1 to 100000, got "many"`},
		{nil, []string{"METRICS=on"}, `METRICS: want true or false, got "on"`},
		{nil, []string{"DRAIN_DELAY=2"}, `DRAIN_DELAY: want a duration as 2s or 500ms, got "2"`},
		{[]string{"--shutdown-timeout=-1s"}, nil, `--shutdown-timeout: want a duration as 2s or 500ms, got "-1s"`},
		{nil, []string{"LOG_LEVEL=loud"}, `LOG_LEVEL: want debug, info, warn or error, got "loud"`},
		{[]string{"serve"}, nil, `unexpected argument "serve"`},
		{[]string{"--prot=1"}, nil, `flag provided but not defined: -prot`},
	} {
		_, err := handler.ParseConfig(c.args, getenv(c.env...))
		if err == nil || err.Error() != c.want {
			t.Errorf("%v %v: got %v, want %s", c.args, c.env, err, c.want)
		}
	}
	if _, err := handler.ParseConfig([]string{"--help"}, getenv()); !errors.Is(err, flag.ErrHelp) {
		t.Errorf("--help: got %v, want flag.ErrHelp", err)
	}
}

// TestWriteUsage finds every variable of the contract with its flag and default.
func TestWriteUsage(t *testing.T) {
	var out bytes.Buffer
	handler.WriteUsage(&out)
	for _, want := range []string{"--host HOST \"\"", "--port PORT 8080", "--color COLOR \"\"", "--model-version MODEL_VERSION v1.0.0",
		"--model-dir MODEL_DIR \"\"", "--model-name MODEL_NAME ml-service", "--max-body-bytes MAX_BODY_BYTES 1048576",
		"--drain-delay DRAIN_DELAY 2s", "--shutdown-timeout SHUTDOWN_TIMEOUT 15s", "--log-level LOG_LEVEL info"} {
		if !strings.Contains(strings.Join(strings.Fields(out.String()), " "), want) {
			t.Errorf("want a line %q, got\n%s", want, out.String())
		}
	}
}
