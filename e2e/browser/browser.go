// Package browser opens a headless Chromium for the end-to-end tests and keeps what it complained of.
package browser

import (
	"context"
	"fmt"
	"slices"
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

// Tab is a tab, with what the browser complained of and what it asked for.
type Tab struct {
	T testing.TB // whose failure it is; a subtest may put itself here

	ctx                  context.Context //nolint:containedctx // chromedp's way to name a tab
	mu                   sync.Mutex
	complaints, requests []string
}

// Open starts a browser with an empty profile, which ends with the test. A request outside of url is a complaint, and so is every
// line of its console and of its log.
func Open(t testing.TB, url string) *Tab {
	t.Helper()
	p := &Tab{T: t}
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.UserDataDir(t.TempDir()), chromedp.NoSandbox, chromedp.DisableGPU)
	for _, flag := range []string{"disable-quic", "disable-background-networking", "disable-component-update", "disable-sync", "hide-scrollbars"} {
		options = append(options, chromedp.Flag(flag, true))
	}
	ctx, stop := context.WithTimeout(t.Context(), 15*time.Minute)
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
			complain("log: %s %s %s", e.Entry.Level, e.Entry.Text, e.Entry.URL)
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

// Do takes steps, which must succeed.
func (p *Tab) Do(steps ...chromedp.Action[chromedp.Void]) {
	p.T.Helper()
	if err := chromedp.Do(p.ctx, steps...); err != nil {
		p.T.Fatalf("%v\n%s", err, strings.Join(p.Complaints(), "\n"))
	}
}

// Get is what a step gives, which must succeed.
func Get[T any](p *Tab, step chromedp.Action[T]) T {
	p.T.Helper()
	value, err := Try(p, step)
	if err != nil {
		p.T.Fatal(err)
	}
	return value
}

// Try is what a step gives, or why it failed, as where the browser is about to show another page.
func Try[T any](p *Tab, step chromedp.Action[T]) (T, error) { return chromedp.Run(p.ctx, step) }

// Complaints is what the browser complained of so far, but for lines that have one of the given words.
func (p *Tab) Complaints(but ...string) []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(p.complaints), func(line string) bool {
		return slices.ContainsFunc(but, func(word string) bool { return strings.Contains(line, word) })
	})
}

// Requests are the URLs that the browser asked for so far.
func (p *Tab) Requests() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.requests)
}

// Window sets the size of the window, in CSS pixels, and the colours that the reader prefers, light or dark. It gives the width of
// the page, which is more than the window's where something stands out.
func (p *Tab) Window(width, height int64, scheme string) int64 {
	p.T.Helper()
	media := emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}}}
	p.Do(chromedp.EmulateViewport(width, height), chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		_, err := cdp.Call(ctx, t, emulation.SetEmulatedMedia, media)
		return err
	}))
	return Get(p, chromedp.Evaluate[int64]("scrollTo(0, 0); document.documentElement.scrollWidth"))
}
