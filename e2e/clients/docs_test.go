package clients

import (
	"bytes"
	"fmt"
	"image/png"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"ml-service/e2e/browser"
)

// page is a tab that shows /docs.
type page struct{ *browser.Tab }

// click clicks what css selects and waits for what shows.
func (p page) click(css, shows string) {
	p.T.Helper()
	p.Do(chromedp.Click(chromedp.CSS(css)), chromedp.WaitVisible(chromedp.CSS(shows)))
}

func (p page) text(css string) string {
	p.T.Helper()
	return browser.Get(p.Tab, chromedp.Text(chromedp.CSS(css)))
}

func TestDocsInABrowser(t *testing.T) {
	s := startModel(t, "v1.0.0")
	p := page{browser.Open(t, s.URL)}
	p.Do(chromedp.Navigate(s.URL+"/docs"), chromedp.WaitVisible(chromedp.CSS("body[data-ready=true]")))
	browser.Get(p.Tab, chromedp.Evaluate[bool](`window.violations = 0; document.addEventListener("securitypolicyviolation", () => violations++); true`))
	p.check("title", browser.Get(p.Tab, chromedp.Title()), "Breast mass: logistic regression")

	const predict = "#form button[type=submit]"
	p.click(predict, "#outcome .value")
	p.check("prediction", p.text("#outcome .value"), "1 (benign)")
	p.check("confidence", p.text("#outcome .meta"), "confidence 0.603")
	p.shoot("docs", "light")

	p.Do(chromedp.SetValue(chromedp.CSS(`#fields input[name="1"]`), "high"))
	p.click(predict, "#outcome .notice")
	p.check("refusal", p.text("#outcome .notice"), "x[1]: want a number")
	p.check("field of the refusal", browser.Get(p.Tab, chromedp.AttributeValue(chromedp.CSS("#fields input.wrong"), "name")).Value, "1")
	p.Do(chromedp.Click(chromedp.CSS("#reset")))

	p.click("#infer > summary", "#infer textarea")
	p.click("#infer .actions button", "#infer .status")
	p.check("status of infer", p.text("#infer .status"), "200")
	p.check("answer of infer", p.text("#infer .inside > div pre"), "0.6030141")
	p.shoot("docs-dark", "dark")

	if n := browser.Get(p.Tab, chromedp.Evaluate[int]("violations")); n != 0 {
		t.Errorf("got %d violations of the Content-Security-Policy, want 0", n)
	}
	if complaints := p.Complaints(s.URL + "/predict"); len(complaints) > 0 { // but for the refusals above
		t.Errorf("the browser complained:\n%s", strings.Join(complaints, "\n"))
	}
	requests := p.Requests()
	if len(requests) < 7 { // page, style, script, document, two predictions, one inference
		t.Errorf("saw %d requests, want at least 7: %v", len(requests), requests)
	}
	t.Logf("requests of the page: %s", strings.Join(requests, " "))
}

// TestDocsOfCategories fills the form with what the graph knows, proposes its categories, and shows what it does not know.
func TestDocsOfCategories(t *testing.T) {
	s := startModel(t, "titanic_logreg")
	p := page{browser.Open(t, s.URL)}
	p.Do(chromedp.Navigate(s.URL+"/docs"), chromedp.WaitVisible(chromedp.CSS("body[data-ready=true]")))
	value := func(name string) string {
		return browser.Get(p.Tab, chromedp.Evaluate[string](`document.querySelector('#fields input[name="`+name+`"]').value`))
	}
	p.check("sex", value("sex"), "female")
	p.check("embarked", value("embarked"), "C")
	p.check("proposals", browser.Get(p.Tab, chromedp.Evaluate[string](`[...document.querySelector('#fields input[name="embarked"]').list.options].map((o) => o.value).join()`)), "C,Q,S")
	if age := value("age"); age == "0.5" || age == "" {
		t.Errorf("age: got %q, want a mean", age)
	}
	const predict = "#form button[type=submit]"
	p.click(predict, "#outcome .value")
	if n := browser.Get(p.Tab, chromedp.Evaluate[int](`document.querySelectorAll("#outcome .notice").length`)); n != 0 {
		t.Errorf("%d warnings of what the page proposed, want none", n)
	}
	p.Do(chromedp.SetValue(chromedp.CSS(`#fields input[name="embarked"]`), "None"))
	p.click(predict, "#outcome .notice")
	p.check("warning", p.text("#outcome .notice"), `x.embarked: "None" is not a category of the model`)
	p.shoot("docs-categories", "light")
	if complaints := p.Complaints(); len(complaints) > 0 {
		t.Errorf("the browser complained:\n%s", strings.Join(complaints, "\n"))
	}
}

func (p page) check(what, got, want string) {
	p.T.Helper()
	if !strings.Contains(got, want) {
		p.T.Errorf("%s: got %q, want %q in it", what, got, want)
	}
}

// shoot takes a picture at two widths. Nothing may be wider than the window. SCREENSHOTS=$PWD/docs in the environment
// keeps the pictures there.
func (p page) shoot(name, scheme string) {
	p.T.Helper()
	for _, width := range []int64{1280, 390} {
		wide := p.Window(width, 900, scheme)
		if wide > width {
			p.T.Errorf("%s: the page is %d wide in a window of %d", name, wide, width)
		}
		picture := browser.Get(p.Tab, chromedp.CaptureScreenshot())
		config, err := png.DecodeConfig(bytes.NewReader(picture))
		if err != nil || config.Width != int(width) {
			p.T.Fatalf("screenshot: %d wide (%v), want %d", config.Width, err, width)
		}
		if dir := os.Getenv("SCREENSHOTS"); dir != "" {
			if err := os.WriteFile(filepath.Join(dir, fmt.Sprintf("%s-%d.png", name, width)), picture, 0o644); err != nil {
				p.T.Fatal(err)
			}
		}
	}
}
