// Package api is the deployment API: the types of its contract, which server and clients share, and its client.
package api

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"regexp"
	"strings"
)

// Path is where orders are posted; a deployment is found at Path + "/" + its id.
const Path = "/v1/deployments"

// StatusPath is where an API says what users have at this moment; it need not.
const StatusPath = "/v1/status"

// Order is the body of POST Path: what is to run, and how users come to it.
type Order struct {
	Image    string `json:"image"`    // by digest, as ghcr.io/owner/repo@sha256:<64 hex digits>
	Version  string `json:"version"`  // of the model that the image is to serve
	Strategy string `json:"strategy"` // Switch or Canary
}

// Accepted is the answer 202 to POST.
type Accepted struct {
	ID  string `json:"id"`
	URL string `json:"url"` // Path + "/" + ID
}

// Deployment is the answer 200 to GET of a deployment's URL.
type Deployment struct {
	ID     string `json:"id"`
	State  string `json:"state"`
	Step   string `json:"step,omitempty"`
	Reason string `json:"reason,omitempty"`

	Events []Event `json:"events,omitempty"` // all that has happened; an API need not say
}

// Refusal is the body of every other answer. A 409 has the id of the deployment that is running.
type Refusal struct {
	Error string `json:"error"`
	ID    string `json:"id,omitempty"`
}

// The states of a deployment; all but Running are its end.
const (
	Running    = "running"
	Succeeded  = "succeeded"
	RolledBack = "rolled_back"
	Failed     = "failed"
)

// The strategies: Switch moves all users at once, Canary in steps that are judged.
const (
	Switch = "switch"
	Canary = "canary"
)

var (
	imageForm   = regexp.MustCompile(`^[a-z0-9][a-z0-9.-]*(:[0-9]+)?(/[a-z0-9]+([._-]+[a-z0-9]+)*)+@sha256:[0-9a-f]{64}$`)
	versionForm = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9._-]{0,127}$`)
	visible     = regexp.MustCompile(`^[!-~]{1,255}$`)
)

// FieldError says which member of an Order cannot be, and why.
type FieldError struct {
	Field string // as the JSON has it
	Want  string
	Got   string
}

func (e *FieldError) Error() string {
	return fmt.Sprintf("%s: want %s, got %q", e.Field, e.Want, short(e.Got))
}

// Check returns a *FieldError for the first member that is not of the contract.
func (o Order) Check() error {
	switch {
	case !imageForm.MatchString(o.Image):
		return &FieldError{"image", "an image by digest, as ghcr.io/owner/repo@sha256:<64 hex digits>", o.Image}
	case !versionForm.MatchString(o.Version):
		return &FieldError{"version", "letters, digits, dots, dashes and underscores, at most 128", o.Version}
	case o.Strategy != Switch && o.Strategy != Canary:
		return &FieldError{"strategy", "switch or canary", o.Strategy}
	}
	return nil
}

// short bounds what an error repeats of a value, wherever the value came from.
func short(s string) string {
	if r := []rune(s); len(r) > 300 {
		return string(r[:300]) + "…"
	}
	return s
}

// CheckKey says what an Idempotency-Key must be, if s is none.
func CheckKey(s string) error {
	if !visible.MatchString(s) {
		return fmt.Errorf("want 1 to 255 visible ASCII characters, got %q", short(s))
	}
	return nil
}

// CheckToken says what a bearer token must be, if s is none. It does not repeat s.
func CheckToken(s string) error {
	if !visible.MatchString(s) {
		return errors.New("want 1 to 255 visible ASCII characters; it has none or too many, or a space, a line break or another sign")
	}
	return nil
}

// ParseURL reads the address of a deployment API. It refuses what would carry the token in the clear, and what would
// put a secret into an error message; its errors do not repeat the address.
func ParseURL(s string) (*url.URL, error) {
	const want = "want an address such as https://deploy.example.com"
	u, err := url.Parse(s)
	switch {
	case err != nil || u.Host == "" || u.Hostname() == "":
		return nil, fmt.Errorf("%s; what it has is no such address", want)
	case u.User != nil:
		return nil, fmt.Errorf("%s, without a user or a password in it", want)
	case u.RawQuery != "" || u.ForceQuery || u.Fragment != "":
		return nil, fmt.Errorf("%s, without ? or #", want)
	case u.Scheme == "http" && !loopback(u.Hostname()):
		return nil, fmt.Errorf("%s; over plain http the token could be read on its way, so http is for this machine alone", want)
	case u.Scheme != "http" && u.Scheme != "https":
		return nil, fmt.Errorf("%s, got the scheme %q", want, u.Scheme)
	}
	u.Path, u.RawPath = strings.TrimRight(u.Path, "/"), ""
	return u, nil
}

func loopback(host string) bool {
	return host == "localhost" || net.ParseIP(host).IsLoopback()
}
