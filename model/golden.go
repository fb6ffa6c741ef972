package model

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"path"
	"slices"

	"ml-service/onnx"
)

// golden is golden.json: bodies for POST /predict and what the model's own runtime answered.
type golden struct {
	Tolerance *struct {
		Absolute float64 `json:"absolute"`
		Relative float64 `json:"relative"`
	} `json:"tolerance"`
	Rows    []json.RawMessage `json:"rows"`
	Answers []struct {
		Prediction json.RawMessage `json:"prediction"`
		Confidence *float64        `json:"confidence"`
	} `json:"answers"`
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
	var g golden
	if err := json.Unmarshal(data, &g); err != nil {
		return err
	}
	if len(g.Rows) == 0 || len(g.Rows) != len(g.Answers) {
		return fmt.Errorf("want rows and as many answers, got %d and %d", len(g.Rows), len(g.Answers))
	}
	if m.kind == Raw {
		return errors.New("want a classifier or a regressor: the outputs of other models are not compared")
	}
	tolerance := tolerance{absolute: 1e-6, relative: 1e-5}
	if g.Tolerance != nil {
		tolerance.absolute, tolerance.relative = g.Tolerance.Absolute, g.Tolerance.Relative
	}
	b := m.Batch()
	defer b.Release()
	for i, row := range g.Rows {
		if err := b.verify(row, g.Answers[i].Prediction, g.Answers[i].Confidence, tolerance); err != nil {
			return fmt.Errorf("row %d: %w", i, err)
		}
	}
	m.example = slices.Clone(g.Rows[0])
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
func (b *Batch) verify(row, prediction json.RawMessage, confidence *float64, t tolerance) error {
	if err := b.Decode(row); err != nil {
		return err
	}
	if err := b.Run(); err != nil {
		return err
	}
	if !b.single || !b.answersRows(1) {
		return errors.New("want one row and an answer to it")
	}
	if !b.predicts(prediction, t) {
		return fmt.Errorf("prediction: want %s, got %s", prediction, b.appendRow(nil, 0))
	}
	if confidence == nil {
		return nil
	}
	got, ok := b.Confidence(0)
	if !ok {
		return fmt.Errorf("confidence: want %v, got none", *confidence)
	}
	if !t.holds(got, *confidence) {
		return fmt.Errorf("confidence: want %v, got %v", *confidence, got)
	}
	return nil
}

// predicts says whether the first row's prediction is the wanted one: classes equal, values within t.
func (b *Batch) predicts(want json.RawMessage, t tolerance) bool {
	m := b.model
	if m.kind == Classifier {
		label := b.Output(m.label)
		if label.DType == onnx.String {
			var s string
			return json.Unmarshal(want, &s) == nil && s == label.Str[0]
		}
		var n float64
		return !null(want) && json.Unmarshal(want, &n) == nil && n == float64(label.I64[0])
	}
	values := []*float64{nil}
	if m.targets == 1 {
		if json.Unmarshal(want, &values[0]) != nil {
			return false
		}
	} else if json.Unmarshal(want, &values) != nil {
		return false
	}
	if len(values) != m.targets {
		return false
	}
	for k, v := range values {
		w := math.NaN()
		if v != nil {
			w = *v
		}
		if !t.holds(numberAt(b.Output(0), k), w) {
			return false
		}
	}
	return true
}

func null(raw json.RawMessage) bool { return bytes.Equal(raw, []byte("null")) }

func numberAt(t *onnx.Tensor, i int) float64 {
	if t.DType.IsInteger() {
		return float64(t.I64[i])
	}
	return floatAt(t, i)
}
