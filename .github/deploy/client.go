package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// accepted is the answer to POST /v1/deployments.
type accepted struct {
	ID  string `json:"id"`
	URL string `json:"url"`
}

// status is the answer to GET of a deployment.
type status struct {
	ID     string `json:"id"`
	State  string `json:"state"`
	Step   string `json:"step"`
	Reason string `json:"reason"`
}

type client struct {
	config
	http  *http.Client
	out   io.Writer
	sleep func(context.Context, time.Duration) error
	last  string // the line of progress written last
	url   string // where the deployment can be followed, once it is accepted
}

func newClient(cfg config, out io.Writer, sleep func(context.Context, time.Duration) error, limit time.Duration) *client {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.DisableKeepAlives = true // on a kept connection net/http tries again by itself, unseen and uncounted
	if loopback(cfg.base.Hostname()) {
		transport.Proxy = nil
	}
	return &client{
		config: cfg,
		out:    out,
		sleep:  sleep,
		http: &http.Client{
			Transport: transport,
			Timeout:   limit,
			// A redirect is an answer like another: followed, it would take the token along.
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
	}
}

func (c *client) say(format string, a ...any) {
	fmt.Fprintln(c.out, "deploy: "+clean(fmt.Sprintf(format, a...)))
}

// deploy starts the deployment and follows it to its end.
func (c *client) deploy(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	c.say("%s as %s by %s at %s, idempotency key %s", c.order.Image, c.order.Version, c.order.Strategy, c.base, c.key)
	id, err := c.start(ctx)
	if err != nil {
		return err
	}
	c.say("accepted: %s", id)
	return c.follow(ctx, id)
}

// start posts the order until the API has taken or refused it. Sent again, it is the same order under the same key.
func (c *client) start(ctx context.Context) (id string, err error) {
	body, err := json.Marshal(c.order)
	if err != nil {
		return "", err
	}
	a, err := c.send(ctx, http.MethodPost, c.base.String()+"/v1/deployments", body)
	if err != nil {
		return "", err
	}
	if a.code != http.StatusAccepted {
		return "", a.refusal()
	}
	var got accepted
	if err := a.decode(&got); err != nil {
		return "", err
	}
	name, ok := strings.CutPrefix(got.URL, "/v1/deployments/")
	if !ok || name == "" || name == "." || name == ".." || url.PathEscape(name) != name {
		return "", exitf(exitFailed, "POST: want \"url\" as /v1/deployments/<id> in the 202, got %q", got.URL)
	}
	if got.ID == "" {
		return "", exitf(exitFailed, "POST: want an \"id\" in the 202, got none")
	}
	c.url = c.base.String() + got.URL
	return got.ID, nil
}

// follow looks at the deployment until it has ended, with a line for each change.
func (c *client) follow(ctx context.Context, id string) error {
	for {
		a, err := c.send(ctx, http.MethodGet, c.url, nil)
		if err != nil {
			return err
		}
		if a.code != http.StatusOK {
			return a.refusal()
		}
		var s status
		if err := a.decode(&s); err != nil {
			return err
		}
		if s.ID != id {
			return exitf(exitFailed, "GET: want the state of %s, got that of %q", id, s.ID)
		}
		line := strings.Join(parts(s.State, s.Step, s.Reason), ": ")
		if s.State == "running" && line != c.last {
			c.last = line
			c.say("%s", line)
		}
		switch s.State {
		case "running":
		case "succeeded":
			c.say("%s", line)
			return nil
		case "rolled_back":
			return exitf(exitRolledBack, "%s", line)
		case "failed":
			return exitf(exitFailed, "%s", line)
		default:
			return exitf(exitFailed, "GET: want the state running, succeeded, rolled_back or failed, got %q", s.State)
		}
		if err := c.sleep(ctx, c.poll); err != nil {
			return c.cut(ctx)
		}
	}
}

func parts(s ...string) []string {
	var out []string
	for _, p := range s {
		if p != "" {
			out = append(out, p)
		}
	}
	return out
}

// answer is one whole answer of the API.
type answer struct {
	method string
	code   int
	header http.Header
	body   []byte
}

const maxAnswer = 1 << 20

// once sends one request and reads the whole answer, so that a cut answer is an error of this request.
func (c *client) once(ctx context.Context, method, address string, body []byte) (*answer, error) {
	req, err := http.NewRequestWithContext(ctx, method, address, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Authorization", "Bearer "+c.token)
	req.Header.Set("Accept", "application/json")
	req.Header.Set("User-Agent", "ml-service-deploy")
	if method == http.MethodPost {
		req.Header.Set("Content-Type", "application/json")
		req.Header.Set("Idempotency-Key", c.key)
	}
	res, err := c.http.Do(req)
	if err != nil {
		return nil, err
	}
	defer func() { _ = res.Body.Close() }()
	got, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer+1))
	if err != nil {
		return nil, err
	}
	return &answer{method, res.StatusCode, res.Header, got}, nil
}

func (a *answer) decode(v any) error {
	if len(a.body) > maxAnswer {
		return exitf(exitFailed, "%s: want at most %d bytes in the %d, got more", a.method, maxAnswer, a.code)
	}
	if err := json.Unmarshal(a.body, v); err != nil {
		return exitf(exitFailed, "%s: the %d is not the JSON of the contract: %v", a.method, a.code, err)
	}
	return nil
}

// refusal turns an answer that is neither success nor worth another try into the error it means.
func (a *answer) refusal() error {
	var said struct {
		Error string `json:"error"`
		ID    string `json:"id"`
	}
	if json.Unmarshal(a.body, &said) != nil || said.Error == "" {
		said.Error = "no reason given"
	}
	switch {
	case a.code >= 300 && a.code < 400:
		return exitf(exitUsage, "%s: the API answered with a redirect (%d) to %q; the token is not sent there: set CLOUD_API_URL to the API's own address",
			a.method, a.code, a.header.Get("Location"))
	case a.code == http.StatusUnauthorized || a.code == http.StatusForbidden:
		return exitf(exitUsage, "%s: the API refused the token (%d): %s", a.method, a.code, said.Error)
	case a.code == http.StatusConflict && a.method == http.MethodPost:
		if said.ID == "" {
			return exitf(exitLocked, "another deployment is running: %s", said.Error)
		}
		return exitf(exitLocked, "another deployment is running, %s: %s", said.ID, said.Error)
	case a.code == http.StatusBadRequest || a.code == http.StatusUnprocessableEntity:
		return exitf(exitUsage, "%s: the API refused the order (%d): %s", a.method, a.code, said.Error)
	default:
		return exitf(exitFailed, "%s: the API answered %d, which its contract does not have here: %s", a.method, a.code, said.Error)
	}
}
