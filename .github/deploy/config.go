package main

import (
	"crypto/rand"
	"errors"
	"flag"
	"fmt"
	"io"
	"strings"
	"time"

	"ml-service/rollout/api"
)

// variables are the names by which a person knows the members of the order.
var variables = map[string]string{"image": "IMAGE", "version": "MODEL_VERSION", "strategy": "STRATEGY"}

// parseConfig reads a flag over its variable over its default. The token has no flag, because the arguments of a
// process are there for every user of the machine to read.
func parseConfig(args []string, getenv func(string) string, help io.Writer) (*api.Client, api.Order, error) {
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
	strategy := text("STRATEGY", api.Switch, "switch or canary")
	key := text("IDEMPOTENCY_KEY", "", "name of this deployment: under one name it is started once; a random one if empty")
	timeout := text("DEPLOY_TIMEOUT", "2h", "how long to follow the deployment, a wait for another one included")
	poll := text("POLL_INTERVAL", "3s", "time between two looks at its state")
	busy := text("IF_BUSY", "wait", "what to do while another deployment is running: wait or fail")
	none := api.Order{}
	if err := flags.Parse(args); errors.Is(err, flag.ErrHelp) {
		fmt.Fprint(help, "usage: CLOUD_TOKEN=… deploy [flags]\n\nThe token is read from the variable CLOUD_TOKEN alone.\n\n")
		flags.SetOutput(help)
		flags.PrintDefaults()
		return nil, none, err
	} else if err != nil {
		return nil, none, usage("%v", err)
	}
	if flags.NArg() > 0 {
		return nil, none, usage("want flags alone, got the argument %q", flags.Arg(0))
	}

	c := &api.Client{Token: getenv("CLOUD_TOKEN"), Key: *key, FailIfBusy: *busy == "fail"}
	order := api.Order{Image: *image, Version: *version, Strategy: *strategy}
	if c.Key == "" {
		c.Key = "by-hand-" + rand.Text()
	}
	if *address == "" {
		return nil, none, usage("CLOUD_API_URL is empty: want the address of the deployment API, as https://deploy.example.com")
	}
	var err error
	if c.Base, err = api.ParseURL(*address); err != nil {
		return nil, none, usage("CLOUD_API_URL: %v", err)
	}
	if c.Token == "" {
		return nil, none, usage("CLOUD_TOKEN is empty: want the token of the deployment API in that variable")
	}
	if err := api.CheckToken(c.Token); err != nil {
		return nil, none, usage("CLOUD_TOKEN: %v", err)
	}
	if c.Limit, err = positive("DEPLOY_TIMEOUT", *timeout); err != nil {
		return nil, none, err
	}
	if c.Poll, err = positive("POLL_INTERVAL", *poll); err != nil {
		return nil, none, err
	}
	if *busy != "wait" && *busy != "fail" {
		return nil, none, usage("IF_BUSY: want wait or fail, got %q", *busy)
	}
	if err := api.CheckKey(c.Key); err != nil {
		return nil, none, usage("IDEMPOTENCY_KEY: %v", err)
	}
	var field *api.FieldError
	if err := order.Check(); errors.As(err, &field) {
		return nil, none, usage("%v", &api.FieldError{Field: variables[field.Field], Want: field.Want, Got: api.Line(field.Got, c.Token)})
	}
	return c, order, nil
}

func positive(name, s string) (time.Duration, error) {
	d, err := time.ParseDuration(s)
	if err != nil || d <= 0 {
		return 0, usage("%s: want a time above zero, as 90s or 15m, got %q", name, s)
	}
	return d, nil
}

// usageError is what must be corrected where the program is called.
type usageError string

func (e usageError) Error() string { return string(e) }

func usage(format string, a ...any) error { return usageError(fmt.Sprintf(format, a...)) }
