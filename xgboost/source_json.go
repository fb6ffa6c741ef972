package xgboost

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
)

// text is a source of JSON, in which XGBoost also writes NaN and Infinity.
type text struct {
	data      []byte
	at, depth int
}

func (t *text) fail(want string) error {
	t.space()
	if t.at >= len(t.data) {
		return errTruncated
	}
	return fmt.Errorf("byte %d: want %s, got %q", t.at, want, t.data[t.at])
}

func (t *text) space() {
	for t.at < len(t.data) {
		switch t.data[t.at] {
		case ' ', '\n', '\r', '\t':
			t.at++
		default:
			return
		}
	}
}

// next takes c where it is what follows.
func (t *text) next(c byte) bool {
	t.space()
	if t.at < len(t.data) && t.data[t.at] == c {
		t.at++
		return true
	}
	return false
}

// each reads the elements between two brackets, separated by commas.
func (t *text) each(open, shut byte, element func() error) error {
	if !t.next(open) {
		return t.fail(string(open))
	}
	if t.depth++; t.depth > maxDepth {
		return errDepth
	}
	defer func() { t.depth-- }()
	if t.next(shut) {
		return nil
	}
	for {
		if err := element(); err != nil {
			return err
		}
		if t.next(shut) {
			return nil
		}
		if !t.next(',') {
			return t.fail("a comma or " + string(shut))
		}
	}
}

func (t *text) object(member func(name []byte) error) error {
	return t.each('{', '}', func() error {
		name, err := t.bytes()
		if err != nil {
			return err
		}
		if !t.next(':') {
			return t.fail("a colon")
		}
		return member(name)
	})
}

func (t *text) list(element func() error) error { return t.each('[', ']', element) }

func (t *text) quoted() (string, error) {
	b, err := t.bytes()
	return string(b), err
}

// bytes is a string; those of the document where it has no escapes.
func (t *text) bytes() ([]byte, error) {
	start, end, plain, err := t.span()
	if err != nil {
		return nil, err
	}
	if end-start > maxText {
		return nil, fmt.Errorf("byte %d: a string of more than %d bytes", start, maxText)
	}
	if plain {
		return t.data[start+1 : end-1], nil
	}
	var s string
	if err := json.Unmarshal(t.data[start:end], &s); err != nil {
		return nil, fmt.Errorf("byte %d: %w", start, err)
	}
	return []byte(s), nil
}

// span goes over a string; plain: it has neither escapes nor bytes beyond ASCII.
func (t *text) span() (start, end int, plain bool, err error) {
	t.space()
	start, plain = t.at, true
	if !t.next('"') {
		return 0, 0, false, t.fail("a string")
	}
	for t.at < len(t.data) {
		c := t.data[t.at]
		t.at++
		switch {
		case c == '"':
			return start, t.at, plain, nil
		case c == '\\':
			plain = false
			t.at++
		case c < ' ':
			return 0, 0, false, fmt.Errorf("byte %d: a control character in a string", t.at-1)
		case c >= 0x80:
			plain = false
		}
	}
	return 0, 0, false, errTruncated
}

// word is a number or literal.
func (t *text) word() ([]byte, error) {
	t.space()
	start := t.at
	for t.at < len(t.data) {
		c := t.data[t.at]
		if c-'0' > 9 && c != '-' && c != '.' && c != '+' && c|0x20-'a' > 'z'-'a' {
			break
		}
		t.at++
	}
	if t.at == start {
		return nil, t.fail("a number")
	}
	return t.data[start:t.at], nil
}

func (t *text) scalar() (string, error) {
	t.space()
	if t.at < len(t.data) && t.data[t.at] == '"' {
		return t.quoted()
	}
	w, err := t.word()
	if len(w) > maxText {
		return "", errors.New("a number of many digits")
	}
	return string(w), err
}

// most is an upper bound of the numbers in the list that follows.
func (t *text) most() int {
	end := max(bytes.IndexByte(t.data[t.at:], ']'), 0)
	return 1 + bytes.Count(t.data[t.at:t.at+end], []byte{','})
}

func (t *text) floats() (out []float32, err error) {
	out = make([]float32, 0, t.most())
	err = t.list(func() error {
		w, err := t.word()
		if err != nil {
			return err
		}
		f, err := strconv.ParseFloat(string(w), 32)
		if err != nil && !errors.Is(err, strconv.ErrRange) {
			return fmt.Errorf("byte %d: want a number, got %q", t.at-len(w), clip(w))
		}
		out = append(out, float32(f))
		return nil
	})
	return out, err
}

func (t *text) ints() ([]int64, error)   { return wholesOfText[int64](t) }
func (t *text) int32s() ([]int32, error) { return wholesOfText[int32](t) }

func wholesOfText[T int32 | int64](t *text) (out []T, err error) {
	out = make([]T, 0, t.most())
	err = t.list(func() error {
		w, err := t.word()
		if err != nil {
			return err
		}
		v, ok := whole(w)
		if !ok || int64(T(v)) != v {
			return fmt.Errorf("byte %d: want a whole number, got %q", t.at-len(w), clip(w))
		}
		out = append(out, T(v))
		return nil
	})
	return out, err
}

func clip(w []byte) string { return string(w[:min(len(w), 40)]) }

// whole reads a whole number or a truth value.
func whole(w []byte) (int64, bool) {
	switch string(w) {
	case "true":
		return 1, true
	case "false":
		return 0, true
	}
	if v, err := strconv.ParseInt(string(w), 10, 64); err == nil {
		return v, true
	}
	f, err := strconv.ParseFloat(string(w), 64)
	if err != nil || f != float64(int64(f)) || f > 1<<53 || f < -1<<53 {
		return 0, false
	}
	return int64(f), true
}

func (t *text) skip() error {
	t.space()
	if t.at >= len(t.data) {
		return errTruncated
	}
	switch t.data[t.at] {
	case '{':
		return t.object(func([]byte) error { return t.skip() })
	case '[':
		return t.list(t.skip)
	case '"':
		_, _, _, err := t.span()
		return err
	}
	_, err := t.word()
	return err
}

func (t *text) fork() source {
	fork := *t
	return &fork
}

func (t *text) end() error {
	if t.space(); t.at < len(t.data) {
		return fmt.Errorf("byte %d: something follows the document", t.at)
	}
	return nil
}
