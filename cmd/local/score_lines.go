package main

import (
	"bytes"
	"errors"
	"fmt"

	"ml-service/handler/predict"
	"ml-service/model"
)

// jsonLines scores JSON lines: each is the x of a POST /predict, one row, and is answered as there.
type jsonLines struct{ codec *predict.Codec }

func newJSONLines(m *model.Model) *jsonLines { return &jsonLines{predict.New(m)} }

func (l *jsonLines) score(dst []byte, p piece) (answers []byte, rows int64, err error) {
	r := l.codec.Request()
	defer r.Release()
	var body []byte
	at := p.lines
	for line := range bytes.Lines(p.text) {
		at++
		if line = bytes.TrimSpace(line); len(line) == 0 {
			continue
		}
		body = append(append(append(body[:0], `{"x":`...), line...), '}')
		if err := l.one(r, body); err != nil {
			return dst, rows, fmt.Errorf("line %d: %w", at, err)
		}
		dst = append(r.AppendAnswer(dst), '\n')
		rows++
	}
	return dst, rows, nil
}

func (l *jsonLines) one(r *predict.Request, body []byte) error {
	err := r.Decode(body)
	var wrong *predict.Error
	if errors.As(err, &wrong) && wrong.NotJSON {
		return errors.New("want JSON, the x of a POST /predict")
	}
	if err != nil {
		return err
	}
	if err := r.Batch.Run(nil); err != nil {
		return r.Refused(err)
	}
	return nil
}
