package api

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// Client asks a deployment API for one deployment and follows it to its end. It is for one order at a time.
type Client struct {
	Base  *url.URL // as ParseURL gives it
	Token string
	Key   string        // the Idempotency-Key: under one key a deployment is started once, however often it is asked for
	Limit time.Duration // over all, waits included; none if 0
	Poll  time.Duration // between two looks at the state, and between two tries while another deployment runs; 3s if 0

	FailIfBusy bool // end with ErrBusy while another deployment runs, instead of waiting for it
	Detached   bool // end once the order is accepted

	Request time.Duration                              // for one request and its whole answer; 30s if 0
	Silence time.Duration                              // after which a stream of events is given up; 45s if 0
	Say     func(line string)                          // told of progress, a printable line without the token; none if nil
	Sleep   func(context.Context, time.Duration) error // between tries; real time if nil

	http *http.Client
	last string // the state seen last
	seen int    // number of the event seen last
	url  string // where the deployment can be followed, once it is accepted
	deaf bool   // the API has no stream of events
}

// Deploy starts the deployment and follows it to its end. Its error is one printable line without the token, and says by
// errors.Is what happened: ErrRefused, ErrBusy, ErrRolledBack, ErrSuperseded, ErrFailed.
func (c *Client) Deploy(ctx context.Context, order Order) error {
	if err := c.check(order); err != nil {
		return c.end(ErrRefused, "%v", err)
	}
	c.prepare()
	if c.Limit > 0 {
		limited, cancel := context.WithTimeout(ctx, c.Limit)
		defer cancel()
		ctx = limited
	}
	c.say("%s as %s by %s at %s, idempotency key %s", order.Image, order.Version, order.Strategy, c.Base, c.Key)
	id, err := c.start(ctx, order)
	if err != nil {
		return err
	}
	c.say("accepted: %s", id)
	if c.Detached {
		return nil
	}
	return c.follow(ctx, id, order)
}

func (c *Client) check(order Order) error {
	if c.Base == nil {
		return errors.New("want the address of the deployment API, got none")
	}
	if err := CheckToken(c.Token); err != nil {
		return fmt.Errorf("token: %w", err)
	}
	if err := CheckKey(redact(c.Key, c.Token)); err != nil {
		return fmt.Errorf("idempotency key: %w", err)
	}
	err := order.Check()
	var field *FieldError
	if errors.As(err, &field) {
		field.Got = redact(field.Got, c.Token)
	}
	return err
}

func (c *Client) prepare() {
	if c.Poll == 0 {
		c.Poll = 3 * time.Second
	}
	if c.Request == 0 {
		c.Request = 30 * time.Second
	}
	if c.Silence == 0 {
		c.Silence = maxSilence
	}
	if c.Sleep == nil {
		c.Sleep = sleep
	}
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.DisableKeepAlives = true // on a kept connection net/http tries again by itself, unseen and uncounted
	if loopback(c.Base.Hostname()) {
		transport.Proxy = nil
	}
	c.http = &http.Client{
		Transport: transport,
		Timeout:   c.Request,
		// A redirect is an answer like another: followed, it would take the token along.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	c.last, c.seen, c.url, c.deaf = "", 0, "", false
}

func (c *Client) say(format string, a ...any) {
	if c.Say != nil {
		c.Say(Line(fmt.Sprintf(format, a...), c.Token))
	}
}

// end makes the error of an outcome.
func (c *Client) end(kind error, format string, a ...any) error {
	return &outcome{kind, Line(fmt.Sprintf(format, a...), c.Token)}
}

// odd makes the error of an answer that is not of the contract: the deployment may have been taken all the same.
func (c *Client) odd(format string, a ...any) error {
	// The place to look comes behind the text, which may be as long as the API likes, and must not be cut with it.
	text := short(redact(fmt.Sprintf(format, a...), c.Token))
	return c.end(ErrFailed, "%s%s", text, c.where())
}

// start posts the order until the API has taken or refused it. Sent again, it is the same order under the same key.
func (c *Client) start(ctx context.Context, order Order) (id string, err error) {
	body, err := json.Marshal(order)
	if err != nil {
		return "", err
	}
	a, err := c.post(ctx, body)
	if err != nil {
		return "", err
	}
	if a.code != http.StatusAccepted {
		return "", c.refusal(a)
	}
	var got Accepted
	if err := c.decode(a, &got); err != nil {
		return "", err
	}
	name, ok := strings.CutPrefix(got.URL, Path+"/")
	if !ok || name == "" || name == "." || name == ".." || url.PathEscape(name) != name {
		return "", c.odd("POST: want \"url\" as %s/<id> in the 202, got %q", Path, redact(got.URL, c.Token))
	}
	if got.ID == "" {
		return "", c.odd("POST: want an \"id\" in the 202, got none")
	}
	c.url = c.Base.String() + got.URL
	return got.ID, nil
}

// post sends the order until the answer is another than that a deployment is running; with FailIfBusy once.
func (c *Client) post(ctx context.Context, body []byte) (*answer, error) {
	said := ""
	for {
		a, err := c.send(ctx, http.MethodPost, c.Base.String()+Path, body)
		if err != nil || a.code != http.StatusConflict || c.FailIfBusy {
			return a, err
		}
		busy := c.refusal(a)
		wait := max(retryAfter(a.header, time.Now()), c.Poll)
		if deadline, ok := ctx.Deadline(); ok && time.Until(deadline) < wait {
			return nil, c.end(ErrBusy, "%v; it did not end within %v", busy, c.Limit)
		}
		if line := busy.Error(); line != said {
			said = line
			c.say("%s; waiting for its end", line)
		}
		if err := c.Sleep(ctx, wait); err != nil {
			if errors.Is(ctx.Err(), context.DeadlineExceeded) {
				return nil, c.end(ErrBusy, "%v; it did not end within %v", busy, c.Limit)
			}
			return nil, c.end(ErrFailed, "stopped; nothing was started: %v", busy)
		}
	}
}

// follow tells what happens until the deployment has ended, with a line for each change: the events as they come where the API has
// them, else what is seen every Poll.
func (c *Client) follow(ctx context.Context, id string, order Order) error {
	for {
		c.stream(ctx)
		a, err := c.send(ctx, http.MethodGet, c.url, nil)
		if err != nil {
			return err
		}
		if a.code != http.StatusOK {
			return c.refusal(a)
		}
		var d Deployment
		if err := c.decode(a, &d); err != nil {
			return err
		}
		if d.ID != id {
			return c.odd("GET: want the state of %s, got that of %q", id, redact(d.ID, c.Token))
		}
		line := joined(d.State, d.Step, d.Reason)
		for _, e := range d.Events { // what has come since the last look, where the API says each step
			if e.Number > c.seen && e.State == Running {
				c.last = joined(e.State, e.Step, e.Reason)
				c.say("%s", c.last)
			}
			c.seen = max(c.seen, e.Number)
		}
		if d.State == Running && line != c.last {
			c.last = line
			c.say("%s", line)
		}
		switch d.State {
		case Running:
		case Succeeded:
			c.say("%s", line)
			return c.superseded(ctx, id, order)
		case RolledBack:
			return c.end(ErrRolledBack, "%s", line)
		case Failed:
			return c.end(ErrFailed, "%s", line)
		default:
			return c.odd("GET: want the state running, succeeded, rolled_back or failed, got %q", redact(d.State, c.Token))
		}
		if err := c.Sleep(ctx, c.Poll); err != nil {
			return c.cut(ctx)
		}
	}
}

// joined puts the texts that are there behind one another.
func joined(texts ...string) string {
	var there []string
	for _, s := range texts {
		if s != "" {
			there = append(there, s)
		}
	}
	return strings.Join(there, ": ")
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
func (c *Client) once(ctx context.Context, method, address string, body []byte) (*answer, error) {
	req, err := http.NewRequestWithContext(ctx, method, address, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Authorization", "Bearer "+c.Token)
	req.Header.Set("Accept", "application/json")
	req.Header.Set("User-Agent", "ml-service-deploy")
	if method == http.MethodPost {
		req.Header.Set("Content-Type", "application/json")
		req.Header.Set("Idempotency-Key", c.Key)
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

func (c *Client) decode(a *answer, v any) error {
	if len(a.body) > maxAnswer {
		return c.odd("%s: want at most %d bytes in the %d, got more", a.method, maxAnswer, a.code)
	}
	if err := json.Unmarshal(a.body, v); err != nil {
		return c.odd("%s: the %d is not the JSON of the contract: %v", a.method, a.code, err)
	}
	return nil
}

// refusal turns an answer that is neither success nor worth another try into the error it means.
func (c *Client) refusal(a *answer) error {
	var said Refusal
	if json.Unmarshal(a.body, &said) != nil || said.Error == "" {
		said.Error = "no reason given"
	}
	switch {
	case a.code >= 300 && a.code < 400:
		return c.end(ErrRefused, "%s: the API answered with a redirect (%d) to %q; the token is not sent there: set the address to the API's own",
			a.method, a.code, redact(a.header.Get("Location"), c.Token))
	case a.code == http.StatusUnauthorized || a.code == http.StatusForbidden:
		return c.end(ErrRefused, "%s: the API refused the token (%d): %s", a.method, a.code, said.Error)
	case a.code == http.StatusConflict && a.method == http.MethodPost:
		if said.ID == "" {
			return c.end(ErrBusy, "another deployment is running: %s", said.Error)
		}
		return c.end(ErrBusy, "another deployment is running, %s: %s", said.ID, said.Error)
	case a.code == http.StatusBadRequest || a.code == http.StatusUnprocessableEntity:
		return c.end(ErrRefused, "%s: the API refused the order (%d): %s", a.method, a.code, said.Error)
	default:
		return c.odd("%s: the API answered %d, which its contract does not have here: %s", a.method, a.code, said.Error)
	}
}
