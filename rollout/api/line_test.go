package api

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
)

// awkward are tokens that quoting, cutting or the taking apart of GitHub's signs would change before they are found.
var awkward = []string{
	token,
	`quo"ted-"token`,
	`back\slash\n-token`,
	"##[group]token",
	"<html>&token'`$(x)",
	"%41-percent/token?x=y+z",
	"*",
	"1",
}

// pieces reports a piece of a secret, of its first or last six characters, that is in s.
func pieces(s, secret string) string {
	if len(secret) < 10 {
		return ""
	}
	for _, p := range []string{secret[:6], secret[len(secret)-6:]} {
		if strings.Contains(s, p) {
			return p
		}
	}
	return ""
}

func TestLineHasNoSecret(t *testing.T) {
	for _, secret := range awkward {
		quoted, err := json.Marshal(secret)
		if err != nil {
			t.Fatal(err)
		}
		texts := map[string]string{
			"plain":          "token " + secret + " end",
			"quoted by Go":   fmt.Sprintf("token %q end", "x"+secret+"y"),
			"quoted by JSON": "token " + string(quoted) + " end",
			"twice":          secret + secret,
		}
		for cut := maxLine - len(secret) - 2; cut <= maxLine+2; cut++ {
			texts[fmt.Sprintf("at the cut, %d", cut)] = strings.Repeat(" ", cut) + secret
		}
		for name, text := range texts {
			got := Line(text, secret)
			if len(secret) >= 10 && strings.Contains(got, secret) || pieces(got, secret) != "" {
				t.Errorf("%s, %s: got %q", secret, name, got)
			}
		}
	}
	if got := Line("1 and 21", "1"); got != "*** and 2***" {
		t.Errorf("a token of one sign: got %q", got)
	}
	if got := Line("a*b", "*"); got != "a***b" {
		t.Errorf("a token of one star: got %q", got)
	}
}

// An API that sends the token back, whole or in an error of the standard library, or lines that GitHub's runner would
// obey, must not reach the log with them.
func TestHostileAnswers(t *testing.T) {
	for _, secret := range awkward {
		text := func(format string) string {
			b, err := json.Marshal(strings.ReplaceAll(format, "TOKEN", secret))
			if err != nil {
				t.Fatal(err)
			}
			return string(b)
		}
		refused := `{"error":` + text("TOKEN") + `,"id":` + text("TOKEN") + `}`
		long := `{"error":` + text(strings.Repeat("x", maxLine-60)+"TOKEN") + `}`
		far := `{"error":` + text(strings.Repeat("x", 250)+"TOKEN") + `}`
		var turns [][2][]turn
		for _, code := range []int{200, 307, 400, 401, 403, 404, 409, 422, 429, 500} {
			for _, body := range []string{refused, long, far} {
				a := []turn{says(code, body, "Location: https://x.example/?t="+secret, "X: y")}
				turns = append(turns, [2][]turn{a, nil}, [2][]turn{nil, a})
			}
		}
		raw := func(w http.ResponseWriter, r *http.Request) {
			conn, _, err := w.(http.Hijacker).Hijack()
			if err != nil {
				panic(err)
			}
			fmt.Fprintf(conn, "HTTP/1.1 2x%s\r\n%s\r\n\r\n", secret, secret)
			conn.Close()
		}
		turns = append(turns,
			[2][]turn{{raw, works}, nil},
			[2][]turn{{says(202, `{"id":"d-1","url":`+text("https://x.example/TOKEN")+`}`)}, nil},
			[2][]turn{nil, {says(200, `{"id":`+text("TOKEN")+`,"state":"running"}`)}},
			[2][]turn{nil, {says(200, `{"id":"d-1","state":`+text("TOKEN")+`}`)}},
			[2][]turn{nil, {says(200, `{"id":"d-1","state":"failed","step":`+text("Bearer TOKEN")+`,"reason":`+text("\n::stop-commands::TOKEN\r\x1b[31m ##[add-mask]TOKEN")+`}`)}},
			[2][]turn{nil, {says(200, text("TOKEN"))}})
		for i, queues := range turns {
			f := newFake(t, queues[0], queues[1], succeeded)
			f.token = secret
			got := deploy(t, to(t, f.URL, func(c *Client) { c.Token, c.FailIfBusy = secret, true }))
			if piece := pieces(got.all(), secret); piece != "" {
				t.Errorf("row %d: a piece of the token %q is in %q", i, secret, got.all())
			}
			if len(f.faults) > 0 {
				t.Errorf("row %d: against the contract: %q", i, f.faults)
			}
		}
	}
}
