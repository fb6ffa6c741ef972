package model

import (
	"errors"
	"fmt"
	"io/fs"
	"math"
	"path"
	"slices"

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

func readGolden(data []byte) (golden, error) {
	g := golden{tolerance: tolerance{absolute: 1e-6, relative: 1e-5}}
	start := space(data, 0)
	end, err := skipValue(data, start, 0)
	if err == nil && space(data, end) < len(data) {
		err = unexpected(data, space(data, end), "the end")
	}
	if err != nil {
		return g, err
	}
	err = members(data[start:end], func(name string, value []byte) (err error) {
		switch name {
		case "tolerance":
			return members(value, func(name string, value []byte) (err error) {
				switch name {
				case "absolute":
					g.tolerance.absolute, err = numberOf(value)
				case "relative":
					g.tolerance.relative, err = numberOf(value)
				}
				return err
			})
		case "rows":
			g.rows, err = elements(value)
		case "answers":
			var answers [][]byte
			answers, err = elements(value)
			for _, answer := range answers {
				var a goldenAnswer
				if err == nil {
					err = members(answer, func(name string, value []byte) error {
						switch name {
						case "prediction":
							a.prediction = value
						case "confidence":
							a.confidence = value
						}
						return nil
					})
				}
				g.answers = append(g.answers, a)
			}
		}
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		return nil
	})
	return g, err
}

// members calls each with every member of a checked value that must be an object.
func members(object []byte, each func(name string, value []byte) error) error {
	if object[0] != '{' {
		return fmt.Errorf("want an object, got %s", object)
	}
	for i := space(object, 1); object[i] != '}'; {
		colon, _ := skipName(object, i)
		nameEnd, _, _ := skipString(object, i)
		start := space(object, colon)
		end, _ := skipValue(object, start, 0)
		if err := each(string(unescape(nil, object[i+1:nameEnd-1])), object[start:end]); err != nil {
			return err
		}
		if i = space(object, end); object[i] == ',' {
			i = space(object, i+1)
		}
	}
	return nil
}

// elements gives the elements of a checked value that must be a list.
func elements(list []byte) ([][]byte, error) {
	if list[0] != '[' {
		return nil, fmt.Errorf("want a list, got %s", list)
	}
	var all [][]byte
	for i := space(list, 1); list[i] != ']'; {
		end, _ := skipValue(list, i, 0)
		all = append(all, list[i:end])
		if i = space(list, end); list[i] == ',' {
			i = space(list, i+1)
		}
	}
	return all, nil
}

// numberOf gives the value of a checked text that must be a number.
func numberOf(text []byte) (float64, error) {
	n, end := scanNumber(text, 0)
	if end < 0 {
		return 0, fmt.Errorf("want a number, got %s", text)
	}
	f, ok := n.float64(text)
	if !ok {
		return 0, fmt.Errorf("want a finite number, got %s", text)
	}
	return f, nil
}

// verify runs the golden rows that lie beside the model, if any, and gives the first difference.
func (m *Model) verify(fsys fs.FS) error {
	data, err := fs.ReadFile(fsys, path.Join(m.version, "golden.json"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	g, err := readGolden(data)
	if err != nil {
		return err
	}
	if len(g.rows) == 0 || len(g.rows) != len(g.answers) {
		return fmt.Errorf("want rows and as many answers, got %d and %d", len(g.rows), len(g.answers))
	}
	if m.kind == Raw {
		return errors.New("want a classifier or a regressor: the outputs of other models are not compared")
	}
	b := m.Batch()
	defer b.Release()
	for i, row := range g.rows {
		if err := b.verify(row, g.answers[i], g.tolerance); err != nil {
			return fmt.Errorf("row %d: %w", i, err)
		}
	}
	m.example = slices.Clone(g.rows[0])
	return nil
}

type tolerance struct{ absolute, relative float64 }

func (t tolerance) holds(got, want float64) bool {
	if math.IsNaN(want) {
		return math.IsNaN(got) || math.IsInf(got, 0)
	}
	return math.Abs(got-want) <= t.absolute+t.relative*math.Abs(want)
}

// verify runs one golden row.
func (b *Batch) verify(row []byte, answer goldenAnswer, t tolerance) error {
	if err := b.Decode(row); err != nil {
		return err
	}
	if err := b.Run(); err != nil {
		return err
	}
	if !b.single || !b.answersRows(1) {
		return errors.New("want one row and an answer to it")
	}
	if answer.prediction == nil {
		return errors.New("prediction: want a value, got none")
	}
	if !b.predicts(answer.prediction, t) {
		return fmt.Errorf("prediction: want %s, got %s", answer.prediction, b.appendRow(nil, 0))
	}
	if answer.confidence == nil || null(answer.confidence) {
		return nil
	}
	want, err := numberOf(answer.confidence)
	if err != nil {
		return fmt.Errorf("confidence: %w", err)
	}
	got, ok := b.Confidence(0)
	if !ok {
		return fmt.Errorf("confidence: want %v, got none", want)
	}
	if !t.holds(got, want) {
		return fmt.Errorf("confidence: want %v, got %v", want, got)
	}
	return nil
}

// predicts says whether the first row's prediction is the wanted one: classes equal, values within t.
func (b *Batch) predicts(want []byte, t tolerance) bool {
	m := b.model
	if m.kind == Classifier {
		label := b.Output(m.label)
		if label.DType == onnx.String {
			return want[0] == '"' && string(unescape(nil, want[1:len(want)-1])) == label.Str[0]
		}
		n, err := numberOf(want)
		return err == nil && n == float64(label.I64[0])
	}
	values := [][]byte{want}
	if m.targets != 1 {
		var err error
		if values, err = elements(want); err != nil {
			return false
		}
	}
	if len(values) != m.targets {
		return false
	}
	for k, v := range values {
		w := math.NaN()
		if !null(v) {
			var err error
			if w, err = numberOf(v); err != nil {
				return false
			}
		}
		if !t.holds(numberAt(b.Output(0), k), w) {
			return false
		}
	}
	return true
}

func null(text []byte) bool { return string(text) == "null" }

func numberAt(t *onnx.Tensor, i int) float64 {
	if t.DType.IsInteger() {
		return float64(t.I64[i])
	}
	return floatAt(t, i)
}
