package page

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"net"
	"net/http"
)

// The cookies. Both are HttpOnly and SameSite=Strict, and gone with the browser's session.
const (
	tokenCookie = "rollout_token"
	seedCookie  = "rollout_form" // random; what forms carry is made of it
)

// longestToken is that of the deployment API.
const longestToken = 255

func cookie(r *http.Request, name string) string {
	c, err := r.Cookie(name)
	if err != nil {
		return ""
	}
	return c.Value
}

// tokenOf is the token that a browser has.
func tokenOf(r *http.Request) string { return cookie(r, tokenCookie) }

// visitor is whose token a browser has. Check compares in constant time.
func (h *Handler) visitor(r *http.Request) (Visitor, bool) {
	token := tokenOf(r)
	if h.Check == nil || token == "" || len(token) > longestToken {
		return Visitor{}, false
	}
	return h.Check(token)
}

// setCookie sends a cookie over HTTPS alone, unless the page is asked for on the machine itself.
func setCookie(w http.ResponseWriter, r *http.Request, name, value string, age int) {
	host := r.Host
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	ip := net.ParseIP(host)
	local := host == "localhost" || ip != nil && ip.IsLoopback()
	http.SetCookie(w, &http.Cookie{Name: name, Value: value, MaxAge: age, HttpOnly: true, Secure: !local, SameSite: http.SameSiteStrictMode})
}

// seed is the browser's random cookie, which it is given where it has none.
func (h *Handler) seed(w http.ResponseWriter, r *http.Request) string {
	seed := cookie(r, seedCookie)
	if len(seed) != 26 {
		seed = rand.Text()
		setCookie(w, r, seedCookie, seed, 0)
	}
	return seed
}

// csrf is what the forms of a browser carry: nobody can make it who does not have both of its cookies.
func csrf(seed, token string) string {
	m := hmac.New(sha256.New, []byte(seed))
	m.Write([]byte("form " + token))
	return hex.EncodeToString(m.Sum(nil))
}

// mostForm is how long a form may be.
const mostForm = 4 << 10

// form reads a form, which must be the page's own; it has answered where it returns false.
func (h *Handler) form(w http.ResponseWriter, r *http.Request) bool {
	r.Body = http.MaxBytesReader(w, r.Body, mostForm)
	if err := r.ParseForm(); err != nil {
		h.refuse(w, r, http.StatusBadRequest, "The form did not come whole.")
		return false
	}
	seed := cookie(r, seedCookie)
	if seed == "" || subtle.ConstantTimeCompare([]byte(r.PostForm.Get("csrf")), []byte(csrf(seed, tokenOf(r)))) != 1 {
		h.refuse(w, r, http.StatusForbidden, "This form is not of this page, or the browser has lost its cookie: load the page again.")
		return false
	}
	return true
}

// login puts a valid token into a cookie.
func (h *Handler) login(w http.ResponseWriter, r *http.Request) {
	if !h.form(w, r) {
		return
	}
	token := r.PostForm.Get("token")
	valid := false
	if h.Check != nil && token != "" && len(token) <= longestToken {
		_, valid = h.Check(token)
	}
	switch {
	case !valid && h.Wrong != nil && h.Wrong():
		w.Header().Set("Retry-After", "60")
		h.refuse(w, r, http.StatusTooManyRequests, "Too many wrong tokens came; wait a minute.")
	case !valid:
		h.write(w, http.StatusForbidden, view{Title: "Rollout", Heading: "Rollout", Login: true, CSRF: csrf(cookie(r, seedCookie), tokenOf(r)), Error: "This token is not valid."})
	default:
		setCookie(w, r, tokenCookie, token, 0)
		home(w)
	}
}

// logout forgets the token.
func (h *Handler) logout(w http.ResponseWriter, r *http.Request) {
	if h.form(w, r) {
		setCookie(w, r, tokenCookie, "", -1)
		home(w)
	}
}

// home sends the browser back to the page, whatever prefix it lies behind.
func home(w http.ResponseWriter) {
	w.Header().Set("Location", "./")
	w.WriteHeader(http.StatusSeeOther)
}
