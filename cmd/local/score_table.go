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

func (t csvRows) score(dst []byte, p piece) (answers []byte, rows int64, err error) {
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
				return dst, rows, fmt.Errorf("line %d: %w", at[n], err)
			}
			n++
		}
		if n == 0 {
			break
		}
		t.Resize(b, n)
		if err := b.Run(nil); err != nil {
			return dst, rows, t.refused(err, at[:n])
		}
		dst = t.Append(dst, b, n)
		rows += int64(n)
	}
	return dst, rows, nil
}

// refused says at which line the value stands that the model refuses.
func (t csvRows) refused(err error, at []int64) error {
	row, e := t.Refused(err)
	if row < 0 || row >= len(at) {
		return err
	}
	return fmt.Errorf("line %d: %w", at[row], e)
}
