package predict

import (
	"errors"
	"fmt"
	"math"
	"slices"

	"ml-service/handler/scan"
	"ml-service/model"
	"ml-service/onnx"
)

// golden is golden.json: bodies for POST /predict and what the model's own runtime answered. It is read without
// encoding/json, whose reflection would be the most expensive part of loading a small model, at every cold start.
type golden struct {
	tolerance tolerance
	rows      [][]byte
	answers   []goldenAnswer
}

type goldenAnswer struct {
	prediction []byte
	confidence []byte // nil or null: not compared
}

// CheckGolden runs the rows of a golden.json and gives the first of them, a body that the model was seen to answer. A row
// that the model answers otherwise is an error with the first difference.
func (c *Codec) CheckGolden(data []byte) (first []byte, err error) {
	g, err := readGolden(data)
	if err != nil {
		return nil, err
	}
	if len(g.rows) == 0 || len(g.rows) != len(g.answers) {
		return nil, fmt.Errorf("want rows and as many answers, got %d and %d", len(g.rows), len(g.answers))
	}
	if c.model.Kind() == model.Raw {
		return nil, errors.New("want a classifier or a regressor: the outputs of other models are not compared")
	}
	r := c.Request()
	defer r.Release()
	for i, row := range g.rows {
		if err := r.check(row, g.answers[i], g.tolerance); err != nil {
			return nil, fmt.Errorf("row %d: %w", i, err)
		}
	}
	return slices.Clone(g.rows[0]), nil
}

func readGolden(data []byte) (golden, error) {
	g := golden{tolerance: tolerance{absolute: 1e-6, relative: 1e-5}}
	if err := scan.Valid(data); err != nil {
		return g, err
	}
	err := members(data, func(name string, value []byte) (err error) {
		switch name {
		case "tolerance":
			return g.tolerance.read(value)
		case "rows":
			g.rows, err = values(value)
		case "answers":
			err = g.readAnswers(value)
		}
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		return nil
	})
	return g, err
}

func (t *tolerance) read(object []byte) error {
	return members(object, func(name string, value []byte) (err error) {
		switch name {
		case "absolute":
			t.absolute, err = number(value)
		case "relative":
			t.relative, err = number(value)
		}
		return err
	})
}

func (g *golden) readAnswers(list []byte) error {
	answers, err := values(list)
	if err != nil {
		return err
	}
	for _, answer := range answers {
		var a goldenAnswer
		err := members(answer, func(name string, value []byte) error {
			switch name {
			case "prediction":
				a.prediction = value
			case "confidence":
				a.confidence = value
			}
			return nil
		})
		if err != nil {
			return err
		}
		g.answers = append(g.answers, a)
	}
	return nil
}

// members calls each with every member of a checked value that must be an object.
func members(object []byte, each func(name string, value []byte) error) error {
	var s scan.Scanner
	s.Reset(object)
	if s.Peek() != '{' {
		return fmt.Errorf("want an object, got %s", object)
	}
	if err := s.Open(); err != nil {
		return err
	}
	for s.More('}') {
		name, err := s.Name()
		if err != nil {
			return err
		}
		value, err := part(&s)
		if err != nil {
			return err
		}
		if err := each(string(name), value); err != nil {
			return err
		}
	}
	return s.Err()
}

// values gives the elements of a checked value that must be a list.
func values(list []byte) ([][]byte, error) {
	var s scan.Scanner
	s.Reset(list)
	if s.Peek() != '[' {
		return nil, fmt.Errorf("want a list, got %s", list)
	}
	if err := s.Open(); err != nil {
		return nil, err
	}
	var all [][]byte
	for s.More(']') {
		value, err := part(&s)
		if err != nil {
			return nil, err
		}
		all = append(all, value)
	}
	return all, s.Err()
}

// part gives the text of the value that comes next, and passes over it.
func part(s *scan.Scanner) ([]byte, error) {
	s.Peek()
	start := s.At
	err := s.Skip()
	return s.Text[start:s.At], err
}

// number gives the value of a checked text that must be a number.
func number(text []byte) (float64, error) {
	n, end := scan.ReadNumber(text, 0)
	if end < 0 {
		return 0, fmt.Errorf("want a number, got %s", text)
	}
	f, ok := n.Float64(text)
	if !ok {
		return 0, fmt.Errorf("want a finite number, got %s", text)
	}
	return f, nil
}

type tolerance struct{ absolute, relative float64 }

func (t tolerance) holds(got, want float64) bool {
	if math.IsNaN(want) {
		return math.IsNaN(got) || math.IsInf(got, 0)
	}
	return math.Abs(got-want) <= t.absolute+t.relative*math.Abs(want)
}

// check runs one golden row.
func (r *Request) check(row []byte, answer goldenAnswer, t tolerance) error {
	if err := r.Decode(row); err != nil {
		return err
	}
	if err := r.Batch.Run(nil); err != nil {
		return r.Refused(err)
	}
	if !r.single || !r.Batch.PerRow() {
		return errors.New("want one row and an answer to it")
	}
	if answer.prediction == nil {
		return errors.New("prediction: want a value, got none")
	}
	if !r.predicts(answer.prediction, t) {
		return fmt.Errorf("prediction: want %s, got %s", answer.prediction, r.appendRow(nil, 0))
	}
	if answer.confidence == nil || null(answer.confidence) {
		return nil
	}
	want, err := number(answer.confidence)
	if err != nil {
		return fmt.Errorf("confidence: %w", err)
	}
	got := r.Batch.Class(0).Confidence
	if got < 0 {
		return fmt.Errorf("confidence: want %v, got none", want)
	}
	if !t.holds(got, want) {
		return fmt.Errorf("confidence: want %v, got %v", want, got)
	}
	return nil
}

// predicts says whether the first row's prediction is the wanted one: classes equal, values within t.
func (r *Request) predicts(want []byte, t tolerance) bool {
	m := r.codec.model
	if m.Kind() == model.Classifier {
		label := r.Batch.Label()
		if label.DType == onnx.String {
			var s scan.Scanner
			s.Reset(want)
			text, err := s.Quoted()
			return want[0] == '"' && err == nil && string(text) == label.Str[0]
		}
		// Python's json writes a label that is a truth value as true or false, and the exporters make 1 or 0 of it.
		switch string(want) {
		case "true":
			return label.I64[0] == 1
		case "false":
			return label.I64[0] == 0
		}
		n, err := number(want)
		return err == nil && n == float64(label.I64[0])
	}
	wanted := [][]byte{want}
	if m.Targets() != 1 {
		var err error
		if wanted, err = values(want); err != nil {
			return false
		}
	}
	if len(wanted) != m.Targets() {
		return false
	}
	for k, v := range wanted {
		w := math.NaN()
		if !null(v) {
			var err error
			if w, err = number(v); err != nil {
				return false
			}
		}
		if !t.holds(r.Batch.Value(0, k), w) {
			return false
		}
	}
	return true
}

func null(text []byte) bool { return string(text) == "null" }
