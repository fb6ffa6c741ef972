package xgboost

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"ml-service/tree"
)

// maxFeatures is far above what is trained; a file's claim costs some bytes a feature.
const maxFeatures = 1 << 20

// Model is a checked and compiled model. It is immutable and may be used by many goroutines.
type Model struct {
	features    int
	columns     []Column
	kind        Kind
	objective   string
	link        link
	outputs     int // margins a row
	base        []float32
	trees       *tree.Ensemble[float32] // nil: none
	categorical []int                   // the columns that are split by category
	linear      []float32               // weights of gblinear, then biases; nil: not linear
	version     string
}

// Load reads a file of JSON or UBJ. It does not keep data.
func Load(data []byte) (*Model, error) {
	m, err := load(data)
	if err != nil {
		return nil, fmt.Errorf("xgboost: %w", err)
	}
	return m, nil
}

func load(data []byte) (*Model, error) {
	d, err := parse(data)
	if err != nil {
		return nil, err
	}
	o, err := objectiveOf(d.objective)
	if err != nil {
		return nil, err
	}
	if d.features < 1 || d.features > maxFeatures {
		return nil, fmt.Errorf("num_feature: want 1 to %d, got %d", maxFeatures, d.features)
	}
	m := &Model{features: d.features, objective: d.objective, link: o.link, outputs: max(d.classes, d.targets, 1), version: versionOf(d.version)}
	switch {
	case m.outputs > len(data):
		return nil, fmt.Errorf("%d outputs, more than the file has bytes", m.outputs)
	case o.link == softmax && m.outputs < 2:
		return nil, fmt.Errorf("num_class: want at least 2 for %s, got %d", d.objective, d.classes)
	case o.classes && o.link != softmax && d.classes > 1:
		return nil, fmt.Errorf("num_class: want none for %s, got %d", d.objective, d.classes)
	case o.link == hinge && m.outputs > 1:
		return nil, fmt.Errorf("several outputs of %s are not supported", d.objective)
	case o.classes && o.link != softmax && m.outputs > 1:
		m.kind = Labels
	case o.classes:
		m.kind = Classifier
	}
	if m.base, err = o.baseMargins(d.base, m.outputs); err != nil {
		return nil, err
	}
	if m.columns, err = d.columns(); err != nil {
		return nil, err
	}
	switch d.booster {
	case "gblinear":
		m.linear = d.weights
		if want := (d.features + 1) * m.outputs; len(m.linear) != want {
			return nil, fmt.Errorf("weights: want %d, of %d features and a bias for each of %d outputs, got %d", want, d.features, m.outputs, len(m.linear))
		}
		return m, nil
	case "gbtree", "dart":
		n, err := d.used(m.outputs)
		if err != nil {
			return nil, err
		}
		m.trees, m.categorical, err = d.ensemble(n, m.outputs, m.base)
		return m, err
	}
	return nil, fmt.Errorf("booster %q is not supported; supported: gbtree, dart, gblinear", d.booster)
}

func versionOf(parts []int64) string {
	var words []string
	for _, p := range parts {
		words = append(words, strconv.FormatInt(p, 10))
	}
	return strings.Join(words, ".")
}

// Version is the version of XGBoost that wrote the file.
func (m *Model) Version() string { return m.version }

// Objective is the name of the objective.
func (m *Model) Objective() string { return m.objective }

// Kind is what the model answers.
func (m *Model) Kind() Kind { return m.kind }

// Features is the number of values a row.
func (m *Model) Features() int { return m.features }

// Columns are the values of a row; nil where the file names neither features nor categories. They are only to be read.
func (m *Model) Columns() []Column { return m.columns }

// Outputs is the number of margins a row.
func (m *Model) Outputs() int { return m.outputs }

// Width is the number of scores a row: two of a binary classifier, else one an output.
func (m *Model) Width() int {
	if m.kind == Classifier {
		return max(m.outputs, 2)
	}
	return m.outputs
}

// Trees is the number of trees that are used.
func (m *Model) Trees() int {
	if m.trees == nil {
		return 0
	}
	return m.trees.Trees()
}

// A ValueError is a value that XGBoost refuses.
type ValueError struct {
	Row, Column int
	Message     string
}

// Error gives the place and the message.
func (e *ValueError) Error() string {
	return fmt.Sprintf("row %d, column %d: %s", e.Row, e.Column, e.Message)
}

// Scratch is how many bytes Raw needs at most beside its arguments for so many rows. They are kept for the next call.
func (m *Model) Scratch(rows int) int {
	if m.trees == nil {
		return 0
	}
	return m.trees.Scratch(rows)
}

// Raw gives the margins of rows: rows*Outputs() values of rows*Features(), both row-major. NaN is a missing value; a category is its code.
// It changes codes in x to what the trees tell apart. A *ValueError is an infinity.
func (m *Model) Raw(margins, x []float32, rows int) error {
	width := m.features
	x, margins = x[:rows*width], margins[:rows*m.outputs]
	for i, v := range x {
		if v-v != 0 && v == v {
			return &ValueError{i / width, i % width, "want a finite number or a missing value, got an infinity"}
		}
	}
	for _, f := range m.categorical {
		for i := f; i < len(x); i += width {
			switch v := x[i]; {
			case v < 0 || v >= maxCode:
				x[i] = -1
			case v == v:
				x[i] = float32(math.Trunc(float64(v)))
			}
		}
	}
	switch {
	case m.linear != nil:
		m.sums(margins, x, rows)
	case m.trees != nil:
		m.trees.Eval(margins, x, rows)
	default:
		for i := range margins {
			margins[i] = m.base[i%m.outputs]
		}
	}
	return nil
}

// sums evaluates gblinear: bias and base first, then the features in order, each rounded. XGBoost 3.1 and 3.2 write a base_score for each
// output and add the first of them to all.
func (m *Model) sums(margins, x []float32, rows int) {
	width, k := m.features, m.outputs
	for r := range rows {
		row := x[r*width : (r+1)*width]
		for o := range k {
			sum := m.linear[width*k+o] + m.base[0]
			for i, v := range row {
				if v == v {
					sum += float32(v * m.linear[i*k+o])
				}
			}
			margins[r*k+o] = sum
		}
	}
}

// Scores turns margins into what predict_proba answers (Classifier, Labels) or predict (Regressor): rows*Width() values.
func (m *Model) Scores(scores, margins []float32, rows int) {
	scores, margins = scores[:rows*m.Width()], margins[:rows*m.outputs]
	if m.kind == Classifier && m.outputs == 1 {
		for i, v := range margins {
			p := m.answer(v)
			scores[2*i], scores[2*i+1] = 1-p, p
		}
		return
	}
	if m.link == softmax {
		copy(scores, margins)
		for i := 0; i < len(scores); i += m.outputs {
			softmaxOf(scores[i : i+m.outputs])
		}
		return
	}
	for i, v := range margins {
		scores[i] = m.answer(v)
	}
}

func (m *Model) answer(margin float32) float32 {
	switch m.link {
	case logistic:
		return sigmoid(margin)
	case exponential:
		return exp(margin)
	case hinge:
		if margin > 0 {
			return 1
		}
		return 0
	}
	return margin
}

// Class is the predicted class of a row of margins and scores. multi:softprob takes the largest score or else the first NaN, as numpy
// does; multi:softmax the largest margin.
func (m *Model) Class(margins, scores []float32) int {
	if m.outputs == 1 {
		if scores[1] > 0.5 {
			return 1
		}
		return 0
	}
	of := scores[:m.outputs]
	if m.objective == "multi:softmax" {
		of = margins[:m.outputs]
	}
	best := 0
	for i, v := range of {
		if v > of[best] || v != v && m.objective != "multi:softmax" {
			if best = i; v != v {
				break
			}
		}
	}
	return best
}
