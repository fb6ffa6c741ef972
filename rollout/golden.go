package rollout

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"net/http"
)

// Golden are bodies for POST /predict and the answers a model has to give: golden.json.
type Golden struct {
	Tolerance struct {
		Absolute float64 `json:"absolute"`
		Relative float64 `json:"relative"`
	} `json:"tolerance"`
	Rows    []json.RawMessage `json:"rows"`
	Answers []struct {
		Prediction any      `json:"prediction"`
		Confidence *float64 `json:"confidence"`
	} `json:"answers"`
}

// ReadGolden reads golden.json.
func ReadGolden(text []byte) (Golden, error) {
	var g Golden
	g.Tolerance.Absolute, g.Tolerance.Relative = 1e-6, 1e-5
	if err := json.Unmarshal(text, &g); err != nil {
		return g, fmt.Errorf("golden rows: %w", err)
	}
	if len(g.Rows) == 0 || len(g.Rows) != len(g.Answers) {
		return g, fmt.Errorf("golden rows: want rows and as many answers, got %d and %d", len(g.Rows), len(g.Answers))
	}
	return g, nil
}

// Check sends every row to a side and gives the first answer that is not the one it has to be.
func (g Golden) Check(ctx context.Context, asker Asker, side Side) error {
	for i, row := range g.Rows {
		answer, err := asker.Ask(ctx, side, Request{Method: http.MethodPost, Path: "/predict", Body: row,
			Header: http.Header{"Content-Type": {"application/json"}}})
		if err != nil {
			return fmt.Errorf("golden row %d: %w", i, err)
		}
		if answer.Status != http.StatusOK {
			return fmt.Errorf("golden row %d: status %d: %.300s", i, answer.Status, answer.Body)
		}
		var got struct {
			Prediction any      `json:"prediction"`
			Confidence *float64 `json:"confidence"`
		}
		if err := json.Unmarshal(answer.Body, &got); err != nil {
			return fmt.Errorf("golden row %d: %w: %.300s", i, err, answer.Body)
		}
		want := g.Answers[i]
		if !g.same(got.Prediction, want.Prediction) {
			return fmt.Errorf("golden row %d: prediction %v, want %v", i, got.Prediction, want.Prediction)
		}
		if want.Confidence == nil {
			continue
		}
		// The service rounds to three decimals.
		if got.Confidence == nil || math.Abs(*got.Confidence-*want.Confidence) > 0.0005+g.Tolerance.Absolute+g.Tolerance.Relative*math.Abs(*want.Confidence) {
			return fmt.Errorf("golden row %d: confidence %v, want %v", i, number(got.Confidence), *want.Confidence)
		}
	}
	return nil
}

func number(p *float64) any {
	if p == nil {
		return "none"
	}
	return *p
}

func (g Golden) same(got, want any) bool {
	switch w := want.(type) {
	case float64:
		f, ok := got.(float64)
		return ok && math.Abs(f-w) <= g.Tolerance.Absolute+g.Tolerance.Relative*math.Abs(w)
	case []any:
		list, ok := got.([]any)
		if !ok || len(list) != len(w) {
			return false
		}
		for i := range w {
			if !g.same(list[i], w[i]) {
				return false
			}
		}
		return true
	default:
		return got == want
	}
}
