package page_test

import (
	"bytes"
	"context"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"os"
	"path/filepath"
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

	"ml-service/e2e"
)

// axeVersion of axe-core, Deque's checks of accessibility.
const axeVersion = "4.14.1"

// axe gives the script of axe-core, which is fetched by npm once.
func axe(t *testing.T) string {
	t.Helper()
	dir := e2e.Cache(t, "axe-core-"+axeVersion)
	path := filepath.Join(dir, "package", "axe.min.js")
	if _, err := os.Stat(path); err != nil {
		e2e.Command{Dir: dir, Limit: 2 * time.Minute}.Output(t, "npm", "pack", "--silent", "axe-core@"+axeVersion)
		e2e.Command{Dir: dir}.Output(t, "tar", "-xzf", "axe-core-"+axeVersion+".tgz")
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// tab is a tab of a headless Chromium, with what the browser complained of.
type tab struct {
	t   *testing.T
	ctx context.Context
	url string
	axe string

	mu         sync.Mutex
	complaints []string
	requests   int
	report     []string // what axe said, by state
}

// open starts a browser with an empty profile. A request outside of url is a complaint, and so is every line of its console.
func open(t *testing.T, url string) *tab {
	t.Helper()
	p := &tab{t: t, url: url, axe: axe(t)}
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
			p.requests++
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

func (p *tab) do(steps ...chromedp.Action[chromedp.Void]) {
	p.t.Helper()
	if err := chromedp.Do(p.ctx, steps...); err != nil {
		p.t.Fatalf("%v\n%s", err, strings.Join(p.complained(), "\n"))
	}
}

func get[T any](p *tab, action chromedp.Action[T]) T {
	p.t.Helper()
	value, err := chromedp.Run(p.ctx, action)
	if err != nil {
		p.t.Fatal(err)
	}
	return value
}

func (p *tab) complained() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.complaints)
}

// now is where the page says that things stand.
func (p *tab) now() string {
	p.t.Helper()
	return get(p, chromedp.Evaluate[string](`document.getElementById("now")?.textContent ?? ""`))
}

// whole is all the text of the page.
func (p *tab) whole() string {
	p.t.Helper()
	return get(p, chromedp.Evaluate[string](`document.body?.innerText ?? ""`))
}

// waits until the page says something.
func (p *tab) waits(words string) {
	p.t.Helper()
	e2e.Poll(p.t, 2*time.Minute, "the page to say "+words, func() error {
		text, err := chromedp.Run(p.ctx, chromedp.Evaluate[string](`document.body?.innerText ?? ""`))
		if err == nil && !strings.Contains(text, words) {
			err = fmt.Errorf("it says %.3000s", text)
		}
		return err // as where the browser is about to show another page
	})
}

// theme sets the width of the window and the colours that the reader prefers.
func (p *tab) theme(width int64, scheme string) {
	p.t.Helper()
	media := emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}}}
	p.do(chromedp.EmulateViewport(width, 1400), chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		_, err := cdp.Call(ctx, t, emulation.SetEmulatedMedia, media)
		return err
	}))
}

// state holds a state of the page to WCAG 2.2 AA by axe, to its width, and takes its pictures, all at both widths and in both
// themes, and at 360 and 1600 wide.
func (p *tab) state(name string) {
	p.t.Helper()
	get(p, chromedp.Evaluate[bool](p.axe+"; true"))
	for _, width := range []int64{390, 1280, 360, 1600} {
		for _, scheme := range []string{"light", "dark"} {
			p.theme(width, scheme)
			where := fmt.Sprintf("%s, %d wide, %s", name, width, scheme)
			if wide := get(p, chromedp.Evaluate[int64]("scrollTo(0, 0); document.documentElement.scrollWidth")); wide > width {
				p.t.Errorf("%s: the page is %d wide", where, wide)
			}
			const run = `axe.run(document, {runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]}).then(r => ({
				Passes: r.passes.length, Unsure: r.incomplete.map(v => v.id + " " + v.nodes.map(n => n.html).slice(0, 3).join(" ")),
				Violations: r.violations.flatMap(v => v.nodes.map(n => v.id + ": " + v.help + ": " + n.html))}))`
			said := get(p, chromedp.Evaluate[struct {
				Passes             int
				Unsure, Violations []string
			}](run, chromedp.EvalAwaitPromise))
			p.report = append(p.report, fmt.Sprintf("%s: %d rules passed, %d violations, %d to be looked at %q", where, said.Passes, len(said.Violations), len(said.Unsure), said.Unsure))
			if len(said.Violations) > 0 || said.Passes < 10 {
				p.t.Errorf("%s: %d rules passed, violations:\n%s", where, said.Passes, strings.Join(said.Violations, "\n"))
			}
			if width == 390 || width == 1280 {
				p.shoot(fmt.Sprintf("page-%s-%s-%d.png", name, scheme, width))
			}
		}
	}
	p.theme(1280, "light")
}

// shoot keeps a picture where SCREENSHOTS=$PWD/docs is in the environment.
func (p *tab) shoot(name string) {
	p.t.Helper()
	picture, err := png.Decode(bytes.NewReader(get(p, chromedp.CaptureScreenshot())))
	if err != nil {
		p.t.Fatal(err)
	}
	dir := os.Getenv("SCREENSHOTS")
	if dir == "" {
		return
	}
	var b bytes.Buffer
	encoder := png.Encoder{CompressionLevel: png.BestCompression}
	if err := encoder.Encode(&b, few(picture)); err != nil {
		p.t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, name), b.Bytes(), 0o644); err != nil {
		p.t.Fatal(err)
	}
}

// few takes a picture's 256 most frequent colours for all: it is text on paper.
func few(m image.Image) image.Image {
	count := map[color.RGBA]int{}
	bounds := m.Bounds()
	at := func(x, y int) color.RGBA { return color.RGBAModel.Convert(m.At(x, y)).(color.RGBA) }
	for y := bounds.Min.Y; y < bounds.Max.Y; y++ {
		for x := bounds.Min.X; x < bounds.Max.X; x++ {
			count[at(x, y)]++
		}
	}
	var order []color.RGBA
	for c := range count {
		order = append(order, c)
	}
	slices.SortFunc(order, func(a, b color.RGBA) int { return count[b] - count[a] })
	var palette color.Palette
	for _, c := range order[:min(256, len(order))] {
		palette = append(palette, c)
	}
	nearest := map[color.RGBA]uint8{}
	out := image.NewPaletted(bounds, palette)
	for y := bounds.Min.Y; y < bounds.Max.Y; y++ {
		for x := bounds.Min.X; x < bounds.Max.X; x++ {
			c := at(x, y)
			k, ok := nearest[c]
			if !ok {
				k = uint8(palette.Index(c))
				nearest[c] = k
			}
			out.SetColorIndex(x, y, k)
		}
	}
	return out
}
