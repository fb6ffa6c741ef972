package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	"ml-service/handler/table"
)

// reader cuts the input into pieces of whole lines.
type reader struct {
	from   io.Reader
	rest   []byte // read, and not yet given
	ended  bool
	quotes bool  // a line break between quotes ends no line
	lines  int64 // lines given so far
}

// maxLine bounds a line, so that memory stays constant whatever comes.
const maxLine = 16 << 20

var errLine = fmt.Errorf("a line of more than %d MB", maxLine>>20)

// more reads on into rest.
func (r *reader) more() error {
	if len(r.rest) > maxLine {
		return errLine
	}
	at := len(r.rest)
	r.rest = append(r.rest, make([]byte, pieceBytes)...)
	n, err := io.ReadFull(r.from, r.rest[at:])
	r.rest = r.rest[:at+n]
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		r.ended, err = true, nil
	}
	return err
}

// line takes the first line, without a byte order mark; nil: there is none.
func (r *reader) line() ([]byte, error) {
	for {
		end := table.LineEnd(r.rest, true)
		if end < 0 && r.ended {
			end = len(r.rest)
		}
		if end == 0 {
			return nil, nil
		}
		if end > 0 {
			line := bytes.Clone(r.rest[:end])
			r.rest, r.lines = r.rest[end:], int64(bytes.Count(line, []byte("\n")))
			return bytes.TrimPrefix(line, []byte("\xef\xbb\xbf")), nil
		}
		if err := r.more(); err != nil {
			return nil, err
		}
	}
}

// unread gives the first line back.
func (r *reader) unread(line []byte) { r.rest, r.lines = append(bytes.Clone(line), r.rest...), 0 }

// piece takes as many whole lines as a piece holds, into memory, or else one; its text is nil where there are no more.
func (r *reader) piece(memory []byte) (piece, error) {
	for {
		if r.ended || len(r.rest) >= pieceBytes {
			end := lastLineEnd(r.rest[:min(len(r.rest), pieceBytes)], r.quotes)
			if end < 0 {
				end = table.LineEnd(r.rest, r.quotes)
			}
			if r.ended && (end < 0 || len(r.rest) <= pieceBytes) {
				end = len(r.rest)
			}
			if end == 0 {
				return piece{}, nil
			}
			if end > 0 {
				p := piece{append(memory[:0], r.rest[:end]...), r.lines}
				r.rest = append(r.rest[:0], r.rest[end:]...)
				r.lines += int64(bytes.Count(p.text, []byte("\n")))
				return p, nil
			}
		}
		if err := r.more(); err != nil {
			return piece{}, err
		}
	}
}

// lastLineEnd is the length of all lines that have an end; -1: there is none.
func lastLineEnd(text []byte, quotes bool) int {
	if !quotes || bytes.IndexByte(text, '"') < 0 {
		if n := bytes.LastIndexByte(text, '\n'); n >= 0 {
			return n + 1
		}
		return -1
	}
	last := -1
	for at := 0; ; last = at {
		n := table.LineEnd(text[at:], true)
		if n < 0 {
			return last
		}
		at += n
	}
}
