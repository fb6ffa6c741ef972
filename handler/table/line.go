package table

import (
	"bytes"
	"fmt"
)

// LineEnd is the length of the first line with its end; -1: it has none.
func LineEnd(text []byte, quotes bool) int {
	at, inside := 0, false
	for {
		n := bytes.IndexByte(text[at:], '\n')
		if n < 0 {
			return -1
		}
		if quotes && bytes.Count(text[at:at+n], []byte{'"'})%2 == 1 {
			inside = !inside
		}
		if at += n + 1; !inside {
			return at
		}
	}
}

// CutLine takes the first line, without its end.
func CutLine(text []byte, quotes bool) (line, rest []byte) {
	end := LineEnd(text, quotes)
	if end < 0 {
		return bytes.TrimSuffix(text, []byte("\r")), nil
	}
	return bytes.TrimSuffix(text[:end-1], []byte("\r")), text[end:]
}

// Split takes a line apart at its commas. A field in quotes may hold commas, line breaks, and quotes that are doubled.
func Split(cells [][]byte, line []byte) ([][]byte, error) {
	for {
		if len(line) == 0 || line[0] != '"' {
			end := bytes.IndexByte(line, ',')
			if end < 0 {
				return append(cells, line), nil
			}
			cells, line = append(cells, line[:end]), line[end+1:]
			continue
		}
		cell, rest, err := unquoted(line)
		if err != nil {
			return nil, err
		}
		if cells = append(cells, cell); len(rest) == 0 {
			return cells, nil
		}
		line = rest[1:]
	}
}

// unquoted takes a field in quotes; rest is empty or begins with the comma behind it.
func unquoted(line []byte) (cell, rest []byte, err error) {
	rest = line[1:]
	for {
		end := bytes.IndexByte(rest, '"')
		if end < 0 {
			return nil, nil, fmt.Errorf("a quote that is not closed: %q", clip(line))
		}
		cell, rest = append(cell, rest[:end]...), rest[end+1:]
		switch {
		case len(rest) == 0 || rest[0] == ',':
			return cell, rest, nil
		case rest[0] != '"':
			return nil, nil, fmt.Errorf("want a comma behind a closing quote, got %q", clip(rest))
		}
		cell, rest = append(cell, '"'), rest[1:]
	}
}
