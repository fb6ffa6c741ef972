package handler

import (
	"encoding/json"
	"fmt"

	"ml-service/handler/oip"
	"ml-service/model"
	"ml-service/onnx"
)

// example is a request that the loaded model has answered, and its answer.
type example struct {
	Name            string
	Predict, Answer json.RawMessage // POST /predict
	Infer, Inferred json.RawMessage // POST /v2/models/{name}/infer
	Invoke, Invoked json.RawMessage // POST /invocations; nil where it takes no such rows
}

// examples are one row and two rows that the model has answered just now. A model that takes none of
// the rows tried has no examples, rather than ones that fail when sent.
func (s *Service) examples() []example {
	row, ok := s.exampleRow()
	if !ok {
		return nil
	}
	var found []example
	for i, x := range []struct{ name, body string }{
		{"one row", `{"x":` + row + `}`},
		{"two rows", `{"x":[` + row + `,` + row + `]}`},
	} {
		if e, err := s.answerExample([]byte(x.body)); err == nil {
			e.Name = x.name
			e.Invoke, e.Invoked = s.platformExample(row, i+1)
			found = append(found, e)
		}
	}
	return found
}

// exampleRow is the x of a request that the model answers: its first golden row, or a row of a few
// values that most models take.
func (s *Service) exampleRow() (string, bool) {
	var golden struct{ X json.RawMessage }
	if s.example != nil && json.Unmarshal(s.example, &golden) == nil && golden.X != nil {
		return string(golden.X), true
	}
	for _, text := range []string{"a", "", "0"} {
		for _, number := range []string{"0.5", "0.0", "1.0"} {
			row := tryRow(s.model, text, number)
			if _, err := s.answerExample([]byte(`{"x":` + row + `}`)); err == nil {
				return row, true
			}
		}
	}
	return "", false
}

// tryRow is a row of one repeated value of each kind.
func tryRow(m *model.Model, text, number string) string {
	var values []string
	for _, in := range m.Inputs() {
		value := number
		switch {
		case in.DType == onnx.String && len(in.Categories) > 0:
			value, _ = quoted(in.Categories[0])
		case len(in.Categories) > 0:
			value = in.Categories[0]
		case in.DType == onnx.String:
			value, _ = quoted(text)
		case in.DType == onnx.Bool:
			value = "true"
		case in.DType.IsInteger():
			value = number[:1]
		}
		if len(m.Inputs()) == 1 || in.Width != 1 || in.Rank > 2 {
			value = nestedRow(in, value)
		}
		values = append(values, value)
	}
	if len(values) == 1 {
		return values[0]
	}
	row := "{"
	for i, in := range m.Inputs() {
		if i > 0 {
			row += ","
		}
		key, _ := quoted(in.Name)
		row += key + ":" + values[i]
	}
	return row + "}"
}

func quoted(s string) (string, error) {
	b, err := json.Marshal(s)
	return string(b), err
}

// nestedRow repeats value in lists as deep and as long as a row of in is.
func nestedRow(in model.Input, value string) string {
	dims := []int{max(in.Width, 1)}
	if len(in.Shape) > 2 {
		dims = in.Shape[1:]
	}
	for i := len(dims) - 1; i >= 0; i-- {
		row := "["
		for k := range max(dims[i], 1) {
			if k > 0 {
				row += ","
			}
			row += value
		}
		value = row + "]"
	}
	return value
}

// answerExample runs a body of POST /predict and gives it with its answer, in that form and as tensors.
func (s *Service) answerExample(body []byte) (example, error) {
	p := s.codec.Request()
	defer p.Release()
	if err := p.Decode(body); err != nil {
		return example{}, err
	}
	infer := []byte(`{"id":"1","inputs":[`)
	for i, in := range s.model.Inputs() {
		if i > 0 {
			infer = append(infer, ',')
		}
		infer = oip.AppendTensor(infer, in.Name, p.Batch.Input(i))
	}
	infer = append(infer, `]}`...)
	for i := range s.model.Outputs() {
		p.Batch.Keep(i)
	}
	if err := p.Batch.Run(nil); err != nil {
		return example{}, err
	}
	a := oip.Answer{Model: s.name, Version: s.model.Version(), ID: "1", Values: s.model.Outputs()}
	for i := range a.Values {
		a.Outputs = append(a.Outputs, oip.Output{Index: i})
	}
	inferred, _ := a.Append(nil, p.Batch.Output)
	e := example{Predict: body, Answer: p.AppendAnswer(nil), Infer: infer, Inferred: inferred}
	if !json.Valid(e.Answer) || !json.Valid(e.Inferred) {
		return example{}, fmt.Errorf("the answer is not JSON: %s", e.Answer)
	}
	return e, nil
}
