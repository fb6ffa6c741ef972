// Package compare sends the same rows to both sides of a release and says what changed: a census, not a sample, so nothing
// is tested where everything is counted.
package compare

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	"ml-service/rollout"
)

// Options say how two sides are compared.
type Options struct {
	Old, New  rollout.Side
	Pace      time.Duration // between two rows; 0: none
	Threshold float64       // of the positive class's score, or of a regressor's value; NaN: none
	Tolerance float64       // numbers that differ by less are the same, absolutely up to 1 and relatively above
	Progress  func(done, all int)
}

// DefaultTolerance is what float32 arithmetic in another order may change.
const DefaultTolerance = 1e-5

// Result is what came of it.
type Result struct {
	Old         rollout.Side `json:"old"`
	New         rollout.Side `json:"new"`
	OldVersion  string       `json:"old_version"`
	NewVersion  string       `json:"new_version"`
	Requests    int          `json:"requests"`
	Rows        int          `json:"rows"` // of all answers; a batch has several
	Changed     int          `json:"changed"`
	Share       float64      `json:"share"`          // Changed of Rows
	Refused     Refusals     `json:"refused"`        // requests; what the new side alone refuses counts as changed
	OldWarnings int          `json:"old_warnings"`   // answers with warnings
	NewWarnings int          `json:"new_warnings"`   //
	Flips       *int         `json:"flips"`          // rows on another side of the threshold
	Classes     []string     `json:"classes"`        // of the table; absent for numbers
	Table       [][]int      `json:"table"`          // old class by row, new class by column
	Differences *Spread      `json:"differences"`    // new minus old, for numbers
	OldSeconds  Spread       `json:"old_seconds"`    // of a request
	NewSeconds  Spread       `json:"new_seconds"`    //
	Labels      *Labels      `json:"labels"`         // where answers are known
	Most        []Change     `json:"most"`           // rows that changed most
	Score       float64      `json:"score_change"`   // mean absolute change of the confidence, where both have one
	Points      [][2]float64 `json:"-"`              // old and new score or value, for the picture
	OldTimes    []float64    `json:"-"`              // sorted
	NewTimes    []float64    `json:"-"`              //
	What        string       `json:"what,omitempty"` // that Points are
}

// Refusals are requests that a side did not answer with 200.
type Refusals struct {
	OldAlone int    `json:"old_alone"`
	NewAlone int    `json:"new_alone"`
	Both     int    `json:"both"`
	First    string `json:"first,omitempty"` // of NewAlone
}

// Spread is a distribution in short.
type Spread struct {
	Count int     `json:"count"`
	Mean  float64 `json:"mean"`
	Least float64 `json:"least"`
	P5    float64 `json:"p5"`
	P50   float64 `json:"p50"`
	P95   float64 `json:"p95"`
	Most  float64 `json:"most"`
}

// Labels say how often each side was right.
type Labels struct {
	Rows        int      `json:"rows"`
	OldRight    int      `json:"old_right"`
	NewRight    int      `json:"new_right"`
	OldLogLoss  *float64 `json:"old_log_loss,omitempty"` // two classes, all rows with a confidence
	NewLogLoss  *float64 `json:"new_log_loss,omitempty"`
	OldRMSE     *float64 `json:"old_rmse,omitempty"`
	NewRMSE     *float64 `json:"new_rmse,omitempty"`
	NewWrong    int      `json:"new_wrong_alone"` // for numbers: further from the answer than the other side
	OldWrong    int      `json:"old_wrong_alone"`
	Log10EValue float64  `json:"log10_e_value"` // against "the new side is no worse"; 2 is 1 of 100
}

// Change is one row that changed.
type Change struct {
	Where string          `json:"where"`
	Body  json.RawMessage `json:"body"`
	Old   string          `json:"old"`
	New   string          `json:"new"`
	By    float64         `json:"by"`
}

// mostChanges are how many of the rows that changed most are shown.
const mostChanges = 10

// prediction is one row of an answer.
type prediction struct {
	Prediction json.RawMessage `json:"prediction"`
	Confidence *float64        `json:"confidence"`
}

func (p prediction) String() string {
	if p.Confidence != nil {
		return fmt.Sprintf("%s (%g)", p.Prediction, *p.Confidence)
	}
	return string(p.Prediction)
}

// answer is what a side said.
type answer struct {
	rows    []prediction
	version string
	warned  bool
	refused string // status and body; "" is 200
	seconds float64
}

// Run sends every row to both sides. An error is of the sending; what a side refuses is a result.
func Run(ctx context.Context, asker rollout.Asker, rows []Row, o Options) (*Result, error) {
	if len(rows) == 0 {
		return nil, errors.New("no rows to compare")
	}
	c := &census{Options: o, result: &Result{Old: o.Old, New: o.New}, classes: map[string]int{}}
	for k, row := range rows {
		if k > 0 && o.Pace > 0 {
			select {
			case <-ctx.Done():
				return nil, ctx.Err()
			case <-time.After(o.Pace):
			}
		}
		sides := []rollout.Side{o.Old, o.New}
		if k%2 == 1 { // neither is always the first to meet a row
			slices.Reverse(sides)
		}
		answers := map[rollout.Side]answer{}
		for _, side := range sides {
			a, err := ask(ctx, asker, side, row)
			if err != nil {
				return nil, fmt.Errorf("%s to %s: %w", row.Where, side, err)
			}
			answers[side] = a
		}
		if err := c.add(row, answers[o.Old], answers[o.New]); err != nil {
			return nil, fmt.Errorf("%s: %w", row.Where, err)
		}
		if o.Progress != nil {
			o.Progress(k+1, len(rows))
		}
	}
	return c.end(), nil
}

func ask(ctx context.Context, asker rollout.Asker, side rollout.Side, row Row) (answer, error) {
	got, err := asker.Ask(ctx, side, rollout.Request{Method: http.MethodPost, Path: "/predict", Body: row.Body, Header: http.Header{"Content-Type": {"application/json"}}})
	if err != nil {
		return answer{}, err
	}
	a := answer{seconds: got.Seconds, version: got.Header.Get("X-Model-Version")}
	if got.Status != http.StatusOK {
		a.refused = fmt.Sprintf("%d %.200s", got.Status, got.Body)
		return a, nil
	}
	var body struct {
		prediction
		Predictions []prediction
		Warnings    []string
	}
	if err := json.Unmarshal(got.Body, &body); err != nil {
		return a, fmt.Errorf("answer %.100q: %w", got.Body, err)
	}
	a.rows, a.warned = body.Predictions, len(body.Warnings) > 0
	if a.rows == nil {
		if body.Prediction == nil {
			return a, fmt.Errorf("answer %.100q has no prediction: only classifiers and regressors are compared", got.Body)
		}
		a.rows = []prediction{body.prediction}
	}
	return a, nil
}
