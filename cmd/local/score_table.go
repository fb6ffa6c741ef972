package main

import (
	"bytes"
	"fmt"

	"ml-service/handler/table"
	"ml-service/model"
)

// rowsAtOnce are run together.
const rowsAtOnce = 512

// csvRows scores CSV.
type csvRows struct {
	model *model.Model
	*table.Table
}

func (t csvRows) score(dst []byte, p piece, met unknowns) (answers []byte, rows int64, err error) {
	b := t.model.Batch()
	defer b.Release()
	var cells [][]byte
	var at [rowsAtOnce]int64 // the line of each row
	for next := p.lines; len(p.text) > 0; {
		t.Resize(b, rowsAtOnce)
		n := 0
		for len(p.text) > 0 && n < rowsAtOnce {
			line, rest := table.CutLine(p.text, true)
			at[n] = next + 1
			next += int64(bytes.Count(p.text[:len(p.text)-len(rest)], []byte("\n")))
			if p.text = rest; len(line) == 0 {
				continue
			}
			if cells, err = table.Split(cells[:0], line); err == nil {
				err = t.Fill(b, n, cells)
			}
			if err != nil {
				err = fmt.Errorf("line %d: %w", at[n], err)
				break
			}
			n++
		}
		var answered int
		var refused error
		if dst, answered, refused = t.run(dst, b, at[:n], met); refused != nil {
			err = refused // of an earlier line
		}
		if rows += int64(answered); err != nil {
			return dst, rows, err
		}
	}
	return dst, rows, nil
}

// run answers the rows of a batch up to the first that the model refuses; the error says at which line it stands.
func (t csvRows) run(dst []byte, b *model.Batch, at []int64, met unknowns) (answers []byte, rows int, err error) {
	for n := len(at); n > 0; {
		t.Resize(b, n)
		refused := b.Run(nil)
		if refused == nil {
			met.count(t.Table, b)
			return t.Append(dst, b, n), n, err
		}
		row, e := t.Refused(refused)
		if row < 0 || row >= n {
			return dst, 0, refused
		}
		err = fmt.Errorf("line %d: %w", at[row], e)
		n = row // a row before it may be refused too: inputs are looked at one by one
	}
	return dst, 0, err
}
