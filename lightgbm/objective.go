package lightgbm

import (
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
)

// link is the function from a raw score to an answer.
type link uint8

const (
	identity link = iota
	square        // of its own sign
	exponential
	logistic
	softplus
	softmax
)

var objectives = map[string]link{
	"binary": logistic, "multiclass": softmax, "multiclassova": logistic,
	"cross_entropy": logistic, "cross_entropy_lambda": softplus,
	"poisson": exponential, "gamma": exponential, "tweedie": exponential,
	"regression": identity, "regression_l1": identity, "huber": identity, "fair": identity, "quantile": identity, "mape": identity,
	"lambdarank": identity, "rank_xendcg": identity, "custom": identity,
}

// objective reads the line of that name: its link, the steepness of a sigmoid, and whether it classifies. A file without one was
// trained with a function of the user's own.
func (m *Model) setObjective(words []string) error {
	m.steepness = 1
	if len(words) == 0 {
		return nil
	}
	l, ok := objectives[words[0]]
	if !ok {
		return fmt.Errorf("objective %q is not supported; supported: %s", words[0], strings.Join(slices.Sorted(maps.Keys(objectives)), ", "))
	}
	m.objective, m.link = words[0], l
	for _, w := range words[1:] {
		name, value, _ := strings.Cut(w, ":")
		switch name {
		case "sqrt":
			m.link = square
		case "sigmoid":
			s, err := strconv.ParseFloat(value, 64)
			if err != nil || !(s > 0) || math.IsInf(s, 0) {
				return fmt.Errorf("objective %s: want a sigmoid above 0, got %q", words[0], value)
			}
			if l == logistic && words[0] != "cross_entropy" {
				m.steepness = s
			}
		}
	}
	switch words[0] {
	case "binary":
		m.kind = Classifier
		if m.outputs != 1 {
			return fmt.Errorf("objective binary with %d trees an iteration", m.outputs)
		}
	case "multiclass", "multiclassova":
		m.kind = Classifier
		if m.outputs < 2 {
			return fmt.Errorf("objective %s with %d trees an iteration", words[0], m.outputs)
		}
	}
	return nil
}

func (m *Model) answer(raw float64) float64 {
	switch m.link {
	case logistic:
		return 1 / (1 + math.Exp(-float64(m.steepness*raw)))
	case exponential:
		return math.Exp(raw)
	case softplus:
		return math.Log1p(math.Exp(raw))
	case square:
		return math.Copysign(float64(raw*raw), raw)
	}
	return raw
}

// softmaxOf replaces raw scores by probabilities.
func softmaxOf(row []float64) {
	most := row[0]
	for _, v := range row {
		most = max(most, v)
	}
	sum := 0.0
	for i, v := range row {
		row[i] = math.Exp(v - most)
		sum += row[i]
	}
	for i := range row {
		row[i] /= sum
	}
}
