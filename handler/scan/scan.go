// Package scan reads JSON text by position. The JSON of /predict and the tensors of the Open Inference Protocol both stand on
// it, so that one text is judged by one set of rules:
//
//   - The text is JSON as RFC 8259 has it, in UTF-8; a byte order mark in front of it is passed over. NaN and Infinity are no
//     JSON, and the error says what to write for a missing value.
//   - Half of a surrogate pair in an escape is no text.
//   - Lists and objects nest MaxDepth deep at most, whether they are read or skipped (ErrDeep).
//   - A member that is read is given once (ErrTwice). Members that are skipped may be given as often as they are.
//
// A [Scanner] walks over a text once. What is wrong with the text itself is a [*SyntaxError] that says where.
package scan

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
	"unicode/utf8"
)

// MaxDepth bounds how deep lists and objects nest, so that a hostile text cannot exhaust the stack.
const MaxDepth = 100

// ErrDeep is a value that nests deeper than MaxDepth.
var ErrDeep = fmt.Errorf("want at most %d levels of lists and objects, got more", MaxDepth)

// ErrTwice is a member that may be given once and is given again.
var ErrTwice = errors.New("given twice, want it once")

// SyntaxError says where a text stops being JSON.
type SyntaxError struct {
	At   int    // the byte, from 0 on
	Want string // what could stand there
	Got  string // what stands there
}

// Error says that the body is not JSON, and where.
func (e *SyntaxError) Error() string {
	return fmt.Sprintf("the body is not JSON: at byte %d: want %s, got %s", e.At, e.Want, e.Got)
}

func unexpected(text []byte, i int, want string) *SyntaxError {
	return &SyntaxError{At: i, Want: want, Got: byteAt(text, i)}
}

// byteAt is the byte at i, for people.
func byteAt(text []byte, i int) string {
	switch {
	case i >= len(text):
		return "the end of the body"
	case text[i] >= utf8.RuneSelf:
		return fmt.Sprintf("the byte 0x%02x", text[i])
	}
	return strconv.QuoteRune(rune(text[i]))
}

// Scanner walks over one JSON text. Its methods read from At on and move it; Text is only read.
//
// A list or an object is read with Open and More:
//
//	if err := s.Open(); err != nil { … }
//	for s.More(']') {
//		… // read or skip one element
//	}
//	if err := s.Err(); err != nil { … }
type Scanner struct {
	Text []byte
	At   int

	depth   int
	opened  bool // a list or an object was opened, and none of it is read yet
	err     error
	scratch []byte // an unescaped string
}

// Reset starts over with another text.
func (s *Scanner) Reset(text []byte) {
	s.Text, s.At, s.depth, s.opened, s.err = text, 0, 0, false, nil
	if len(text) > 0 && text[0] == mark[0] && bytes.HasPrefix(text, mark) {
		s.At = len(mark)
	}
}

// mark is the byte order mark, as Windows writes it in front of UTF-8.
var mark = []byte("\xef\xbb\xbf")

// Peek passes over white space and gives the next byte; 0 at the end.
func (s *Scanner) Peek() byte {
	if s.At = space(s.Text, s.At); s.At < len(s.Text) {
		return s.Text[s.At]
	}
	return 0
}

// Open enters the list or the object that starts at At.
func (s *Scanner) Open() error {
	if s.depth >= MaxDepth {
		return ErrDeep
	}
	s.depth++
	s.At++
	s.opened = true
	return nil
}

// More says whether one more element, or member, comes in what was opened last, and stands at it. end is ] or }. It is
// false behind the end, and where the text is broken, which Err says.
func (s *Scanner) More(end byte) bool {
	c, first := s.Peek(), s.opened
	s.opened = false
	switch {
	case c == end:
		s.At++
		s.depth--
		return false
	case first:
		return true
	case c == ',':
		s.At++
		s.Peek()
		return true
	}
	s.err = s.Unexpected("',' or '" + string(end) + "'")
	return false
}

// Err is why More was false; nil: the end was there.
func (s *Scanner) Err() error { return s.err }

// Name reads a member's name and its colon. The name is valid until the next Name or Quoted.
func (s *Scanner) Name() ([]byte, error) {
	if s.Peek() != '"' {
		return nil, s.Unexpected("a name in quotes")
	}
	name, err := s.Quoted()
	if err != nil {
		return nil, err
	}
	if s.Peek() != ':' {
		return nil, s.Unexpected("':'")
	}
	s.At++
	return name, nil
}

// Quoted reads the string whose opening quote is at At. It is valid until the next Name or Quoted.
func (s *Scanner) Quoted() ([]byte, error) {
	end, escaped, err := skipString(s.Text, s.At)
	if err != nil {
		s.At = end
		return nil, err
	}
	text := s.Text[s.At+1 : end-1]
	if escaped {
		s.scratch = unescape(s.scratch[:0], text)
		text = s.scratch
	}
	s.At = end
	return text, nil
}

// Number reads the number that starts at At. Its text is needed to round it.
func (s *Scanner) Number() (n Number, text []byte, err error) {
	n, end := ReadNumber(s.Text, s.At)
	if end < 0 {
		_, err = skipNumber(s.Text, s.At)
		return n, nil, err
	}
	text = s.Text[s.At:end]
	s.At = end
	return n, text, nil
}

// Word reads true, false or null.
func (s *Scanner) Word(word string) (err error) {
	s.At, err = skipWord(s.Text, s.At, word)
	return err
}

// Skip passes over the value at At and checks that it is JSON.
func (s *Scanner) Skip() (err error) {
	s.At, err = skipValue(s.Text, s.At, s.depth)
	return err
}

// End checks that nothing but white space follows.
func (s *Scanner) End() error {
	if s.Peek(); s.At < len(s.Text) {
		return s.Unexpected("the end of the body")
	}
	return nil
}

// Unexpected is the error of a byte at At that cannot stand there.
func (s *Scanner) Unexpected(want string) error { return unexpected(s.Text, s.At, want) }

// Valid says why text is not one JSON value; nil: it is one.
func Valid(text []byte) error {
	var s Scanner
	s.Reset(text)
	s.Peek()
	if err := s.Skip(); err != nil {
		return err
	}
	return s.End()
}

// Got says what stands at At, for people: a short value as it is written, a longer one cut.
func (s *Scanner) Got() string {
	if s.At >= len(s.Text) {
		return "the end of the body"
	}
	switch s.Text[s.At] {
	case '{':
		return "an object"
	case '[':
		return "a list"
	}
	end, err := skipValue(s.Text, s.At, 0)
	if err != nil {
		return byteAt(s.Text, s.At)
	}
	return Shortened(s.Text[s.At:end])
}

// Shortened is a text for a message: cut where it is long.
func Shortened(text []byte) string {
	const longest = 40
	if len(text) <= longest {
		return string(text)
	}
	cut := longest
	for !utf8.RuneStart(text[cut]) {
		cut--
	}
	return string(text[:cut]) + "…"
}
