package handler

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"math"
	"strconv"
	"strings"
	"time"
)

const defaultName = "ml-service"

// Config is how a service is set up: by flag, by environment, by default, in this order.
type Config struct {
	Host            string // to listen on; empty: all addresses
	Port            string
	Color           string
	ModelVersion    string // empty: the version stamped into the binary
	ModelDir        string // searched before the embedded models; empty: none
	ModelName       string
	MaxBodyBytes    int64
	DrainDelay      time.Duration
	ShutdownTimeout time.Duration
	LogLevel        slog.Level
	MaxConcurrency  int  // requests in the model at once; 0: one a core
	MaxQueue        int  // requests that wait for that; 0: 64 for each of MaxConcurrency; -1: none
	Metrics         bool // serve /metrics
	ShowVersion     bool // --version was asked for
}

// setting is one variable: HOST in the environment is --host on the command line.
type setting struct {
	env, value, usage string // value: the default
	set               func(c *Config, value string) error
}

var settings = []setting{
	{"HOST", "", "address to listen on; empty: all", func(c *Config, v string) error { c.Host = v; return nil }},
	{"PORT", "8080", "port to listen on; 0: any free one", func(c *Config, v string) error {
		c.Port = v
		if n, err := strconv.Atoi(v); err != nil || n < 0 || n > math.MaxUint16 {
			return errors.New("want a port from 0 to 65535")
		}
		return nil
	}},
	{"COLOR", "", "colour of this instance, sent as X-Color; empty: not sent", func(c *Config, v string) error {
		c.Color = v
		return visible(v, 64)
	}},
	{"MODEL_VERSION", "", "model version to serve", func(c *Config, v string) error {
		c.ModelVersion = v
		if v == "." || v == ".." || strings.ContainsAny(v, `/\`) {
			return errors.New("want a version as v1.0.0")
		}
		return visible(v, 128)
	}},
	{"MODEL_DIR", "", "folder of <version>/model.onnx, searched before the embedded models", func(c *Config, v string) error {
		c.ModelDir = v
		return nil
	}},
	{"MODEL_NAME", defaultName, "name of the model", func(c *Config, v string) error {
		c.ModelName = v
		if strings.Contains(v, "/") {
			return errors.New("want a name without slashes")
		}
		return visible(v, 128)
	}},
	{"MAX_BODY_BYTES", strconv.Itoa(DefaultMaxBodyBytes), "longest body taken, in bytes", func(c *Config, v string) (err error) {
		if c.MaxBodyBytes, err = strconv.ParseInt(v, 10, 64); err != nil || c.MaxBodyBytes < 1 || c.MaxBodyBytes > math.MaxInt32 {
			return errors.New("want a number of bytes from 1 to 2147483647")
		}
		return nil
	}},
	{"DRAIN_DELAY", "2s", "how long to go on serving after SIGTERM", func(c *Config, v string) error {
		return duration(v, &c.DrainDelay)
	}},
	{"SHUTDOWN_TIMEOUT", "15s", "how long requests in flight may take after that", func(c *Config, v string) error {
		return duration(v, &c.ShutdownTimeout)
	}},
	{"LOG_LEVEL", "info", "debug, info, warn or error", func(c *Config, v string) error {
		switch strings.ToLower(v) {
		case "debug", "info", "warn", "error":
			return c.LogLevel.UnmarshalText([]byte(v))
		}
		return errors.New("want debug, info, warn or error")
	}},
	{"MAX_CONCURRENCY", "0", "requests in the model at once; 0: one a core", func(c *Config, v string) error {
		return count(v, 0, &c.MaxConcurrency)
	}},
	{"MAX_QUEUE", "0", "requests that wait for that, past it 503; 0: 64 for each at once; -1: none", func(c *Config, v string) error {
		return count(v, -1, &c.MaxQueue)
	}},
	{"METRICS", "true", "serve Prometheus metrics at /metrics", func(c *Config, v string) (err error) {
		if c.Metrics, err = strconv.ParseBool(v); err != nil {
			return errors.New("want true or false")
		}
		return nil
	}},
}

func (s setting) flag() string { return strings.ReplaceAll(strings.ToLower(s.env), "_", "-") }

// ParseConfig reads the configuration: a flag over its environment variable over its default. An empty variable
// counts as none. The error says what was expected, and is flag.ErrHelp where help was asked for.
func ParseConfig(args []string, getenv func(string) string) (Config, error) {
	var c Config
	given := make(map[string]string)
	fs := flag.NewFlagSet("", flag.ContinueOnError)
	fs.SetOutput(io.Discard)
	fs.BoolVar(&c.ShowVersion, "version", false, "")
	for _, s := range settings {
		fs.Func(s.flag(), s.usage, func(v string) error { given[s.env] = v; return nil })
	}
	if err := fs.Parse(args); err != nil {
		return c, err
	}
	if fs.NArg() > 0 {
		return c, fmt.Errorf("unexpected argument %q", fs.Arg(0))
	}
	for _, s := range settings {
		source, value := s.env, getenv(s.env)
		if v, ok := given[s.env]; ok {
			source, value = "--"+s.flag(), v
		} else if value == "" {
			value = s.value
		}
		if err := s.set(&c, value); err != nil {
			return c, fmt.Errorf("%s: %w, got %q", source, err, value)
		}
	}
	return c, nil
}

// WriteUsage lists every setting with its default.
func WriteUsage(w io.Writer) {
	for _, s := range settings {
		value := s.value
		if s.env == "MODEL_VERSION" {
			value = modelVersion
		}
		if value == "" {
			value = `""`
		}
		fmt.Fprintf(w, "  --%-17s %-17s %-11s %s\n", s.flag(), s.env, value, s.usage)
	}
}

// visible checks a value that goes into a header.
func visible(v string, most int) error {
	if len(v) > most {
		return fmt.Errorf("want at most %d characters", most)
	}
	if v != "" && !usableID(v) {
		return errors.New("want visible ASCII characters without spaces")
	}
	return nil
}

func duration(v string, d *time.Duration) (err error) {
	if *d, err = time.ParseDuration(v); err != nil || *d < 0 {
		return errors.New("want a duration as 2s or 500ms")
	}
	return nil
}

// count reads a number from least to 100,000.
func count(v string, least int, n *int) (err error) {
	const most = 100_000
	if *n, err = strconv.Atoi(v); err != nil || *n < least || *n > most {
		return fmt.Errorf("want a number from %d to %d", least, most)
	}
	return nil
}
