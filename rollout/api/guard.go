package api

import (
	"context"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"
)

// guard stands before every route of the API: it knows the callers, and writes a line for every call.
type guard struct {
	tokens *Tokens
	hosts  []string // names by which the server may be called, without ports
	audit  *slog.Logger
	wrong  failures
}

// mostFailures a minute are told that their token is wrong; further ones that they are too many. A right token is never
// kept out by somebody else's wrong ones.
const mostFailures = 30

// failures counts the wrong tokens of the minute.
type failures struct {
	mu    sync.Mutex
	since time.Time
	count int
}

// more counts one and says whether they are too many now.
func (f *failures) more(now time.Time) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if now.Sub(f.since) >= time.Minute {
		f.since, f.count = now, 0
	}
	f.count++
	return f.count > mostFailures
}

type identityKey struct{}

// identity is who calls, as guard has found.
func identity(r *http.Request) Identity {
	who, _ := r.Context().Value(identityKey{}).(Identity)
	return who
}

// written keeps the status for the audit.
type written struct {
	http.ResponseWriter
	status int
}

func (w *written) WriteHeader(status int) {
	if w.status == 0 {
		w.status = status
	}
	w.ResponseWriter.WriteHeader(status)
}

func (w *written) Write(b []byte) (int, error) {
	if w.status == 0 {
		w.status = http.StatusOK
	}
	return w.ResponseWriter.Write(b)
}

// Unwrap is for http.ResponseController.
func (w *written) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// around checks who is called and from where, for every route, and audits.
func (g *guard) around(next http.Handler) http.Handler {
	return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		began, w := time.Now(), &written{ResponseWriter: rw}
		who := &Identity{}
		r = r.WithContext(context.WithValue(r.Context(), auditKey{}, who))
		defer func() {
			g.audit.Info("call", "method", method(r), "path", called(r, next), "status", w.status, "who", who.Name,
				"from", r.RemoteAddr, "seconds", time.Since(began).Seconds())
		}()
		h := w.Header()
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Cache-Control", "no-store")
		h.Set("Referrer-Policy", "no-referrer")
		switch {
		case !g.known(r.Host):
			refuse(w, http.StatusMisdirectedRequest, "this server is not called so: want one of the names it was started with (--host)", "")
		case !g.sameOrigin(r):
			refuse(w, http.StatusForbidden, "calls from pages of another origin are not taken", "")
		default:
			next.ServeHTTP(w, r)
		}
	})
}

// router is what knows the route of a request, as http.ServeMux does.
type router interface {
	Handler(r *http.Request) (h http.Handler, pattern string)
}

type auditKey struct{}

// method is a request's, for the audit, where it is one that exists.
func method(r *http.Request) string {
	if slices.Contains([]string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}, r.Method) {
		return r.Method
	}
	return "other"
}

// called is the path of a request, for the audit: its route, with the id where that has the form of one. What else a caller puts into
// a path is not written down, since it may be the token. A call that was refused has not come to its route, which is looked up then.
func called(r *http.Request, next http.Handler) string {
	pattern := r.Pattern
	if pattern == "" {
		for at, ok := next.(router); ok; at, ok = next.(router) {
			next, pattern = at.Handler(r)
		}
	}
	_, route, _ := strings.Cut(pattern, " ")
	if id := r.PathValue("id"); idForm.MatchString(id) {
		return strings.Replace(route, "{id}", id, 1)
	}
	return route
}

var idForm = regexp.MustCompile(`^[0-9]{8}-[0-9]{6}-[a-z2-7]{6}$`)

// known says whether a Host header names this server.
func (g *guard) known(host string) bool {
	name := host
	if h, _, err := net.SplitHostPort(host); err == nil {
		name = h
	}
	return slices.Contains(g.hosts, strings.ToLower(strings.Trim(name, "[]")))
}

// sameOrigin says whether a request that says where it comes from comes from a page of this server.
func (g *guard) sameOrigin(r *http.Request) bool {
	if site := r.Header.Get("Sec-Fetch-Site"); site != "" && site != "same-origin" && site != "none" {
		return false
	}
	origin := r.Header.Get("Origin")
	if origin == "" {
		return true
	}
	u, err := url.Parse(origin)
	return err == nil && (u.Scheme == "http" || u.Scheme == "https") && g.known(u.Host)
}

// with lets callers through whose token has one of the scopes.
func (g *guard) with(next http.HandlerFunc, scopes ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if r.URL.RawQuery != "" || r.URL.ForceQuery {
			refuse(w, http.StatusBadRequest, "nothing is taken from behind a question mark: want the token as Authorization: Bearer", "")
			return
		}
		token, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
		values := r.Header.Values("Authorization")
		who, valid := Identity{}, false
		if ok && len(values) == 1 && len(token) <= 255 {
			who, valid = g.tokens.Check(token)
		}
		switch {
		case !valid && g.wrong.more(time.Now()):
			w.Header().Set("Retry-After", "60")
			refuse(w, http.StatusTooManyRequests, "too many calls without a valid token", "")
		case !valid:
			w.Header().Set("WWW-Authenticate", `Bearer realm="deployments"`)
			refuse(w, http.StatusUnauthorized, "want a valid token as Authorization: Bearer <token>", "")
		case !who.May(scopes...):
			note(r, who)
			refuse(w, http.StatusForbidden, "this token has none of the scopes "+strings.Join(scopes, ", "), "")
		default:
			note(r, who)
			next(w, r.WithContext(context.WithValue(r.Context(), identityKey{}, who)))
		}
	}
}

// note tells the audit who called.
func note(r *http.Request, who Identity) {
	if seen, ok := r.Context().Value(auditKey{}).(*Identity); ok {
		*seen = who
	}
}
