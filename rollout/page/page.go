// Package page shows a rollout as it happens: a page for browsers, and the same as text. It reads what `rollout` reads and
// keeps nothing but the last minutes' readings of the sides' counters, from which rates are made.
package page

import (
	"bytes"
	"net/http"
	"time"

	"ml-service/style"
)

// Policy is the Content-Security-Policy: the page loads its own script and style sheet, sends its forms home, and nothing else.
const Policy = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; " +
	"base-uri 'none'; form-action 'self'; frame-ancestors 'none'"

// Options are what a Handler is made of.
type Options struct {
	Source
	Open bool // everybody may look: the page is for this machine alone

	// Check says whose token this is; nil: there are no tokens, and nobody may do more than look.
	Check func(token string) (Visitor, bool)
	// Wrong counts a token that was wrong and says whether they are too many now.
	Wrong func() bool
}

// Visitor is who has a token.
type Visitor struct {
	Name string
	Look bool
	Move bool // traffic
}

// Handler serves the page.
type Handler struct {
	Options
	looker *Looker
	hub    *hub
	mux    *http.ServeMux
}

// New makes the handler of a page. Close ends its streams.
func New(o Options) (*Handler, error) {
	looker, err := NewLooker(o.Source)
	if err != nil {
		return nil, err
	}
	h := &Handler{Options: o, looker: looker, hub: newHub(looker), mux: http.NewServeMux()}
	h.mux.HandleFunc("GET /{$}", h.index)
	h.mux.HandleFunc("GET /events", h.events)
	h.mux.HandleFunc("GET /page.css", file("text/css; charset=utf-8", style.Sheet))
	h.mux.HandleFunc("GET /page.js", file("text/javascript; charset=utf-8", script))
	h.mux.HandleFunc("POST /login", h.login)
	h.mux.HandleFunc("POST /logout", h.logout)
	for verb := range buttons {
		h.mux.HandleFunc("GET /"+verb, h.ask(verb))
		h.mux.HandleFunc("POST /"+verb, h.do(verb))
	}
	h.mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		h.refuse(w, r, http.StatusNotFound, "There is no such page.")
	})
	return h, nil
}

// Close ends the streams.
func (h *Handler) Close() { h.hub.close() }

// Handler is the route of a request, as http.ServeMux's is.
func (h *Handler) Handler(r *http.Request) (http.Handler, string) { return h.mux.Handler(r) }

// ServeHTTP is http.Handler's.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	head := w.Header()
	head.Set("Content-Security-Policy", Policy)
	head.Set("X-Content-Type-Options", "nosniff")
	head.Set("Referrer-Policy", "same-origin") // with no-referrer browsers send forms with "Origin: null"
	head.Set("Cross-Origin-Opener-Policy", "same-origin")
	head.Set("Cross-Origin-Resource-Policy", "same-origin")
	head.Set("Cache-Control", "no-store")
	h.mux.ServeHTTP(w, r)
}

func file(kind string, body []byte) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", kind)
		_, _ = w.Write(body) // the browser may be gone
	}
}

// index is the page, and where a token is needed to look, the form for it.
func (h *Handler) index(w http.ResponseWriter, r *http.Request) {
	who, known := h.visitor(r)
	seed := h.seed(w, r)
	if !h.mayLook(who, known) {
		why := ""
		if known {
			why = "This token may not look at the page."
		}
		h.write(w, http.StatusOK, view{Title: "Rollout", Heading: "Rollout", Login: true, CSRF: csrf(seed, ""), Error: why})
		return
	}
	h.write(w, http.StatusOK, h.seen(h.hub.now(r.Context()), r, seed, who, known))
}

// seen is the view of a snapshot for one visitor.
func (h *Handler) seen(s Snapshot, r *http.Request, seed string, who Visitor, known bool) view {
	v := draw(s)
	v.Who, v.CSRF, v.Login = who.Name, csrf(seed, tokenOf(r)), !known && h.Check != nil
	if known && who.Move {
		v.Moves = movesOf(s)
	}
	return v
}

func (h *Handler) mayLook(who Visitor, known bool) bool { return h.Open || known && who.Look }

// refuse answers with a page that says why.
func (h *Handler) refuse(w http.ResponseWriter, _ *http.Request, status int, why string) {
	h.write(w, status, view{Title: "Rollout", Heading: "Rollout", Error: why})
}

func (h *Handler) write(w http.ResponseWriter, status int, v view) {
	var b bytes.Buffer
	if err := pages.ExecuteTemplate(&b, "page", v); err != nil {
		http.Error(w, "the page cannot be drawn", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write(b.Bytes()) // the browser may be gone
}

// events sends the page's body whenever it has changed, whole each time: a window that missed some has lost nothing.
func (h *Handler) events(w http.ResponseWriter, r *http.Request) {
	who, known := h.visitor(r)
	if !h.mayLook(who, known) {
		h.refuse(w, r, http.StatusUnauthorized, "Enter a token first.")
		return
	}
	changed, leave, ok := h.hub.join()
	if !ok {
		w.Header().Set("Retry-After", "10")
		h.refuse(w, r, http.StatusServiceUnavailable, "Too many windows look at this page.")
		return
	}
	defer leave()
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("X-Accel-Buffering", "no") // Nginx hands each on at once
	w.WriteHeader(http.StatusOK)
	stream := http.NewResponseController(w)
	seed := cookie(r, seedCookie)
	beat := time.NewTicker(15 * time.Second)
	defer beat.Stop()
	for {
		if h.Check != nil && known { // a token that was taken away meanwhile
			if _, still := h.visitor(r); !still {
				return
			}
		}
		if s, ok := h.hub.last(); ok {
			var b bytes.Buffer
			if pages.ExecuteTemplate(&b, "body", h.seen(s, r, seed, who, known)) != nil {
				return
			}
			_ = stream.SetWriteDeadline(time.Now().Add(30 * time.Second))
			if _, err := w.Write(event("page", b.Bytes())); err != nil || stream.Flush() != nil {
				return
			}
		}
		select {
		case <-r.Context().Done():
			return
		case _, open := <-changed:
			if !open {
				return
			}
		case <-beat.C: // the next turn sends what there is, which also shows that somebody is still there
		}
	}
}

// event is a server-sent one.
func event(name string, data []byte) []byte {
	var b bytes.Buffer
	b.WriteString("event: " + name + "\n")
	for line := range bytes.Lines(data) {
		b.WriteString("data: ")
		b.Write(bytes.TrimRight(line, "\r\n"))
		b.WriteByte('\n')
	}
	b.WriteByte('\n')
	return b.Bytes()
}
