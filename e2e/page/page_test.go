package page_test

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"ml-service/e2e"
	"ml-service/e2e/browser"
)

// record has the page write down when it said what.
const record = `window.said = []; window.violations = 0;
document.addEventListener("securitypolicyviolation", () => violations++);
new MutationObserver(() => said.push({At: Date.now(), Text: document.getElementById("now").textContent}))
	.observe(document.getElementById("page"), {subtree: true, childList: true, characterData: true, attributes: true}); true`

type sentence struct {
	At   int64
	Text string
}

// entry is what of the history is looked at.
type entry struct {
	Time    time.Time
	Verb    string
	Seconds float64
	Reason  string
	To      struct{ Shares map[string]float64 }
}

func (s *stack) history() []entry {
	s.t.Helper()
	text, err := os.ReadFile(filepath.Join(s.Dir, ".rollout", "history.jsonl"))
	if err != nil {
		s.t.Fatal(err)
	}
	var all []entry
	for line := range strings.Lines(string(text)) {
		var e entry
		if err := json.Unmarshal([]byte(line), &e); err != nil {
			s.t.Fatal(err)
		}
		all = append(all, e)
	}
	return all
}

// within holds the page to have shown each step of the history since from within two seconds of its end.
func (s *stack) within(p *tab, from int, steps int) {
	s.t.Helper()
	said := browser.Get(p.Tab, chromedp.Evaluate[[]sentence]("said"))
	history := s.history()[from:]
	if len(history) < steps {
		s.t.Errorf("%d steps in the history, want %d", len(history), steps)
	}
	for _, e := range history {
		split := fmt.Sprintf("green %g %%", e.To.Shares["green"])
		if e.To.Shares["green"] == 0 {
			split = "blue 100 %"
		}
		done := e.Time.Add(time.Duration(e.Seconds * float64(time.Second))).UnixMilli()
		k := slices.IndexFunc(said, func(x sentence) bool { return x.At >= e.Time.UnixMilli() && strings.Contains(x.Text, split) })
		if k < 0 || said[k].At-done > 2000 {
			s.t.Errorf("%s to %s: not on the page within two seconds: %v", e.Verb, split, said)
			continue
		}
		s.t.Logf("%s: %s, on the page %d ms after it was done", e.Verb, split, said[k].At-done)
	}
}

// keys goes to what has a text by the tabulator, as who has no mouse does, and presses Enter there.
func (p *tab) keys(text string) {
	p.T.Helper()
	for range 40 {
		p.Do(chromedp.KeyEvent(kb.Tab))
		if got := browser.Get(p.Tab, chromedp.Evaluate[string]("document.activeElement.textContent")); got == text {
			p.Do(chromedp.KeyEvent(kb.Enter))
			return
		}
	}
	p.T.Fatalf("no way to %q by the keyboard", text)
}

func TestPage(t *testing.T) {
	s := newStack(t)
	p := open(t, s.page.URL)
	p.Do(chromedp.Navigate(s.page.URL + "/"))
	p.waits("No release is known here")
	p.waits("v1.1.0")
	p.state("empty")

	rows := filepath.Join(s.Dir, "rows.jsonl")
	write(t, rows, `{"x":[-1.011,-0.068,0.317]}
{"x":[-0.631,-0.214,0.094]}
{"x":[0.4,-0.2,0.1]}
{"x":[2.284548,2.3819487,-0.06852648]}
`)
	s.run(0, "promote", "--to", "blue", "--from", "green", "--reason", "the beginning")
	s.run(0, "compare", "--to", "green", "--rows", rows)
	p.waits("4 requests to blue v1.0.0 and green v1.1.0")

	l := (&e2e.Load{Clients: 4, Pace: 15 * time.Millisecond, Own: []int{422}}).Start(t)
	step := func(name string, run func(t *testing.T)) {
		if !t.Run(name, run) {
			t.FailNow()
		}
	}
	step("a good canary", func(t *testing.T) {
		s.t, p.T = t, t
		browser.Get(p.Tab, chromedp.Evaluate[bool](record))
		from := len(s.history())
		end := s.canary("--reason", "v1.1.0 for all", "--step-time", "45")
		p.waits("A canary to green runs at 10 %")
		p.waits("≤ 0.9") // classes: the sides were read twice
		e2e.Poll(t, 30*time.Second, "a line of requests of green", func() error {
			if d := browser.Get(p.Tab, chromedp.Evaluate[string](`document.querySelector("svg.rates path.l1")?.getAttribute("d") ?? ""`)); strings.Count(d, "L") < 4 || strings.Contains(p.whole(), "0/0") {
				return fmt.Errorf("it is %q", d)
			}
			return nil
		})
		p.state("running")
		p.waits("A canary to green runs at 50 %")
		s.agrees(p)
		if code, _ := end(); code != 0 {
			t.Fatalf("exit code %d", code)
		}
		p.waits("promoted")
		s.within(p, from, 3)
	})
	step("rolled back by the button", func(t *testing.T) {
		s.t, p.T = t, t
		p.Do(chromedp.SetValue(chromedp.CSS("#token"), "wrong-0123456789abcdef0123456789abcdef"), chromedp.Click(chromedp.CSS("form[action=login] button")))
		p.waits("This token is not valid.")
		p.Do(chromedp.SetValue(chromedp.CSS("#token"), token), chromedp.Click(chromedp.CSS("form[action=login] button")))
		p.waits("you are CLOUD_TOKEN")
		p.keys("Roll back") // the promotion: nobody is at work
		p.waits("gives all the traffic to blue")
		p.state("asked")
		p.keys("Roll back")
		p.waits("was rolled back")

		browser.Get(p.Tab, chromedp.Evaluate[bool](record))
		from := len(s.history())
		end := s.canary("--step-time", "90")
		p.waits("A canary to green runs at 10 %")
		p.Do(chromedp.Click(chromedp.CSS("a[href=rollback]")))
		p.waits("it does this at its next scrape")
		p.Do(chromedp.Click(chromedp.CSS("form[action=rollback] button")))
		pressed := time.Now()
		p.Do(chromedp.WaitVisible(chromedp.CSS("#now")))
		browser.Get(p.Tab, chromedp.Evaluate[bool](record)) // the page was loaded anew
		code, said := end()
		t.Logf("the canary has ended %s after the button", time.Since(pressed).Round(100*time.Millisecond))
		if code != 4 || !strings.Contains(said, "rollback asked for by CLOUD_TOKEN, on the page") {
			t.Errorf("exit code %d, want 4: %s", code, said)
		}
		p.waits("was rolled back: blue 100 %")
		s.within(p, from+1, 1)
		if last := s.history()[len(s.history())-1]; last.Verb != "rollback" || !strings.Contains(last.Reason, "asked for by CLOUD_TOKEN") {
			t.Errorf("the history ends with %+v", last)
		}
	})
	step("a canary that fails", func(t *testing.T) {
		s.t, p.T = t, t
		s.green("v9.0.0")
		browser.Get(p.Tab, chromedp.Evaluate[bool](record))
		from := len(s.history())
		end := s.canary("--accept-signature")
		if code, _ := end(); code != 4 {
			t.Fatalf("exit code %d, want 4", code)
		}
		p.waits("✗ fail")
		p.waits("was rolled back: blue 100 %")
		s.within(p, from, 2)
		p.state("failed")
		s.agrees(p)
	})
	s.t, p.T = t, t
	l.Stop()
	t.Logf("%s\n%s", l.Seen(t), strings.Join(p.report, "\n"))
	if n := browser.Get(p.Tab, chromedp.Evaluate[int]("violations")); n != 0 {
		t.Errorf("%d violations of the Content-Security-Policy", n)
	}
	if c := p.Complaints("status of 403"); len(c) > 0 { // for the wrong token
		t.Errorf("the browser complained:\n%s", strings.Join(c, "\n"))
	}
	if n := len(p.Requests()); n < 10 {
		t.Errorf("%d requests were seen: are they looked at?", n)
	}
	if strings.Contains(s.page.Output(), token) {
		t.Error("the token was printed")
	}
}

// agrees holds a reload, another window, a server started anew, and a browser without JavaScript to say what the page says.
func (s *stack) agrees(p *tab) {
	s.t.Helper()
	same := func(what string, other func() string) {
		s.t.Helper()
		e2e.Poll(s.t, 10*time.Second, what+" to say the same", func() error { // a verdict may change in between
			a, b := p.now(), other()
			if a != b {
				return fmt.Errorf("the page says %q, and %s %q", a, what, b)
			}
			return nil
		})
	}
	const fetched = `fetch("./").then(r => r.text()).then(t => new DOMParser().parseFromString(t, "text/html").getElementById("now").textContent)`
	same("another window", func() string {
		return browser.Get(p.Tab, chromedp.Evaluate[string](fetched, chromedp.EvalAwaitPromise))
	})
	before := s.page
	s.serve()
	other := s.page
	s.page = before
	same("another server", func() string {
		text := e2e.Command{}.Output(s.t, "curl", "--silent", "--fail", other.URL+"/")
		_, text, _ = strings.Cut(text, `id="now">`)
		text, _, _ = strings.Cut(text, "</p>")
		return text
	})
	other.Stop(s.t)
	script := func(off bool) chromedp.Action[chromedp.Void] {
		return chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
			_, err := cdp.Call(ctx, t, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: off})
			return err
		})
	}
	kept := browser.Get(p.Tab, chromedp.Evaluate[[]sentence]("window.said ?? []"))
	now := p.now()
	p.Do(script(true), chromedp.Navigate(s.page.URL+"/"))
	if text := browser.Get(p.Tab, chromedp.TextContent(chromedp.CSS("#now"))); !strings.Contains(text, "green") || strings.Contains(now, "rolled back") != strings.Contains(text, "rolled back") {
		s.t.Errorf("without JavaScript the page says %q, and with it %q", text, now)
	}
	p.Do(script(false), chromedp.Navigate(s.page.URL+"/"))
	again, err := json.Marshal(kept)
	if err != nil {
		s.t.Fatal(err)
	}
	browser.Get(p.Tab, chromedp.Evaluate[bool](record))
	browser.Get(p.Tab, chromedp.Evaluate[bool]("said = "+string(again)+"; true"))
}
