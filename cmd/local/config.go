package main

import (
	"errors"
	"flag"
	"math"
	"strconv"
	"time"

	"ml-service/handler"
)

// config is how the server is set up: the service, and how it listens and stops.
type config struct {
	handler.Config

	host            string // to listen on; empty: all addresses
	port            string
	drainDelay      time.Duration
	shutdownTimeout time.Duration
	metrics         bool // serve /metrics
	showVersion     bool // --version was asked for
}

func (c *config) settings() []handler.Setting {
	return append([]handler.Setting{
		{Env: "HOST", Default: "", Usage: "address to listen on; empty: all", Set: func(v string) error { c.host = v; return nil }},
		{Env: "PORT", Default: "8080", Usage: "port to listen on; 0: any free one", Set: func(v string) error {
			c.port = v
			if n, err := strconv.Atoi(v); err != nil || n < 0 || n > math.MaxUint16 {
				return errors.New("want a port from 0 to 65535")
			}
			return nil
		}},
		{Env: "DRAIN_DELAY", Default: "2s", Usage: "how long to go on serving after SIGTERM", Set: func(v string) error {
			return duration(v, &c.drainDelay)
		}},
		{Env: "SHUTDOWN_TIMEOUT", Default: "15s", Usage: "how long requests in flight may take after that", Set: func(v string) error {
			return duration(v, &c.shutdownTimeout)
		}},
		{Env: "METRICS", Default: "true", Usage: "serve Prometheus metrics at /metrics", Set: func(v string) (err error) {
			if c.metrics, err = strconv.ParseBool(v); err != nil {
				return errors.New("want true or false")
			}
			return nil
		}},
	}, c.Settings()...)
}

// parseConfig reads flags and environment. The error is flag.ErrHelp where help was asked for.
func parseConfig(args []string, getenv func(string) string) (config, error) {
	var c config
	flags := flag.NewFlagSet("", flag.ContinueOnError)
	flags.BoolVar(&c.showVersion, "version", false, "")
	err := handler.Configure(c.settings(), flags, args, getenv)
	return c, err
}

func duration(v string, d *time.Duration) (err error) {
	if *d, err = time.ParseDuration(v); err != nil || *d < 0 {
		return errors.New("want a duration as 2s or 500ms")
	}
	return nil
}
