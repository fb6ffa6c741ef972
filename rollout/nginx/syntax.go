package nginx

import (
	"fmt"
	"strings"
)

// directive is one directive of a configuration: `name args ;` or `name args { block }`, with where it stands.
type directive struct {
	name       string
	args       []string // without their quotes and backslashes
	written    []string // the same as they stand in the text
	start, end int      // of the text, its `;` or `}` included
	open       int      // behind the `{` of a block; -1 for a directive without one
	block      []directive
}

// syntaxError says where a configuration cannot be read.
type syntaxError struct {
	line int
	what string
}

func (e *syntaxError) Error() string { return fmt.Sprintf("line %d: %s", e.line, e.what) }

// parse reads a configuration by the rules of Nginx's own reader: words, quotes, backslashes, comments, `${`.
func parse(text string) ([]directive, error) {
	p := parser{text: text}
	all, err := p.directives(0)
	if err != nil {
		return nil, err
	}
	return all, nil
}

const maxDepth = 100 // of blocks in blocks

type parser struct {
	text string
	at   int
}

func (p *parser) fail(at int, format string, args ...any) error {
	return &syntaxError{1 + strings.Count(p.text[:at], "\n"), fmt.Sprintf(format, args...)}
}

// directives reads until the end of the text, or of the block where depth is above 0.
func (p *parser) directives(depth int) ([]directive, error) {
	if depth > maxDepth {
		return nil, p.fail(p.at, "more than %d blocks in one another", maxDepth)
	}
	all := []directive{}
	for {
		p.space()
		if p.at == len(p.text) {
			if depth > 0 {
				return nil, p.fail(p.at, `the file ends inside a block: want "}"`)
			}
			return all, nil
		}
		if p.text[p.at] == '}' {
			if depth == 0 {
				return nil, p.fail(p.at, `"}" closes no block`)
			}
			p.at++
			return all, nil
		}
		d, err := p.directive(depth)
		if err != nil {
			return nil, err
		}
		all = append(all, d)
	}
}

func (p *parser) directive(depth int) (directive, error) {
	d := directive{start: p.at, open: -1}
	for words := 0; ; words++ {
		p.space()
		if p.at == len(p.text) {
			return d, p.fail(d.start, `a directive ends with the file: want ";" or "{"`)
		}
		switch p.text[p.at] {
		case ';', '{':
			if words == 0 {
				return d, p.fail(p.at, "%q without a directive before it", p.text[p.at])
			}
			block := p.text[p.at] == '{'
			p.at++
			if block {
				d.open = p.at
				var err error
				if d.block, err = p.directives(depth + 1); err != nil {
					return d, err
				}
			}
			d.end = p.at
			return d, nil
		case '}':
			return d, p.fail(p.at, `"}" in a directive: want ";"`)
		}
		start := p.at
		w, err := p.word()
		if err != nil {
			return d, err
		}
		if words == 0 {
			d.name = w // "" in a map
		} else {
			d.args = append(d.args, w)
			d.written = append(d.written, p.text[start:p.at])
		}
	}
}

// space passes over white space and comments.
func (p *parser) space() {
	for p.at < len(p.text) {
		switch p.text[p.at] {
		case ' ', '\t', '\r', '\n':
			p.at++
		case '#':
			end := strings.IndexByte(p.text[p.at:], '\n')
			if end < 0 {
				end = len(p.text) - p.at
			}
			p.at += end
		default:
			return
		}
	}
}

// word reads one word, quoted or not.
func (p *parser) word() (string, error) {
	start := p.at
	var w strings.Builder
	quote := p.text[p.at]
	if quote == '"' || quote == '\'' {
		p.at++
		for {
			if p.at == len(p.text) {
				return "", p.fail(start, "a quote is not closed")
			}
			c := p.text[p.at]
			p.at++
			if c == quote {
				break
			}
			if c == '\\' && p.at < len(p.text) {
				p.escape(&w)
				continue
			}
			w.WriteByte(c)
		}
		if p.at < len(p.text) && !strings.ContainsRune(" \t\r\n;{)", rune(p.text[p.at])) {
			return "", p.fail(p.at, "%q directly after a quote", p.text[p.at])
		}
		if p.at < len(p.text) && p.text[p.at] == ')' { // Nginx begins a new word there
			return w.String(), nil
		}
		return w.String(), nil
	}
	variable := false // the character before was $
	for p.at < len(p.text) {
		c := p.text[p.at]
		if c == '{' && variable {
			variable = false
			w.WriteByte(c)
			p.at++
			continue
		}
		variable = c == '$'
		switch c {
		case ' ', '\t', '\r', '\n', ';', '{':
			return w.String(), nil
		case '\\':
			p.at++
			if p.at < len(p.text) {
				p.escape(&w)
			}
			continue
		}
		w.WriteByte(c)
		p.at++
	}
	return w.String(), nil
}

// escape takes the character behind a backslash.
func (p *parser) escape(w *strings.Builder) {
	c := p.text[p.at]
	p.at++
	switch c {
	case '"', '\'', '\\':
		w.WriteByte(c)
	case 't':
		w.WriteByte('\t')
	case 'r':
		w.WriteByte('\r')
	case 'n':
		w.WriteByte('\n')
	default:
		w.WriteByte('\\')
		w.WriteByte(c)
	}
}

// walk calls visit with every directive and the blocks around it, outermost first.
func walk(all []directive, around []string, visit func(d directive, around []string)) {
	for _, d := range all {
		visit(d, around)
		if d.open >= 0 {
			walk(d.block, append(around[:len(around):len(around)], d.name), visit)
		}
	}
}
