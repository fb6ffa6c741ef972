package main

import (
	"crypto/rand"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/url"
	"regexp"
	"strings"
	"time"
)

// order is the body of POST /v1/deployments.
type order struct {
	Image    string `json:"image"`
	Version  string `json:"version"`
	Strategy string `json:"strategy"`
}

type config struct {
	base    *url.URL // without a slash at its end
	token   string
	order   order
	key     string        // of idempotency
	timeout time.Duration // over all, waits included
	poll    time.Duration // between two looks at the state
}

var (
	imageForm   = regexp.MustCompile(`^[a-z0-9][a-z0-9.-]*(:[0-9]+)?(/[a-z0-9]+([._-]+[a-z0-9]+)*)+@sha256:[0-9a-f]{64}$`)
	versionForm = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9._-]{0,127}$`)
	visible     = regexp.MustCompile(`^[!-~]{1,255}$`)
)

// parseConfig reads a flag over its variable over its default. The token has no flag, because the arguments of a
// process are there for every user of the machine to read.
func parseConfig(args []string, getenv func(string) string, help io.Writer) (config, error) {
	flags := flag.NewFlagSet("deploy", flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	text := func(variable, fallback, usage string) *string {
		if v := getenv(variable); v != "" {
			fallback = v
		}
		name := strings.ReplaceAll(strings.ToLower(variable), "_", "-")
		return flags.String(name, fallback, usage+" (variable "+variable+")")
	}
	address := text("CLOUD_API_URL", "", "address of the deployment API, as https://deploy.example.com")
	image := text("IMAGE", "", "image by digest, as ghcr.io/owner/repo@sha256:…")
	version := text("MODEL_VERSION", "v1.0.0", "version of the model that the image is to serve")
	strategy := text("STRATEGY", "switch", "switch or canary")
	key := text("IDEMPOTENCY_KEY", "", "name of this deployment: under one name it is started once; a random one if empty")
	timeout := text("DEPLOY_TIMEOUT", "15m", "how long to follow the deployment")
	poll := text("POLL_INTERVAL", "3s", "time between two looks at its state")
	if err := flags.Parse(args); errors.Is(err, flag.ErrHelp) {
		fmt.Fprint(help, "usage: CLOUD_TOKEN=… deploy [flags]\n\nThe token is read from the variable CLOUD_TOKEN alone.\n\n")
		flags.SetOutput(help)
		flags.PrintDefaults()
		return config{}, err
	} else if err != nil {
		return config{}, exitf(exitUsage, "%v", err)
	}
	if flags.NArg() > 0 {
		return config{}, exitf(exitUsage, "want flags alone, got the argument %q", flags.Arg(0))
	}

	cfg := config{token: getenv("CLOUD_TOKEN"), order: order{*image, *version, *strategy}, key: *key}
	if cfg.key == "" {
		cfg.key = "by-hand-" + rand.Text()
	}
	var err error
	if cfg.base, err = apiURL(*address); err != nil {
		return config{}, err
	}
	if cfg.timeout, err = positive("DEPLOY_TIMEOUT", *timeout); err != nil {
		return config{}, err
	}
	if cfg.poll, err = positive("POLL_INTERVAL", *poll); err != nil {
		return config{}, err
	}
	switch {
	case cfg.token == "":
		err = exitf(exitUsage, "CLOUD_TOKEN is empty: want the token of the deployment API in that variable")
	case !visible.MatchString(cfg.token):
		err = exitf(exitUsage, "CLOUD_TOKEN: want 1 to 255 visible ASCII characters; it has a space, a line break or another sign")
	case !imageForm.MatchString(cfg.order.Image):
		err = exitf(exitUsage, "IMAGE: want an image by digest, as ghcr.io/owner/repo@sha256:<64 hex digits>, got %q", cfg.order.Image)
	case !versionForm.MatchString(cfg.order.Version):
		err = exitf(exitUsage, "MODEL_VERSION: want letters, digits, dots, dashes and underscores, at most 128, got %q", cfg.order.Version)
	case cfg.order.Strategy != "switch" && cfg.order.Strategy != "canary":
		err = exitf(exitUsage, "STRATEGY: want switch or canary, got %q", cfg.order.Strategy)
	case !visible.MatchString(cfg.key):
		err = exitf(exitUsage, "IDEMPOTENCY_KEY: want 1 to 255 visible ASCII characters, got %q", cfg.key)
	}
	return cfg, err
}

// apiURL refuses what would carry the token in the clear, and what would put a secret into an error message.
func apiURL(s string) (*url.URL, error) {
	const want = "CLOUD_API_URL: want an address such as https://deploy.example.com"
	if s == "" {
		return nil, exitf(exitUsage, "CLOUD_API_URL is empty: want the address of the deployment API, as https://deploy.example.com")
	}
	u, err := url.Parse(s)
	switch {
	case err != nil || u.Host == "" || u.Hostname() == "":
		return nil, exitf(exitUsage, "%s; what it has is no such address", want)
	case u.User != nil:
		return nil, exitf(exitUsage, "%s, without a user or a password in it", want)
	case u.RawQuery != "" || u.ForceQuery || u.Fragment != "":
		return nil, exitf(exitUsage, "%s, without ? or #", want)
	case u.Scheme == "http" && !loopback(u.Hostname()):
		return nil, exitf(exitUsage, "%s; over plain http the token could be read on its way, so http is for this machine alone", want)
	case u.Scheme != "http" && u.Scheme != "https":
		return nil, exitf(exitUsage, "%s, got the scheme %q", want, u.Scheme)
	}
	u.Path, u.RawPath = strings.TrimRight(u.Path, "/"), ""
	return u, nil
}

func loopback(host string) bool {
	return host == "localhost" || net.ParseIP(host).IsLoopback()
}

func positive(name, s string) (time.Duration, error) {
	d, err := time.ParseDuration(s)
	if err != nil || d <= 0 {
		return 0, exitf(exitUsage, "%s: want a time above zero, as 90s or 15m, got %q", name, s)
	}
	return d, nil
}
