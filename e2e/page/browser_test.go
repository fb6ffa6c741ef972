package page_test

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"ml-service/e2e"
	"ml-service/e2e/browser"
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

// tab is a tab that shows the page.
type tab struct {
	*browser.Tab
	axe    string
	report []string // what axe said, by state
}

func open(t *testing.T, url string) *tab {
	t.Helper()
	return &tab{Tab: browser.Open(t, url), axe: axe(t)}
}

// now is where the page says that things stand.
func (p *tab) now() string {
	p.T.Helper()
	return browser.Get(p.Tab, chromedp.Evaluate[string](`document.getElementById("now")?.textContent ?? ""`))
}

// whole is all the text of the page.
func (p *tab) whole() string {
	p.T.Helper()
	return browser.Get(p.Tab, chromedp.Evaluate[string](`document.body?.innerText ?? ""`))
}

// waits until the page says something.
func (p *tab) waits(words string) {
	p.T.Helper()
	e2e.Poll(p.T, 2*time.Minute, "the page to say "+words, func() error {
		text, err := browser.Try(p.Tab, chromedp.Evaluate[string](`document.body?.innerText ?? ""`))
		if err == nil && !strings.Contains(text, words) {
			err = fmt.Errorf("it says %.3000s", text)
		}
		return err // as where the browser is about to show another page
	})
}

// state holds a state of the page to WCAG 2.2 AA by axe, to its width, and takes its pictures, all at both widths and in both
// themes, and at 360 and 1600 wide.
func (p *tab) state(name string) {
	p.T.Helper()
	browser.Get(p.Tab, chromedp.Evaluate[bool](p.axe+"; true"))
	for _, width := range []int64{390, 1280, 360, 1600} {
		for _, scheme := range []string{"light", "dark"} {
			where := fmt.Sprintf("%s, %d wide, %s", name, width, scheme)
			if wide := p.Window(width, 1400, scheme); wide > width {
				p.T.Errorf("%s: the page is %d wide", where, wide)
			}
			const run = `axe.run(document, {runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]}).then(r => ({
				Passes: r.passes.length, Unsure: r.incomplete.map(v => v.id + " " + v.nodes.map(n => n.html).slice(0, 3).join(" ")),
				Violations: r.violations.flatMap(v => v.nodes.map(n => v.id + ": " + v.help + ": " + n.html))}))`
			said := browser.Get(p.Tab, chromedp.Evaluate[struct {
				Passes             int
				Unsure, Violations []string
			}](run, chromedp.EvalAwaitPromise))
			p.report = append(p.report, fmt.Sprintf("%s: %d rules passed, %d violations, %d to be looked at %q", where, said.Passes, len(said.Violations), len(said.Unsure), said.Unsure))
			if len(said.Violations) > 0 || said.Passes < 10 {
				p.T.Errorf("%s: %d rules passed, violations:\n%s", where, said.Passes, strings.Join(said.Violations, "\n"))
			}
			if width == 390 || width == 1280 {
				p.shoot(fmt.Sprintf("page-%s-%s-%d.png", name, scheme, width))
			}
		}
	}
	p.Window(1280, 1400, "light")
}

// shoot keeps a picture where SCREENSHOTS=$PWD/docs is in the environment.
func (p *tab) shoot(name string) {
	p.T.Helper()
	picture, err := png.Decode(bytes.NewReader(browser.Get(p.Tab, chromedp.CaptureScreenshot())))
	if err != nil {
		p.T.Fatal(err)
	}
	dir := os.Getenv("SCREENSHOTS")
	if dir == "" {
		return
	}
	var b bytes.Buffer
	encoder := png.Encoder{CompressionLevel: png.BestCompression}
	if err := encoder.Encode(&b, few(picture)); err != nil {
		p.T.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, name), b.Bytes(), 0o644); err != nil {
		p.T.Fatal(err)
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
