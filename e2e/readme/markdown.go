// Package readme runs the commands of README.md as a reader would. docs/readme-blocks.md says what a block may be.
package readme

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// Section is what stands below one heading of level two.
type Section struct {
	Title  string
	Blocks []Block
}

// Block is one fenced bash or python block and what the page says of it.
type Block struct {
	Line         int    // of its first line, from 1
	Language     string // bash or python
	Text         string
	Output       *string  // the text or json block right behind it: all of stdout, trimmed
	Says         []string // outputs in comments at the ends of its lines, in order
	Serves       int      // the port of a server that runs until the end of its section; 0: the block ends by itself
	Requirements string   // a requirements.txt whose packages the block needs
}

var (
	directive = regexp.MustCompile(`^<!--\s*(serves|requirements):\s*(\S+)\s*-->$`)
	says      = regexp.MustCompile(`\S\s+# ([{\[].*[}\]])\s*$`)
	serve     = regexp.MustCompile(`^(?:[A-Z_]+=\S+ +)*(?:go run (?:-tags \S+ )?\./cmd/local(?: --?[a-z-]+(?:[= ]\S+)?)*|make run)$`)
	port      = regexp.MustCompile(`(?:\bPORT=|--port[= ])(\d+)`)
)

// other languages are shown, not run.
var shown = map[string]bool{"console": true, "nginx": true, "yaml": true, "go": true, "json": true, "text": true, "http": true, "ini": true, "dotenv": true, "mermaid": true}

// Parse reads a page. A fence that is not closed, has no language or one that is neither run nor known to be shown is
// an error, so that nothing a reader may paste escapes the test by its spelling.
func Parse(page string) ([]Section, error) {
	sections := []Section{{}}
	var open *Block            // the fence we are in
	var fence string           // how it was opened
	var last *Block            // the runnable block right above, where nothing but blank lines follows it
	var next Block             // directives for the block to come
	var pending map[string]int // lines of directives not yet used
	for i, line := range strings.Split(page, "\n") {
		n := i + 1
		trimmed := strings.TrimSpace(line)
		if open != nil {
			if trimmed != fence {
				open.Text += line + "\n"
				continue
			}
			current := &sections[len(sections)-1]
			switch {
			case open.Language == "bash" || open.Language == "python":
				complete(open)
				current.Blocks = append(current.Blocks, *open)
				last = &current.Blocks[len(current.Blocks)-1]
				pending = nil
			case last != nil && (open.Language == "text" || open.Language == "json"):
				output := strings.TrimSpace(open.Text)
				last.Output, last = &output, nil
			default:
				last = nil
			}
			open = nil
			continue
		}
		switch {
		case strings.HasPrefix(trimmed, "```"):
			fence = trimmed[:len(trimmed)-len(strings.TrimLeft(trimmed, "`"))]
			language := trimmed[len(fence):]
			if language != "bash" && language != "python" && !shown[language] {
				return nil, fmt.Errorf("line %d: a block in %q; want bash or python (run), or console, text, json, yaml, nginx, … (shown)", n, language)
			}
			open = &Block{Line: n + 1, Language: language}
			if language == "bash" || language == "python" {
				open.Serves, open.Requirements = next.Serves, next.Requirements
				next = Block{}
			}
		case directive.MatchString(trimmed):
			m := directive.FindStringSubmatch(trimmed)
			if m[1] == "requirements" {
				next.Requirements = m[2]
			} else if p, err := strconv.Atoi(m[2]); err == nil && p > 0 && p < 1<<16 {
				next.Serves = p
			} else {
				return nil, fmt.Errorf("line %d: serves: want a port, got %q", n, m[2])
			}
			pending = map[string]int{m[1]: n}
			last = nil
		case strings.HasPrefix(line, "## "):
			sections = append(sections, Section{Title: strings.TrimSpace(line[3:])})
			last = nil
		case trimmed != "":
			last = nil
		}
	}
	if open != nil {
		return nil, fmt.Errorf("line %d: the block is not closed", open.Line-1)
	}
	for what, n := range pending {
		return nil, fmt.Errorf("line %d: %s stands above no bash or python block", n, what)
	}
	return sections, nil
}

// complete reads off a block's own text what it says and serves.
func complete(b *Block) {
	if b.Language != "bash" {
		return
	}
	command := ""
	for line := range strings.Lines(b.Text) {
		if m := says.FindStringSubmatch(line); m != nil {
			b.Says = append(b.Says, m[1])
		}
		line = strings.TrimSpace(regexp.MustCompile(`\s+#.*`).ReplaceAllString(line, ""))
		if line != "" && !strings.HasPrefix(line, "#") {
			command = line
		}
	}
	if b.Serves == 0 && serve.MatchString(command) {
		b.Serves = 8080
		if m := port.FindStringSubmatch(command); m != nil {
			b.Serves, _ = strconv.Atoi(m[1]) // digits by the expression; a wrong port answers nothing and fails there
		}
	}
}
