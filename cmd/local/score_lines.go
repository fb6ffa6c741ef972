package main

import (
	"bytes"
	"errors"
	"fmt"

	"ml-service/handler/predict"
	"ml-service/handler/scan"
	"ml-service/model"
)

// jsonLines scores JSON lines: each is the x of a POST /predict, one row, and is answered as there, by scores that are not rounded.
type jsonLines struct{ codec *predict.Codec }

func newJSONLines(m *model.Model) *jsonLines { return &jsonLines{predict.NewUnrounded(m)} }

// score counts no unknown categories: the answers have warnings.
func (l *jsonLines) score(dst []byte, p piece, _ unknowns) (answers []byte, rows int64, err error) {
	r := l.codec.Request()
	defer r.Release()
	at := p.lines
	for line := range bytes.Lines(p.text) {
		at++
		if len(bytes.TrimSpace(line)) == 0 {
			continue
		}
		if err := l.one(r, line); err != nil {
			return dst, rows, fmt.Errorf("line %d: %w", at, err)
		}
		dst = append(r.AppendAnswer(dst), '\n')
		rows++
	}
	return dst, rows, nil
}

func (l *jsonLines) one(r *predict.Request, line []byte) error {
	err := r.DecodeX(line)
	var wrong *predict.Error
	if errors.As(err, &wrong) && wrong.NotJSON {
		return notJSON(line, err)
	}
	if err != nil {
		return err
	}
	if err := r.Batch.Run(nil); err != nil {
		return r.Refused(err)
	}
	return nil
}

// notJSON says where a line stops being JSON, and what is wrong there.
func notJSON(line []byte, err error) error {
	var at *scan.SyntaxError
	if !errors.As(scan.Valid(line), &at) {
		return err
	}
	if end := len(bytes.TrimRight(line, "\r\n")); at.At >= end {
		at.At, at.Got = end, "the end of the line"
	}
	return fmt.Errorf("not JSON: at byte %d: want %s, got %s", at.At, at.Want, at.Got)
}
