package handler

import (
	"encoding/json"
	"fmt"

	"ml-service/handler/oip"
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
