package main

import (
	"bytes"
	"io"
	"strings"
	"unicode"
)

// redact keeps a secret out of what is written, whoever put it there: the API could send it back in a reason.
// Each Write is taken by itself, so a line must come in one piece.
func redact(w io.Writer, secret string) io.Writer {
	if secret == "" {
		return w
	}
	return &redactor{w, []byte(secret)}
}

type redactor struct {
	w      io.Writer
	secret []byte
}

func (r *redactor) Write(p []byte) (int, error) {
	if _, err := r.w.Write(bytes.ReplaceAll(p, r.secret, []byte("***"))); err != nil {
		return 0, err
	}
	return len(p), nil
}

const maxLine = 1000

// clean makes one printable line of a text that may come from elsewhere. GitHub's runner obeys lines that begin with
// "::" and whatever follows "##[", so no line may be opened and that sign is taken apart.
func clean(s string) string {
	s = strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return ' '
		}
		return r
	}, s)
	s = strings.ReplaceAll(s, "##[", "## [")
	if r := []rune(s); len(r) > maxLine {
		s = string(r[:maxLine]) + "…"
	}
	return s
}
