package catboost

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
	// Labels are several answers of yes or no, and one probability each.
	Labels
)

// link is the function from a raw value to an answer.
type link uint8

const (
	identity link = iota
	logistic
	exponential
	softmax
	uncertainty // the mean, and the variance of the log of the standard deviation
)

type loss struct {
	kind Kind
	link link
}

var losses = map[string]loss{
	"Logloss": {Classifier, logistic}, "CrossEntropy": {Classifier, logistic}, "Focal": {Classifier, logistic},
	"MultiClass": {Classifier, softmax}, "MultiClassOneVsAll": {Classifier, logistic},
	"MultiLogloss": {Labels, logistic}, "MultiCrossEntropy": {Labels, logistic},
	"RMSE": {}, "MAE": {}, "Quantile": {}, "MultiQuantile": {}, "LogLinQuantile": {}, "Expectile": {}, "MAPE": {}, "Huber": {}, "LogCosh": {}, "Lq": {},
	"Cox": {}, "SurvivalAft": {}, "GroupQuantile": {}, "MultiRMSE": {}, "MultiRMSEWithMissingValues": {}, "RMSEWithUncertainty": {Regressor, uncertainty},
	"Poisson": {Regressor, exponential}, "Tweedie": {Regressor, exponential},
	"YetiRank": {}, "YetiRankPairwise": {}, "PairLogit": {}, "PairLogitPairwise": {}, "QueryRMSE": {}, "QuerySoftMax": {}, "StochasticRank": {}, "LambdaMart": {},
}

func (m *Model) setLoss(d *document) error {
	if d.loss == "" {
		return fmt.Errorf("the file does not say its loss, without which answers cannot be told from raw values: save it with CatBoost's save_model")
	}
	l, ok := losses[d.loss]
	if !ok {
		return fmt.Errorf("loss %q is not supported; supported: %s", d.loss, strings.Join(slices.Sorted(maps.Keys(losses)), ", "))
	}
	m.loss, m.kind, m.link = d.loss, l.kind, l.link
	switch {
	case l.kind == Classifier && (m.outputs == 1) != (l.link == logistic && d.loss != "MultiClassOneVsAll"):
		return fmt.Errorf("loss %s of %d dimensions", d.loss, m.outputs)
	case l.link == uncertainty && m.outputs != 2:
		return fmt.Errorf("loss %s of %d dimensions, want 2", d.loss, m.outputs)
	case l.kind != Classifier:
		return nil
	}
	return m.setClasses(d.classes)
}

// setClasses reads the labels: whole numbers, else text, as which fractions and truth values are answered.
func (m *Model) setClasses(names []any) error {
	if len(names) == 0 {
		for i := range m.Width() {
			m.integers = append(m.integers, int64(i))
		}
		return nil
	}
	if len(names) != m.Width() {
		return fmt.Errorf("class_names: want %d, got %d", m.Width(), len(names))
	}
	var texts []string
	for _, n := range names {
		switch v := n.(type) {
		case float64:
			if v == math.Trunc(v) && math.Abs(v) < 1<<53 {
				m.integers = append(m.integers, int64(v))
			}
			text := strconv.FormatFloat(v, 'g', -1, 64)
			if v == math.Trunc(v) && !strings.Contains(text, "e") {
				text += ".0"
			}
			texts = append(texts, text)
		case string:
			texts = append(texts, v)
		case bool:
			texts = append(texts, map[bool]string{false: "False", true: "True"}[v])
		default:
			return fmt.Errorf("class_names: %v is neither text nor a number", n)
		}
	}
	if len(m.integers) != len(names) {
		m.integers, m.texts = nil, texts
	}
	return nil
}

func sigmoid(x float64) float64 { return 1 / (1 + math.Exp(-x)) }

// softmaxOf replaces raw values by probabilities.
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
