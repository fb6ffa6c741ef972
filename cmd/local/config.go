package main

import (
	"errors"
	"flag"
	"fmt"
	"math"
	"strconv"
	"strings"
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
	maxConnections  int  // open at once, more wait in the backlog; 0: as many as fit the memory limit

	readHeaderTimeout, idleTimeout time.Duration // of a connection; 0: none
	pace                           handler.Pace  // the least that is asked of a peer
	showVersion                    bool          // --version was asked for
}

// mostConnections is the most that MAX_CONNECTIONS may be.
const mostConnections = 1 << 16

func (c *config) settings() []handler.Setting {
	return append([]handler.Setting{
		{Env: "HOST", Default: "", Usage: "address to listen on; empty: all", Set: func(v string) error {
			c.host = v
			if inner, ok := strings.CutPrefix(v, "["); ok { // as a URL has it: [::1]
				if c.host, ok = strings.CutSuffix(inner, "]"); !ok {
					return errors.New("want an address or a name, as 127.0.0.1, ::1 or [::1]")
				}
			}
			return nil
		}},
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
		{Env: "MAX_CONNECTIONS", Default: "0", Usage: "connections at once, more wait in the backlog; 0: as many as fit the memory limit", Set: func(v string) (err error) {
			if c.maxConnections, err = strconv.Atoi(v); err != nil || c.maxConnections < 0 || c.maxConnections > mostConnections {
				return fmt.Errorf("want a number from 0 to %d", mostConnections)
			}
			return nil
		}},
		{Env: "READ_HEADER_TIMEOUT", Default: "5s", Usage: "how long the header of a request may take; 0s: for ever", Set: func(v string) error {
			return duration(v, &c.readHeaderTimeout)
		}},
		{Env: "IDLE_TIMEOUT", Default: "2m", Usage: "how long a connection lives between requests; 0s: for ever", Set: func(v string) error {
			return duration(v, &c.idleTimeout)
		}},
		{Env: "READ_TIMEOUT", Default: "10s", Usage: "how long a body may take; a large one for each READ_TIMEOUT * MIN_RATE bytes; 0s: for ever", Set: func(v string) error {
			return duration(v, &c.pace.Read)
		}},
		{Env: "WRITE_TIMEOUT", Default: "10s", Usage: "how long a caller may take to read its answer; a large one as above; 0s: for ever", Set: func(v string) error {
			return duration(v, &c.pace.Write)
		}},
		{Env: "MIN_RATE", Default: "8192", Usage: "the least of both, in bytes a second", Set: func(v string) (err error) {
			if c.pace.Rate, err = strconv.ParseInt(v, 10, 64); err != nil || c.pace.Rate < 1 || c.pace.Rate > math.MaxInt32 {
				return errors.New("want a number of bytes a second from 1 to 2147483647")
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
