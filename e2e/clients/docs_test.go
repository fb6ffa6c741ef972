package clients

import (
	"bytes"
	"context"
	"fmt"
	"image/png"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// page is a tab of a headless Chromium, with what the browser complained of and what it asked for.
type page struct {
	t   *testing.T
	ctx context.Context

	mu                   sync.Mutex
	complaints, requests []string
}

// open starts a browser with an empty profile. A request outside of url is a complaint, and so is every line of its
// console and its log but the refusals of /predict that the tests provoke.
func open(t *testing.T, url string) *page {
	t.Helper()
	p := &page{t: t}
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.UserDataDir(t.TempDir()), chromedp.NoSandbox, chromedp.DisableGPU)
	for _, flag := range []string{"disable-quic", "disable-background-networking", "disable-component-update", "disable-sync", "hide-scrollbars"} {
		options = append(options, chromedp.Flag(flag, true))
	}
	ctx, stop := context.WithTimeout(t.Context(), 2*time.Minute)
	t.Cleanup(stop)
	ctx, stop = chromedp.NewExecAllocator(ctx, options...)
	t.Cleanup(stop)
	p.ctx, stop = chromedp.NewContext(ctx)
	t.Cleanup(stop)
	err := chromedp.Listen(p.ctx, func(event any) {
		p.mu.Lock()
		defer p.mu.Unlock()
		complain := func(format string, args ...any) { p.complaints = append(p.complaints, fmt.Sprintf(format, args...)) }
		switch e := event.(type) {
		case *network.EventRequestWillBeSent:
			p.requests = append(p.requests, e.Request.URL)
			if !strings.HasPrefix(e.Request.URL, url+"/") && !strings.HasPrefix(e.Request.URL, "data:") {
				complain("request outside: %s", e.Request.URL)
			}
		case *log.EventEntryAdded:
			if e.Entry.URL != url+"/predict" {
				complain("log: %s %s %s", e.Entry.Level, e.Entry.Text, e.Entry.URL)
			}
		case *runtime.EventConsoleAPICalled:
			complain("console: %s %v", e.Type, e.Args)
		case *runtime.EventExceptionThrown:
			complain("exception: %s", e.ExceptionDetails.Text)
		}
	})
	if err != nil {
		t.Fatalf("start chromium: %v", err)
	}
	return p
}

// seen is what the browser complained of and asked for so far.
func (p *page) seen() (complaints, requests []string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]string(nil), p.complaints...), append([]string(nil), p.requests...)
}

func (p *page) do(steps ...chromedp.Action[chromedp.Void]) {
	p.t.Helper()
	if err := chromedp.Do(p.ctx, steps...); err != nil {
		complaints, _ := p.seen()
		p.t.Fatalf("%v\n%s", err, strings.Join(complaints, "\n"))
	}
}

// click clicks what css selects and waits for what shows.
func (p *page) click(css, shows string) {
	p.t.Helper()
	p.do(chromedp.Click(chromedp.CSS(css)), chromedp.WaitVisible(chromedp.CSS(shows)))
}

func (p *page) text(css string) string {
	p.t.Helper()
	return get(p, chromedp.Text(chromedp.CSS(css)))
}

func get[T any](p *page, action chromedp.Action[T]) T {
	p.t.Helper()
	value, err := chromedp.Run(p.ctx, action)
	if err != nil {
		p.t.Fatal(err)
	}
	return value
}

func TestDocsInABrowser(t *testing.T) {
	s := startModel(t, "v1.0.0")
	p := open(t, s.URL)
	p.do(chromedp.Navigate(s.URL+"/docs"), chromedp.WaitVisible(chromedp.CSS("body[data-ready=true]")))
	get(p, chromedp.Evaluate[bool](`window.violations = 0; document.addEventListener("securitypolicyviolation", () => violations++); true`))
	p.check("title", get(p, chromedp.Title()), "Breast mass: logistic regression")

	const predict = "#form button[type=submit]"
	p.click(predict, "#outcome .value")
	p.check("prediction", p.text("#outcome .value"), "1 (benign)")
	p.check("confidence", p.text("#outcome .meta"), "confidence 0.603")
	p.shoot("docs", "light")

	p.do(chromedp.SetValue(chromedp.CSS(`#fields input[name="1"]`), "high"))
	p.click(predict, "#outcome .notice")
	p.check("refusal", p.text("#outcome .notice"), "x[1]: want a number")
	p.check("field of the refusal", get(p, chromedp.AttributeValue(chromedp.CSS("#fields input.wrong"), "name")).Value, "1")
	p.do(chromedp.Click(chromedp.CSS("#reset")))

	p.click("#infer > summary", "#infer textarea")
	p.click("#infer .actions button", "#infer .status")
	p.check("status of infer", p.text("#infer .status"), "200")
	p.check("answer of infer", p.text("#infer .inside > div pre"), "0.6030141")
	p.shoot("docs-dark", "dark")

	if n := get(p, chromedp.Evaluate[int]("violations")); n != 0 {
		t.Errorf("got %d violations of the Content-Security-Policy, want 0", n)
	}
	complaints, requests := p.seen()
	if len(complaints) > 0 {
		t.Errorf("the browser complained:\n%s", strings.Join(complaints, "\n"))
	}
	if len(requests) < 7 { // page, style, script, document, two predictions, one inference
		t.Errorf("saw %d requests, want at least 7: %v", len(requests), requests)
	}
	t.Logf("requests of the page: %s", strings.Join(requests, " "))
}

// TestDocsOfCategories fills the form with what the graph knows, proposes its categories, and shows what it does not know.
func TestDocsOfCategories(t *testing.T) {
	s := startModel(t, "titanic_logreg")
	p := open(t, s.URL)
	p.do(chromedp.Navigate(s.URL+"/docs"), chromedp.WaitVisible(chromedp.CSS("body[data-ready=true]")))
	value := func(name string) string {
		return get(p, chromedp.Evaluate[string](`document.querySelector('#fields input[name="`+name+`"]').value`))
	}
	p.check("sex", value("sex"), "female")
	p.check("embarked", value("embarked"), "C")
	p.check("proposals", get(p, chromedp.Evaluate[string](`[...document.querySelector('#fields input[name="embarked"]').list.options].map((o) => o.value).join()`)), "C,Q,S")
	if age := value("age"); age == "0.5" || age == "" {
		t.Errorf("age: got %q, want a mean", age)
	}
	const predict = "#form button[type=submit]"
	p.click(predict, "#outcome .value")
	if n := get(p, chromedp.Evaluate[int](`document.querySelectorAll("#outcome .notice").length`)); n != 0 {
		t.Errorf("%d warnings of what the page proposed, want none", n)
	}
	p.do(chromedp.SetValue(chromedp.CSS(`#fields input[name="embarked"]`), "None"))
	p.click(predict, "#outcome .notice")
	p.check("warning", p.text("#outcome .notice"), `x.embarked: "None" is not a category of the model`)
	p.shoot("docs-categories", "light")
	if complaints, _ := p.seen(); len(complaints) > 0 {
		t.Errorf("the browser complained:\n%s", strings.Join(complaints, "\n"))
	}
}

func (p *page) check(what, got, want string) {
	p.t.Helper()
	if !strings.Contains(got, want) {
		p.t.Errorf("%s: got %q, want %q in it", what, got, want)
	}
}

// shoot takes a picture at two widths. Nothing may be wider than the window. SCREENSHOTS=$PWD/docs in the environment
// keeps the pictures there.
func (p *page) shoot(name, scheme string) {
	p.t.Helper()
	for _, width := range []int64{1280, 390} {
		media := emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}}}
		p.do(chromedp.EmulateViewport(width, 900), chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
			_, err := cdp.Call(ctx, t, emulation.SetEmulatedMedia, media)
			return err
		}))
		wide := get(p, chromedp.Evaluate[int64]("scrollTo(0, 0); document.documentElement.scrollWidth"))
		if wide > width {
			p.t.Errorf("%s: the page is %d wide in a window of %d", name, wide, width)
		}
		picture := get(p, chromedp.CaptureScreenshot())
		config, err := png.DecodeConfig(bytes.NewReader(picture))
		if err != nil || config.Width != int(width) {
			p.t.Fatalf("screenshot: %d wide (%v), want %d", config.Width, err, width)
		}
		if dir := os.Getenv("SCREENSHOTS"); dir != "" {
			if err := os.WriteFile(filepath.Join(dir, fmt.Sprintf("%s-%d.png", name, width)), picture, 0o644); err != nil {
				p.t.Fatal(err)
			}
		}
	}
}
