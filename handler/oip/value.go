package oip

import (
	"bytes"

	"ml-service/handler/scan"
)

// skipUnread passes over data that is read later. A list of numbers, flat or nested, is passed over by its brackets alone.
func skipUnread(s *scan.Scanner) error {
	if s.Peek() != '[' {
		return s.Skip()
	}
	inner := s.Text[s.At+1:]
	end := bytes.IndexByte(inner, ']')
	if end < 0 {
		return s.Skip()
	}
	inner = inner[:end]
	switch {
	case bytes.IndexByte(inner, '"') >= 0 || bytes.IndexByte(inner, '{') >= 0:
		return s.Skip()
	case bytes.IndexByte(inner, '[') < 0:
		s.At += end + 2
		return nil
	}
	if err := s.Open(); err != nil {
		return err
	}
	for s.More(']') {
		if err := skipUnread(s); err != nil {
			return err
		}
	}
	return s.Err()
}

// kind names the value that comes next, for messages.
func kind(s *scan.Scanner) string {
	switch s.Peek() {
	case '{':
		return "an object"
	case '[':
		return "an array"
	case '"':
		return "a string"
	case 't', 'f':
		return "a boolean"
	case 'n':
		return "null"
	}
	return "a number"
}

// word reads a string, or says that one was expected at field. It is valid until the next string with escapes is read.
func word(s *scan.Scanner, field string) ([]byte, error) {
	if s.Peek() != '"' {
		return nil, mistyped(s, field, "a string")
	}
	return s.Quoted()
}

// boolean reads true or false, or says that one was expected at field.
func boolean(s *scan.Scanner, field string) (bool, error) {
	switch s.Peek() {
	case 't':
		return true, s.Word("true")
	case 'f':
		return false, s.Word("false")
	}
	return false, mistyped(s, field, "true or false")
}

// mistyped passes over a value of the wrong type and says what was expected at field. What is not JSON at all is said to be
// that.
func mistyped(s *scan.Scanner, field, want string) error {
	got := kind(s)
	if err := s.Skip(); err != nil {
		return err
	}
	return wrong(field, "want %s, got %s", want, got)
}

// once refuses the second member of one name.
func once(seen *bool, name []byte) error {
	if *seen {
		return wrong(string(name), "%v", scan.ErrTwice)
	}
	*seen = true
	return nil
}

// isNumber says whether a number comes next.
func isNumber(s *scan.Scanner) bool {
	c := s.Peek()
	return c == '-' || '0' <= c && c <= '9'
}
