package oip

import "bytes"

// number consumes a number and gives its text, and whether it is written without fraction and exponent.
func (s *scanner) number() (text []byte, whole bool, err *Error) {
	s.peek()
	start := s.pos
	if s.at('-') {
		s.pos++
	}
	switch {
	case s.at('0'):
		s.pos++
	case !s.digits():
		s.pos = start
		return nil, false, s.notJSON("a number")
	}
	whole = true
	if s.at('.') {
		whole = false
		if s.pos++; !s.digits() {
			return nil, false, s.notJSON("a digit")
		}
	}
	if s.at('e') || s.at('E') {
		whole = false
		if s.pos++; s.at('+') || s.at('-') {
			s.pos++
		}
		if !s.digits() {
			return nil, false, s.notJSON("a digit")
		}
	}
	return s.buf[start:s.pos], whole, nil
}

func (s *scanner) at(c byte) bool { return s.pos < len(s.buf) && s.buf[s.pos] == c }

func (s *scanner) digits() bool {
	start := s.pos
	for s.pos < len(s.buf) && '0' <= s.buf[s.pos] && s.buf[s.pos] <= '9' {
		s.pos++
	}
	return s.pos > start
}

// literal consumes word, which is true, false or null.
func (s *scanner) literal(word string) *Error {
	if len(s.buf)-s.pos < len(word) || string(s.buf[s.pos:s.pos+len(word)]) != word {
		return s.notJSON("a value")
	}
	s.pos += len(word)
	return nil
}

// skip consumes any value and checks that it is JSON.
func (s *scanner) skip() *Error {
	switch s.peek() {
	case '{':
		return s.object(func([]byte) *Error { return s.skip() })
	case '[':
		return s.array(func(int) *Error { return s.skip() })
	case '"':
		_, _, err := s.raw()
		return err
	case 't':
		return s.literal("true")
	case 'f':
		return s.literal("false")
	case 'n':
		return s.literal("null")
	case '-', '0', '1', '2', '3', '4', '5', '6', '7', '8', '9':
		_, _, err := s.number()
		return err
	}
	return s.notJSON("a value")
}

// pass is skip for data that is read later: an array of numbers, flat or nested, is passed by its brackets alone.
func (s *scanner) pass() *Error {
	if s.peek() != '[' {
		return s.skip()
	}
	inner := s.buf[s.pos+1:]
	end := bytes.IndexByte(inner, ']')
	if end < 0 {
		return s.skip()
	}
	inner = inner[:end]
	switch {
	case bytes.IndexByte(inner, '"') >= 0 || bytes.IndexByte(inner, '{') >= 0:
		return s.skip()
	case bytes.IndexByte(inner, '[') >= 0:
		return s.array(func(int) *Error { return s.pass() })
	}
	s.pos += end + 2
	return nil
}

// kind names the value that comes next, for messages.
func (s *scanner) kind() string {
	switch s.peek() {
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

// text consumes a string, or says that one was expected at field. It skips nothing else,
// so that what is not JSON at all is told apart from JSON of the wrong type.
func (s *scanner) text(field string) (string, *Error) {
	if s.peek() == '"' {
		return s.str()
	}
	return "", s.mistyped(field, "a string")
}

// word is text without a copy where the string has no escapes.
func (s *scanner) word(field string) ([]byte, *Error) {
	if s.peek() != '"' {
		return nil, s.mistyped(field, "a string")
	}
	text, escaped, err := s.raw()
	if escaped && err == nil {
		text = []byte(unescape(text))
	}
	return text, err
}

// boolean consumes true or false, or says that one was expected at field.
func (s *scanner) boolean(field string) (bool, *Error) {
	switch s.peek() {
	case 't':
		return true, s.literal("true")
	case 'f':
		return false, s.literal("false")
	}
	return false, s.mistyped(field, "true or false")
}

// mistyped consumes a value of the wrong type and says what was expected at field.
func (s *scanner) mistyped(field, want string) *Error {
	kind := s.kind()
	if err := s.skip(); err != nil {
		return err
	}
	return wrong(field, "want %s, got %s", want, kind)
}
