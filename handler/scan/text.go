package scan

import (
	"unicode/utf16"
	"unicode/utf8"
)

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
