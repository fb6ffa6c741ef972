package page

import (
	"bufio"
	"errors"
	"net/http"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"ml-service/rollout"
	"ml-service/rollout/compare"
)

func wantIn(t *testing.T, text string, words ...string) {
	t.Helper()
	for _, word := range words {
		if !strings.Contains(text, word) {
			t.Errorf("want %q in\n%s", word, text)
		}
	}
}

func TestPage(t *testing.T) {
	p := newPlace(t, func(o *Options) { o.Open = true })
	p.failed()
	if err := compare.Save(p.page.Compare, &compare.Result{Old: "blue", New: "green", Requests: 7, Rows: 7, Changed: 2, Share: 2. / 7, Classes: []string{"0", "1"}, Table: [][]int{{3, 2}, {0, 2}}}, time.Now()); err != nil {
		t.Fatal(err)
	}
	p.get("/")
	time.Sleep(30 * time.Millisecond) // the readings' own pace
	_, text := p.get("/")
	wantIn(t, text, "blue 100 %", "v1.1.0", "abababababab", "green fails more often", "✗ fail", "50 %, 3 %", "2 of 7", "a first step", "rollout canary",
		`aria-label="Traffic: blue 100 %"`, "malignant", "p99", "rolled back")
	if strings.Contains(text, " style=") || strings.Contains(text, "<script>") {
		t.Error("the page has a style or a script in its text")
	}
}

// TestHeaders holds every answer to the policy.
func TestHeaders(t *testing.T) {
	p := newPlace(t, nil)
	for path, status := range map[string]int{"/": 200, "/page.css": 200, "/page.js": 200, "/events": 401, "/nothing": 404, "/login": 405} {
		res, err := p.client.Get(p.server.URL + path)
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		if res.Header.Get("Content-Security-Policy") != Policy || res.Header.Get("Cache-Control") != "no-store" || res.Header.Get("Referrer-Policy") != "same-origin" || path != "/login" && res.StatusCode != status {
			t.Errorf("%s: %d %v", path, res.StatusCode, res.Header)
		}
	}
	for _, word := range []string{"'unsafe", "*", "http"} {
		if strings.Contains(Policy, word) {
			t.Errorf("the policy has %q", word)
		}
	}
}

// TestEscapes lets everything that comes from elsewhere try to be markup.
func TestEscapes(t *testing.T) {
	p := newPlace(t, func(o *Options) { o.Open = true })
	p.failed()
	p.set(func() { p.evil = `<script src=//x></script>"'><img src=x onerror=1>` })
	if err := rollout.OpenJournal(p.dir, "town").Append(rollout.Entry{ID: "x", Target: "town", Verb: "shift" + p.evil, Who: p.evil, Reason: p.evil, Error: p.evil, Result: p.evil, To: rollout.All("blue")}); err != nil {
		t.Fatal(err)
	}
	p.set(func() { p.broken = errors.New(p.evil) })
	for range 2 {
		_, text := p.get("/")
		if strings.Contains(text, "<script src=//") || strings.Contains(text, "<img") {
			t.Errorf("markup from elsewhere:\n%s", text)
		}
		wantIn(t, text, "&lt;img")
		p.set(func() { p.broken = nil })
		time.Sleep(30 * time.Millisecond) // the readings' own pace
	}
}

// TestEmpty is the page of a folder where nothing was done.
func TestEmpty(t *testing.T) {
	p := newPlace(t, func(o *Options) { o.Open, o.Check = true, nil })
	_, text := p.get("/")
	wantIn(t, text, "No release is known here", "Nothing was done here yet", "None was made here yet")
	if strings.Contains(text, "<form") {
		t.Error("there is a form, and no token to enter")
	}
}

// TestBrokenFiles: a broken file is said, and the rest is shown.
func TestBrokenFiles(t *testing.T) {
	p := newPlace(t, func(o *Options) { o.Open = true })
	p.begin()
	for _, name := range []string{p.page.Canary, p.page.Compare} {
		if err := os.WriteFile(name, []byte("{"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	_, text := p.get("/")
	wantIn(t, text, p.page.Canary, p.page.Compare, "a first step")
}

func TestTokens(t *testing.T) {
	p := newPlace(t, nil)
	p.begin()
	_, text := p.get("/")
	if strings.Contains(text, "v1.0.0") || strings.Contains(text, "a first step") {
		t.Error("without a token the page shows what runs")
	}
	if status, _ := p.post("/", "/login", "token", "wrong"); status != http.StatusForbidden {
		t.Errorf("a wrong token: %d", status)
	}
	if status, _ := p.post("/", "/login", "csrf", "0", "token", mover); status != http.StatusForbidden {
		t.Errorf("a form of another page: %d", status)
	}
	p.enter(guest)
	_, text = p.get("/")
	wantIn(t, text, "a first step", "you are screen")
	here, _ := url.Parse(p.server.URL)
	if len(p.client.Jar.Cookies(here)) != 2 {
		t.Errorf("cookies: %v", p.client.Jar.Cookies(here))
	}
	if status, text := p.post("/", "/logout"); status != http.StatusOK || strings.Contains(text, "a first step") {
		t.Errorf("after leaving: %d %s", status, text)
	}
}

// TestCookies holds the cookies to what keeps them from scripts and other sites.
func TestCookies(t *testing.T) {
	p := newPlace(t, nil)
	p.get("/")
	for _, host := range []string{"127.0.0.1", "rollout.example.com"} {
		req, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, p.server.URL+"/", nil)
		req.Host = host
		res, err := new(http.Client).Do(req)
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		for _, c := range res.Cookies() {
			if !c.HttpOnly || c.SameSite != http.SameSiteStrictMode || c.Secure != (host != "127.0.0.1") {
				t.Errorf("%s: %v", host, c)
			}
		}
		if len(res.Cookies()) != 1 {
			t.Errorf("%s: %d cookies", host, len(res.Cookies()))
		}
	}
}

// TestEvents follows the page: what is done elsewhere comes within two seconds, and a second window has the same.
func TestEvents(t *testing.T) {
	p := newPlace(t, func(o *Options) { o.Open = true })
	lines := make(chan string, 1000)
	for range 2 {
		res, err := p.client.Get(p.server.URL + "/events")
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		if kind := res.Header.Get("Content-Type"); kind != "text/event-stream" {
			t.Fatalf("Content-Type %q", kind)
		}
		go func() {
			s := bufio.NewScanner(res.Body)
			s.Buffer(nil, 1<<20)
			for s.Scan() {
				if strings.Contains(s.Text(), "a first step") {
					lines <- s.Text()
				}
			}
		}()
	}
	p.begin()
	limit := time.After(2 * time.Second)
	for range 2 {
		select {
		case <-lines:
		case <-limit:
			t.Fatal("the step is not on the page after two seconds")
		}
	}
}

// TestLookersStop: where nobody looks on, nobody asks the sides.
func TestLookersStop(t *testing.T) {
	p := newPlace(t, func(o *Options) { o.Open = true })
	_, leave, ok := p.page.hub.join()
	if !ok {
		t.Fatal("no window")
	}
	leave()
	p.page.hub.work.Wait() // it ends
	for range mostWindows {
		if _, _, ok := p.page.hub.join(); !ok {
			t.Fatal("no window")
		}
	}
	if _, _, ok := p.page.hub.join(); ok {
		t.Error("more windows than there may be")
	}
}
