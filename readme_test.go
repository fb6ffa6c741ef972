package mlservice_test

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// wordLimit is what a reader gets through in three minutes, the blocks of code among it.
const wordLimit = 900

var (
	block = regexp.MustCompile("(?ms)^```.*?^```$|^<!--.*?-->$")
	link  = regexp.MustCompile(`\]\(([^)#]+)`)
)

func page(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestREADMEIsShort(t *testing.T) {
	for _, name := range []string{"README.md", "README.ru.md"} {
		if n := len(strings.Fields(page(t, name))); n > wordLimit {
			t.Errorf("%s has %d words, want at most %d: what is long goes to docs/", name, n, wordLimit)
		}
	}
}

// TestREADMEsHoldTheSameCommands compares every block, in order: README.md's are run by e2e/readme.
func TestREADMEsHoldTheSameCommands(t *testing.T) {
	english, russian := block.FindAllString(page(t, "README.md"), -1), block.FindAllString(page(t, "README.ru.md"), -1)
	if len(english) < 10 {
		t.Fatalf("README.md has %d blocks: they are not found", len(english))
	}
	if len(english) != len(russian) {
		t.Errorf("README.md has %d blocks, README.ru.md %d", len(english), len(russian))
	}
	for i := range min(len(english), len(russian)) {
		if english[i] != russian[i] {
			t.Errorf("block %d differs:\n%s\n%s", i+1, english[i], russian[i])
		}
	}
}

// TestPagesAreLinked keeps every page of docs/ findable from its index, and every link of the READMEs and the pages alive.
func TestPagesAreLinked(t *testing.T) {
	pages, err := filepath.Glob("docs/*.md")
	if err != nil || len(pages) == 0 {
		t.Fatalf("docs/*.md: %d pages, %v", len(pages), err)
	}
	index := page(t, "docs/README.md")
	for _, p := range pages {
		if name := filepath.Base(p); name != "README.md" && !strings.Contains(index, "("+name+")") {
			t.Errorf("docs/README.md does not list %s", name)
		}
	}
	for _, p := range slices.Concat([]string{"README.md", "README.ru.md", "CONTRIBUTING.md"}, pages) {
		for _, m := range link.FindAllStringSubmatch(block.ReplaceAllString(page(t, p), ""), -1) {
			if strings.Contains(m[1], "://") {
				continue
			}
			if _, err := os.Stat(filepath.Join(filepath.Dir(p), m[1])); err != nil {
				t.Errorf("%s links to %s: %v", p, m[1], err)
			}
		}
	}
}
