package api

import (
	"log/slog"
	"net/http"
	"strings"
	"time"
)

// Door stands before a page that is served without the API: it knows by which names it may be called, and audits.
type Door struct {
	guard  *guard
	tokens *Tokens
}

// NewDoor makes a door; hosts are names beside those of this machine itself. tokens may be nil: then no token is valid.
func NewDoor(tokens *Tokens, hosts []string, audit *slog.Logger) *Door {
	d := &Door{guard: &guard{tokens: tokens, hosts: []string{"localhost", "127.0.0.1", "::1"}, audit: audit}, tokens: tokens}
	for _, host := range hosts {
		d.guard.hosts = append(d.guard.hosts, strings.ToLower(host))
	}
	return d
}

// Around puts the door before a handler.
func (d *Door) Around(next http.Handler) http.Handler { return d.guard.around(next) }

// Check says whose token this is.
func (d *Door) Check(token string) (Identity, bool) { return d.tokens.Check(token) }

// Wrong counts a wrong token and says whether they are too many now.
func (d *Door) Wrong() bool { return d.guard.wrong.more(time.Now()) }
