package model

import (
	"errors"
	"fmt"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"
)

// maxDepth bounds how deep lists and objects may nest, so that a hostile body cannot exhaust the stack.
const maxDepth = 100

// syntaxError says where a text stops being JSON.
type syntaxError struct {
	at   int
	want string
	got  string
}

func (e *syntaxError) Error() string {
	return fmt.Sprintf("the body is not JSON: at byte %d: want %s, got %s", e.at, e.want, e.got)
}

// errDeep is a value nested deeper than maxDepth.
var errDeep = errors.New("nested too deep")

func unexpected(buf []byte, i int, want string) *syntaxError {
	got := "the end of the body"
	if i < len(buf) {
		got = strconv.QuoteRune(rune(buf[i]))
		if buf[i] >= utf8.RuneSelf {
			got = fmt.Sprintf("the byte 0x%02x", buf[i])
		}
	}
	return &syntaxError{at: i, want: want, got: got}
}

// space gives the index of the first byte from i on that is not white space.
func space(buf []byte, i int) int {
	for i < len(buf) && (buf[i] == ' ' || buf[i] == '\n' || buf[i] == '\t' || buf[i] == '\r') {
		i++
	}
	return i
}

// skipValue checks the value that starts at i and gives the index behind it. depth is how many lists and
// objects are open around it.
func skipValue(buf []byte, i, depth int) (int, error) {
	if i >= len(buf) {
		return i, unexpected(buf, i, "a value")
	}
	switch c := buf[i]; {
	case c == '"':
		end, _, err := skipString(buf, i)
		return end, err
	case c == '-' || c >= '0' && c <= '9':
		return skipNumber(buf, i)
	case c == '[':
		if depth >= maxDepth {
			return i, errDeep
		}
		return skipList(buf, i, depth+1)
	case c == '{':
		if depth >= maxDepth {
			return i, errDeep
		}
		return skipObject(buf, i, depth+1)
	case c == 't':
		return skipWord(buf, i, "true")
	case c == 'f':
		return skipWord(buf, i, "false")
	case c == 'n':
		return skipWord(buf, i, "null")
	}
	return i, unexpected(buf, i, "a value")
}

func skipWord(buf []byte, i int, word string) (int, error) {
	for k := range len(word) {
		if i+k >= len(buf) || buf[i+k] != word[k] {
			return i + k, unexpected(buf, i+k, word)
		}
	}
	return i + len(word), nil
}

func skipList(buf []byte, i, depth int) (int, error) {
	i = space(buf, i+1)
	if i < len(buf) && buf[i] == ']' {
		return i + 1, nil
	}
	for {
		var err error
		if i, err = skipValue(buf, space(buf, i), depth); err != nil {
			return i, err
		}
		i = space(buf, i)
		switch {
		case i < len(buf) && buf[i] == ',':
			i++
		case i < len(buf) && buf[i] == ']':
			return i + 1, nil
		default:
			return i, unexpected(buf, i, "',' or ']'")
		}
	}
}

func skipObject(buf []byte, i, depth int) (int, error) {
	i = space(buf, i+1)
	if i < len(buf) && buf[i] == '}' {
		return i + 1, nil
	}
	for {
		var err error
		if i, err = skipName(buf, i); err != nil {
			return i, err
		}
		if i, err = skipValue(buf, space(buf, i), depth); err != nil {
			return i, err
		}
		i = space(buf, i)
		switch {
		case i < len(buf) && buf[i] == ',':
			i++
		case i < len(buf) && buf[i] == '}':
			return i + 1, nil
		default:
			return i, unexpected(buf, i, "',' or '}'")
		}
	}
}

// skipName checks a member's name and its colon and gives the index behind the colon.
func skipName(buf []byte, i int) (int, error) {
	i = space(buf, i)
	if i >= len(buf) || buf[i] != '"' {
		return i, unexpected(buf, i, "a name in quotes")
	}
	i, _, err := skipString(buf, i)
	if err != nil {
		return i, err
	}
	if i = space(buf, i); i >= len(buf) || buf[i] != ':' {
		return i, unexpected(buf, i, "':'")
	}
	return i + 1, nil
}

// skipString checks the string whose opening quote is at i, gives the index behind its closing quote and
// says whether it holds escapes.
func skipString(buf []byte, i int) (end int, escaped bool, err error) {
	start, ascii := i, true
	for i++; i < len(buf); {
		switch c := buf[i]; {
		case c == '"':
			if !ascii && !utf8.Valid(buf[start:i]) {
				return start, escaped, badUTF8(buf, start)
			}
			return i + 1, escaped, nil
		case c == '\\':
			escaped = true
			if i, err = skipEscape(buf, i); err != nil {
				return i, escaped, err
			}
		case c < ' ':
			return i, escaped, unexpected(buf, i, "no control character inside a string")
		default:
			ascii = ascii && c < utf8.RuneSelf
			i++
		}
	}
	return i, escaped, unexpected(buf, i, "a closing quote")
}

func badUTF8(buf []byte, i int) error {
	for i < len(buf) {
		r, n := utf8.DecodeRune(buf[i:])
		if r == utf8.RuneError && n == 1 {
			break
		}
		i += n
	}
	return unexpected(buf, i, "UTF-8")
}

// skipEscape checks the escape whose backslash is at i. A surrogate must be half of a pair.
func skipEscape(buf []byte, i int) (int, error) {
	if i+1 >= len(buf) {
		return i + 1, unexpected(buf, i+1, "an escape")
	}
	switch buf[i+1] {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return i + 2, nil
	case 'u':
		r, ok := hex4(buf, i+2)
		if !ok {
			return i, unexpected(buf, i, "four hexadecimal digits after \\u")
		}
		if !utf16.IsSurrogate(r) {
			return i + 6, nil
		}
		if i+7 < len(buf) && buf[i+6] == '\\' && buf[i+7] == 'u' {
			if low, ok := hex4(buf, i+8); ok && utf16.DecodeRune(r, low) != utf8.RuneError {
				return i + 12, nil
			}
		}
		return i, unexpected(buf, i, "a pair of surrogates")
	}
	return i, unexpected(buf, i+1, "one of \" \\ / b f n r t u after a backslash")
}

func hex4(buf []byte, i int) (rune, bool) {
	if i+4 > len(buf) {
		return 0, false
	}
	var r rune
	for _, c := range buf[i : i+4] {
		switch {
		case c >= '0' && c <= '9':
			c -= '0'
		case c >= 'a' && c <= 'f':
			c -= 'a' - 10
		case c >= 'A' && c <= 'F':
			c -= 'A' - 10
		default:
			return 0, false
		}
		r = r<<4 | rune(c)
	}
	return r, true
}

// unescape appends the text of a checked string (without its quotes) to dst.
func unescape(dst, s []byte) []byte {
	for i := 0; i < len(s); i++ {
		if s[i] != '\\' {
			dst = append(dst, s[i])
			continue
		}
		i++
		switch s[i] {
		case 'b':
			dst = append(dst, '\b')
		case 'f':
			dst = append(dst, '\f')
		case 'n':
			dst = append(dst, '\n')
		case 'r':
			dst = append(dst, '\r')
		case 't':
			dst = append(dst, '\t')
		case 'u':
			r, _ := hex4(s, i+1)
			i += 4
			if utf16.IsSurrogate(r) {
				low, _ := hex4(s, i+3)
				r = utf16.DecodeRune(r, low)
				i += 6
			}
			dst = utf8.AppendRune(dst, r)
		default:
			dst = append(dst, s[i])
		}
	}
	return dst
}

// appendString appends s as a JSON string. Bytes that are not UTF-8 become U+FFFD.
func appendString(dst []byte, s string) []byte {
	const digits = "0123456789abcdef"
	dst = append(dst, '"')
	for i := 0; i < len(s); {
		c := s[i]
		switch {
		case c == '"' || c == '\\':
			dst = append(dst, '\\', c)
		case c < ' ':
			dst = append(dst, '\\', 'u', '0', '0', digits[c>>4], digits[c&15])
		case c < utf8.RuneSelf:
			dst = append(dst, c)
		default:
			r, n := utf8.DecodeRuneInString(s[i:])
			dst = utf8.AppendRune(dst, r)
			i += n
			continue
		}
		i++
	}
	return append(dst, '"')
}
