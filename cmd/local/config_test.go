package main

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"ml-service/handler"
)

func TestParseConfig(t *testing.T) {
	service := handler.Config{ModelName: "ml-service", RecordSample: 1, MaxBodyBytes: 1 << 20, MemoryLimit: -1}
	defaults := config{Config: service, port: "8080", drainDelay: 2 * time.Second, shutdownTimeout: 15 * time.Second, metrics: true,
		readHeaderTimeout: 5 * time.Second, idleTimeout: 2 * time.Minute, pace: handler.DefaultPace}
	for _, c := range []struct {
		name string
		args []string
		env  []string
		want func(*config)
	}{
		{"defaults", nil, nil, func(*config) {}},
		{"environment", nil, []string{"HOST=127.0.0.1", "PORT=9", "COLOR=blue", "DRAIN_DELAY=0s", "SHUTDOWN_TIMEOUT=1m", "METRICS=false"}, func(c *config) {
			c.host, c.port, c.drainDelay, c.shutdownTimeout, c.metrics, c.Color = "127.0.0.1", "9", 0, time.Minute, false, "blue"
		}},
		{"time-outs", nil, []string{"MAX_CONNECTIONS=9", "READ_HEADER_TIMEOUT=1s", "IDLE_TIMEOUT=0s", "READ_TIMEOUT=2s", "WRITE_TIMEOUT=3s", "MIN_RATE=1"}, func(c *config) {
			c.maxConnections, c.readHeaderTimeout, c.idleTimeout = 9, time.Second, 0
			c.pace = handler.Pace{Read: 2 * time.Second, Write: 3 * time.Second, Rate: 1}
		}},
		{"a host as in a URL", []string{"--host=[::1]"}, nil, func(c *config) { c.host = "::1" }},
		{"flags over environment", []string{"--port=1"}, []string{"PORT=2"}, func(c *config) { c.port = "1" }},
		{"version", []string{"--version"}, nil, func(c *config) { c.showVersion = true }},
	} {
		want := defaults
		c.want(&want)
		got, err := parseConfig(c.args, env(c.env...))
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
		{nil, []string{"HOST=[::1"}, `HOST: want an address or a name, as 127.0.0.1, ::1 or [::1], got "[::1"`},
		{nil, []string{"MAX_CONNECTIONS=-1"}, `MAX_CONNECTIONS: want a number from 0 to 65536, got "-1"`},
		{nil, []string{"MIN_RATE=0"}, `MIN_RATE: want a number of bytes a second from 1 to 2147483647, got "0"`},
		{nil, []string{"METRICS=on"}, `METRICS: want true or false, got "on"`},
		{nil, []string{"DRAIN_DELAY=2"}, `DRAIN_DELAY: want a duration as 2s or 500ms, got "2"`},
		{[]string{"--shutdown-timeout=-1s"}, nil, `--shutdown-timeout: want a duration as 2s or 500ms, got "-1s"`},
		{nil, []string{"COLOR=light blue"}, `COLOR: want visible ASCII characters without spaces, got "light blue"`},
	} {
		if _, err := parseConfig(c.args, env(c.env...)); err == nil || err.Error() != c.want {
			t.Errorf("%v %v: got %v, want %s", c.args, c.env, err, c.want)
		}
	}
}

// TestUsage finds every variable of the contract with its flag and default.
func TestUsage(t *testing.T) {
	var out bytes.Buffer
	usage(&out)
	for _, want := range []string{"--host HOST \"\"", "--port PORT 8080", "--color COLOR \"\"", "--model-version MODEL_VERSION v1.0.0",
		"--model-dir MODEL_DIR \"\"", "--model-name MODEL_NAME ml-service", "--max-body-bytes MAX_BODY_BYTES 1048576",
		"--drain-delay DRAIN_DELAY 2s", "--shutdown-timeout SHUTDOWN_TIMEOUT 15s", "--log-level LOG_LEVEL info", "--metrics METRICS true"} {
		if !strings.Contains(strings.Join(strings.Fields(out.String()), " "), want) {
			t.Errorf("want a line %q, got\n%s", want, out.String())
		}
	}
}
