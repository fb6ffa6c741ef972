package oip

import (
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// maxDepth bounds the nesting of a body, ignored members included.
const maxDepth = 64

// scanner walks over one JSON text once. Its buffer has been checked to be UTF-8.
type scanner struct {
	buf   []byte
	pos   int
	depth int
}

func (s *scanner) notJSON(want string) *Error {
	if s.pos >= len(s.buf) {
		return wrong("", "the request is not JSON: it ends where %s was expected", want)
	}
	r, _ := utf8.DecodeRune(s.buf[s.pos:])
	return wrong("", "the request is not JSON: want %s at byte %d, got %q", want, s.pos, r)
}

// peek skips white space and gives the next byte; 0 at the end.
func (s *scanner) peek() byte {
	for s.pos < len(s.buf) {
		switch c := s.buf[s.pos]; c {
		case ' ', '\t', '\n', '\r':
			s.pos++
		default:
			return c
		}
	}
	return 0
}

func (s *scanner) take(c byte) bool {
	if s.peek() != c || s.pos == len(s.buf) {
		return false
	}
	s.pos++
	return true
}

// end checks that nothing but white space follows.
func (s *scanner) end() *Error {
	if s.peek(); s.pos < len(s.buf) {
		return s.notJSON("the end of the request")
	}
	return nil
}

// object calls each with every key, positioned at its value, which each must consume.
func (s *scanner) object(each func(key []byte) *Error) *Error {
	if !s.take('{') {
		return s.notJSON("an object")
	}
	if s.depth++; s.depth > maxDepth {
		return wrong("", "the request is nested deeper than %d", maxDepth)
	}
	defer func() { s.depth-- }()
	if s.take('}') {
		return nil
	}
	for {
		if s.peek() != '"' {
			return s.notJSON("a member's name")
		}
		key, escaped, err := s.raw()
		if err != nil {
			return err
		}
		if escaped {
			key = []byte(unescape(key))
		}
		if !s.take(':') {
			return s.notJSON("':'")
		}
		if err := each(key); err != nil {
			return err
		}
		if s.take('}') {
			return nil
		}
		if !s.take(',') {
			return s.notJSON("',' or '}'")
		}
	}
}

// array calls each with every index, positioned at its value, which each must consume.
func (s *scanner) array(each func(i int) *Error) *Error {
	if !s.take('[') {
		return s.notJSON("an array")
	}
	if s.depth++; s.depth > maxDepth {
		return wrong("", "the request is nested deeper than %d", maxDepth)
	}
	defer func() { s.depth-- }()
	if s.take(']') {
		return nil
	}
	for i := 0; ; i++ {
		if err := each(i); err != nil {
			return err
		}
		if s.take(']') {
			return nil
		}
		if !s.take(',') {
			return s.notJSON("',' or ']'")
		}
	}
}

// raw consumes a string and gives its bytes between the quotes, and whether they hold escapes.
func (s *scanner) raw() (text []byte, escaped bool, err *Error) {
	if !s.take('"') {
		return nil, false, s.notJSON("a string")
	}
	start := s.pos
	for s.pos < len(s.buf) {
		switch c := s.buf[s.pos]; {
		case c == '"':
			s.pos++
			return s.buf[start : s.pos-1], escaped, nil
		case c == '\\':
			escaped = true
			if err := s.escape(); err != nil {
				return nil, false, err
			}
		case c < ' ':
			return nil, false, s.notJSON("a string without control characters")
		default:
			s.pos++
		}
	}
	return nil, false, s.notJSON("the end of a string")
}

// escape steps over one escape sequence.
func (s *scanner) escape() *Error {
	s.pos++
	if s.pos == len(s.buf) {
		return s.notJSON("an escaped character")
	}
	if c := s.buf[s.pos]; c != 'u' {
		if strings.IndexByte(`"\/bfnrt`, c) < 0 {
			return s.notJSON("an escaped character")
		}
		s.pos++
		return nil
	}
	s.pos++
	for range 4 {
		if s.pos == len(s.buf) || hex(s.buf[s.pos]) < 0 {
			return s.notJSON("four hexadecimal digits")
		}
		s.pos++
	}
	return nil
}

func (s *scanner) str() (string, *Error) {
	text, escaped, err := s.raw()
	if err != nil || !escaped {
		return string(text), err
	}
	return unescape(text), nil
}

// unescape resolves the escapes of a string that raw has accepted; half a surrogate pair becomes U+FFFD.
func unescape(text []byte) string {
	var b strings.Builder
	b.Grow(len(text))
	for i := 0; i < len(text); i++ {
		if text[i] != '\\' {
			b.WriteByte(text[i])
			continue
		}
		i++
		switch c := text[i]; c {
		case 'b':
			b.WriteByte('\b')
		case 'f':
			b.WriteByte('\f')
		case 'n':
			b.WriteByte('\n')
		case 'r':
			b.WriteByte('\r')
		case 't':
			b.WriteByte('\t')
		case 'u':
			r := unit(text[i+1:])
			i += 4
			if utf16.IsSurrogate(r) {
				pair := rune(utf8.RuneError)
				if i+6 < len(text) && text[i+1] == '\\' && text[i+2] == 'u' {
					pair = utf16.DecodeRune(r, unit(text[i+3:]))
				}
				if r = pair; r != utf8.RuneError {
					i += 6
				}
			}
			b.WriteRune(r)
		default:
			b.WriteByte(c)
		}
	}
	return b.String()
}

func unit(digits []byte) rune {
	var r rune
	for _, c := range digits[:4] {
		r = r<<4 | rune(hex(c))
	}
	return r
}

func hex(c byte) int {
	switch {
	case '0' <= c && c <= '9':
		return int(c - '0')
	case 'a' <= c && c <= 'f':
		return int(c-'a') + 10
	case 'A' <= c && c <= 'F':
		return int(c-'A') + 10
	}
	return -1
}
