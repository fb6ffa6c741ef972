package handler_test

import (
	"errors"
	"flag"
	"log/slog"
	"strings"
	"testing"

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

func configure(args []string, getenv func(string) string) (handler.Config, error) {
	var c handler.Config
	err := handler.Configure(c.Settings(), flag.NewFlagSet("", flag.ContinueOnError), args, getenv)
	return c, err
}

func TestConfigure(t *testing.T) {
	defaults := handler.Config{ModelName: "ml-service", RecordSample: 1, MaxBodyBytes: 1 << 20, MemoryLimit: -1}
	for _, c := range []struct {
		name string
		args []string
		env  []string
		want func(*handler.Config)
	}{
		{"defaults", nil, nil, func(*handler.Config) {}},
		{"empty variables", nil, []string{"COLOR=", "LOG_LEVEL="}, func(*handler.Config) {}},
		{"environment", nil, []string{"COLOR=blue", "MODEL_VERSION=v2", "MODEL_DIR=/m", "MODEL_NAME=n", "MAX_BODY_BYTES=10", "LOG_LEVEL=debug",
			"MAX_CONCURRENCY=3", "MAX_QUEUE=-1", "MEMORY_LIMIT=512MiB"}, func(c *handler.Config) {
			*c = handler.Config{Color: "blue", ModelVersion: "v2", ModelDir: "/m", ModelName: "n", RecordSample: 1,
				MaxBodyBytes: 10, LogLevel: slog.LevelDebug, MaxConcurrency: 3, MaxQueue: -1, MemoryLimit: 512 << 20}
		}},
		{"flags over environment", []string{"--model-version", "v3", "-log-level=ERROR", "--color="}, []string{"MODEL_VERSION=v2", "COLOR=blue"},
			func(c *handler.Config) { c.ModelVersion, c.LogLevel = "v3", slog.LevelError }},
	} {
		want := defaults
		c.want(&want)
		got, err := configure(c.args, getenv(c.env...))
		if err != nil || got != want {
			t.Errorf("%s: got %+v, %v\nwant %+v", c.name, got, err, want)
		}
	}
}

func TestConfigureRefuses(t *testing.T) {
	for _, c := range []struct {
		args []string
		env  []string
		want string
	}{
		{nil, []string{"COLOR=light blue"}, `COLOR: want visible ASCII characters without spaces, got "light blue"`},
		{nil, []string{"MODEL_VERSION=../v1"}, `MODEL_VERSION: want a version as v1.0.0, got "../v1"`},
		{nil, []string{"MODEL_NAME=a/b"}, `MODEL_NAME: want a name without slashes, got "a/b"`},
		{nil, []string{"MAX_BODY_BYTES=1M"}, `MAX_BODY_BYTES: want a number of bytes from 1 to 2147483647, got "1M"`},
		{nil, []string{"MEMORY_LIMIT=5"}, `MEMORY_LIMIT: want at least 32MiB, or 0 for no limit, got "5"`},
		{nil, []string{"MEMORY_LIMIT=lots"}, `MEMORY_LIMIT: want a number of bytes as 512MiB, 2GiB or 536870912; 0: no limit, got "lots"`},
		{nil, []string{"MAX_CONCURRENCY=-1"}, `MAX_CONCURRENCY: want a number from 0 to 100000, got "-1"`},
		{nil, []string{"MAX_QUEUE=many"}, `MAX_QUEUE: want a number from -1 to 100000, got "many"`},
		{nil, []string{"BASE_PATH=ml"}, `BASE_PATH: want a path as /ml or /teams/ml, which begins with no route of the service, got "ml"`},
		{nil, []string{"BASE_PATH=/ml/"}, `BASE_PATH: want a path as /ml or /teams/ml, which begins with no route of the service, got "/ml/"`},
		{nil, []string{"BASE_PATH=/v2/x"}, `BASE_PATH: want a path as /ml or /teams/ml, which begins with no route of the service, got "/v2/x"`},
		{nil, []string{"BASE_PATH=/:x"}, `BASE_PATH: want a path as /ml or /teams/ml, which begins with no route of the service, got "/:x"`},
		{nil, []string{"CORS_ORIGINS=example.org"}, `CORS_ORIGINS: want origins as https://example.org with commas between them, or *, got "example.org"`},
		{nil, []string{"CORS_ORIGINS=https://example.org/"}, `CORS_ORIGINS: want origins as https://example.org with commas between them, or *, got "https://example.org/"`},
		{nil, []string{"CORS_ORIGINS=*,https://example.org"}, `CORS_ORIGINS: want * alone, or origins, got "*,https://example.org"`},
		{nil, []string{"STRICT_DATATYPES=maybe"}, `STRICT_DATATYPES: want true or false, got "maybe"`},
		{nil, []string{"LOG_LEVEL=loud"}, `LOG_LEVEL: want debug, info, warn or error, got "loud"`},
		{[]string{"--max-queue=many"}, nil, `--max-queue: want a number from -1 to 100000, got "many"`},
		{[]string{"serve"}, nil, `unexpected argument "serve"`},
		{[]string{"--colour=blue"}, nil, `flag provided but not defined: -colour`},
		{[]string{"--port=1"}, nil, `flag provided but not defined: -port`}, // a listener's, and so not the service's
	} {
		_, err := configure(c.args, getenv(c.env...))
		if err == nil || err.Error() != c.want {
			t.Errorf("%v %v: got %v, want %s", c.args, c.env, err, c.want)
		}
	}
	if _, err := configure([]string{"--help"}, getenv()); !errors.Is(err, flag.ErrHelp) {
		t.Errorf("--help: got %v, want flag.ErrHelp", err)
	}
}
