package xgboost

import (
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
)

// Kind is what a model answers.
type Kind uint8

const (
	// Regressor answers one number an output.
	Regressor Kind = iota
	// Classifier answers a class, and one score a class.
	Classifier
	// Labels are several answers of yes or no, and one probability each.
	Labels
)

// link is a function between margins and answers.
type link uint8

const (
	identity link = iota
	logistic
	exponential
	hinge
	softmax
)

// objective is what an objective makes of margins, and of base_score.
type objective struct {
	link    link // from a margin to an answer
	base    link // base_score is kept as the answer of this link
	classes bool // it classifies
}

var objectives = map[string]objective{
	"binary:logistic":      {link: logistic, base: logistic, classes: true},
	"binary:hinge":         {link: hinge, classes: true},
	"binary:logitraw":      {},
	"multi:softmax":        {link: softmax, classes: true},
	"multi:softprob":       {link: softmax, classes: true},
	"reg:logistic":         {link: logistic, base: logistic},
	"reg:squarederror":     {},
	"reg:linear":           {}, // an older name of reg:squarederror
	"reg:squaredlogerror":  {},
	"reg:pseudohubererror": {},
	"reg:absoluteerror":    {},
	"reg:quantileerror":    {},
	"reg:gamma":            {link: exponential, base: exponential},
	"reg:tweedie":          {link: exponential, base: exponential},
	"count:poisson":        {link: exponential, base: exponential},
	"survival:cox":         {link: exponential, base: exponential},
	"survival:aft":         {link: exponential, base: exponential},
	"rank:ndcg":            {},
	"rank:map":             {},
	"rank:pairwise":        {},
}

func objectiveOf(name string) (objective, error) {
	o, ok := objectives[name]
	if !ok {
		return o, fmt.Errorf("objective %q is not supported; supported: %s", name, strings.Join(slices.Sorted(maps.Keys(objectives)), ", "))
	}
	return o, nil
}

// baseMargins reads base_score: one number, or since 3.1 a list of one for each output, as text.
func (o objective) baseMargins(text string, outputs int) ([]float32, error) {
	list := []string{text}
	if strings.HasPrefix(text, "[") {
		var values []json.Number
		if err := json.Unmarshal([]byte(text), &values); err != nil {
			return nil, fmt.Errorf("base_score: want a number or a list of numbers, got %q", text)
		}
		list = nil
		for _, v := range values {
			list = append(list, v.String())
		}
	}
	if len(list) != 1 && len(list) != outputs {
		return nil, fmt.Errorf("base_score: want 1 or %d numbers, got %d", outputs, len(list))
	}
	margins := make([]float32, outputs)
	for i := range margins {
		word := list[min(i, len(list)-1)]
		b, err := strconv.ParseFloat(word, 32)
		if err != nil {
			return nil, fmt.Errorf("base_score: want a number, got %q", word)
		}
		margins[i] = o.margin(float32(b))
		if m := float64(margins[i]); math.IsNaN(m) || math.IsInf(m, 0) {
			return nil, fmt.Errorf("base_score %s cannot be an answer of this objective", word)
		}
	}
	return margins, nil
}

// margin is the margin of a base_score, rounded where XGBoost rounds.
func (o objective) margin(b float32) float32 {
	switch o.base {
	case logistic:
		odds := 1/b - 1
		return -float32(math.Log(float64(odds)))
	case exponential:
		return float32(math.Log(float64(b)))
	}
	return b
}

// exp is rounded once.
func exp(x float32) float32 { return float32(math.Exp(float64(x))) }

func sigmoid(x float32) float32 { return 1 / (1 + exp(-x)) }

// softmaxOf replaces margins by probabilities.
func softmaxOf(row []float32) {
	most := row[0]
	for _, v := range row {
		most = max(most, v)
	}
	sum := float32(0)
	for i, v := range row {
		row[i] = exp(v - most)
		sum += row[i]
	}
	for i := range row {
		row[i] /= sum
	}
}
