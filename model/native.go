package model

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"

	"ml-service/onnx"
)

// MissingText stands for a missing value in an input of strings. It is no UTF-8, so that no caller can send it as text.
const MissingText = "\xff"

// native is a file of XGBoost, LightGBM or CatBoost as an evaluator. Where the file names no categories, it has one input of all
// features; else one input a feature. Its last output, raw, is what the library answers before its transform.
type native[T float32 | float64] struct {
	library  string
	columns  []nativeColumn[T] // one a feature; nil: the features are numbers without names
	features int
	numbers  onnx.DType // of features that are numbers

	raws, width int // values a row before and after the transform
	raw         func(raw, x []T, rows int) error
	scratch     func(rows int) int // bytes that raw needs at most beside its arguments
	scores      func(scores, raw []T, rows int)
	class       func(raw, scores []T) int // of a classifier; else nil
	yes         func(score T) bool        // of several answers of yes or no; else nil
	labels      *onnx.Tensor              // of a classifier: the labels of its classes

	inputs, outputs []onnx.Value
	grouped         bool // one input has all features
	metadata        map[string]string
}

// nativeColumn is one feature. text and number give what a row holds for a category; both nil: the feature is a number.
type nativeColumn[T float32 | float64] struct {
	name       string
	categories []string // as text; nil: any, or none
	closed     bool     // a category that is not among them is refused
	text       func(string) (value T, known bool)
	number     func(float64) (value T, known bool)
	optional   bool // a missing value may stand here
}

// value is the type of T.
func dtypeOf[T float32 | float64]() onnx.DType {
	var z T
	if _, ok := any(z).(float32); ok {
		return onnx.Float32
	}
	return onnx.Float64
}

// describe makes the inputs and outputs; own is what lies beside the file.
func (n *native[T]) describe(own map[string]string) error {
	n.metadata = map[string]string{}
	n.grouped = !slices.ContainsFunc(n.columns, func(c nativeColumn[T]) bool { return c.text != nil || c.number != nil })
	if err := n.rename(own); err != nil {
		return err
	}
	n.setInputs()
	if err := n.setLabels(own["class_labels"]); err != nil {
		return err
	}
	values := dtypeOf[T]()
	raw := onnx.Value{Name: "raw", DType: values, Shape: []int{-1, n.raws}, Operator: n.library}
	switch {
	case n.class != nil:
		n.outputs = []onnx.Value{
			{Name: "label", DType: n.labels.DType, Shape: []int{-1}, Role: onnx.Label, Operator: n.library},
			{Name: "probabilities", DType: values, Shape: []int{-1, n.width}, Role: onnx.Scores, Labels: n.labels, Operator: n.library},
			raw,
		}
	case n.yes != nil:
		n.outputs = []onnx.Value{
			{Name: "labels", DType: onnx.Int64, Shape: []int{-1, n.width}, Operator: n.library},
			{Name: "probabilities", DType: values, Shape: []int{-1, n.width}, Operator: n.library},
			raw,
		}
	default:
		n.outputs = []onnx.Value{{Name: "prediction", DType: values, Shape: []int{-1, n.width}, Role: onnx.Targets, Operator: n.library}, raw}
	}
	return nil
}

// rename gives the inputs the names of metadata.json: LightGBM's file has none with spaces. A list of another length is told of by
// the model.
func (n *native[T]) rename(own map[string]string) error {
	names, err := listOf(own, "feature_names")
	if err != nil || n.grouped || len(names) != len(n.columns) {
		return err
	}
	seen := make(map[string]bool, len(names))
	for i, name := range names {
		if seen[name] {
			return fmt.Errorf("metadata feature_names: %q is there twice, and each is an input of its own", name)
		}
		seen[name], n.columns[i].name = true, name
	}
	return nil
}

func (n *native[T]) setInputs() {
	if n.grouped {
		n.inputs = []onnx.Value{{Name: "x", DType: n.numbers, Shape: []int{-1, n.features}, Missing: true}}
		if n.columns != nil {
			names := make([]string, len(n.columns))
			for i, c := range n.columns {
				names[i] = c.name
			}
			text, _ := json.Marshal(names) // strings alone cannot fail
			n.metadata["feature_names"] = string(text)
		}
		return
	}
	for _, c := range n.columns {
		v := onnx.Value{Name: c.name, DType: n.numbers, Shape: []int{-1, 1}, Missing: c.optional}
		switch {
		case c.text != nil:
			v.DType = onnx.String
		case c.number != nil:
			v.DType = onnx.Float64 // which holds every whole number that is a category
		}
		n.inputs = append(n.inputs, v)
	}
}

// setLabels takes the labels that lie beside a file that has none.
func (n *native[T]) setLabels(text string) error {
	if text == "" {
		if n.class != nil && n.labels == nil {
			n.labels = &onnx.Tensor{DType: onnx.Int64}
			for i := range n.width {
				n.labels.I64 = append(n.labels.I64, int64(i))
			}
			n.labels.Shape = []int{n.width}
		}
		return nil
	}
	if n.class == nil || n.labels != nil {
		return fmt.Errorf("metadata class_labels: the model classifies nothing, or has its own labels")
	}
	var whole []int64
	if json.Unmarshal([]byte(text), &whole) == nil && len(whole) == n.width {
		n.labels = &onnx.Tensor{DType: onnx.Int64, Shape: []int{n.width}, I64: whole}
		return nil
	}
	var texts []string
	if err := json.Unmarshal([]byte(text), &texts); err != nil || len(texts) != n.width {
		return fmt.Errorf("metadata class_labels: want a JSON list of %d strings or whole numbers, got %s", n.width, text)
	}
	n.labels = &onnx.Tensor{DType: onnx.String, Shape: []int{n.width}, Str: texts}
	return nil
}

func (n *native[T]) Inputs() []onnx.Value        { return n.inputs }
func (n *native[T]) Outputs() []onnx.Value       { return n.outputs }
func (n *native[T]) Metadata() map[string]string { return n.metadata }

// RowWise: every row is answered by itself.
func (n *native[T]) RowWise() bool { return true }

// Memory is that of the inputs, of the rows put together, and of the outputs.
func (n *native[T]) Memory() onnx.Memory {
	m := onnx.Memory{Row: int64(n.features) * int64(dtypeOf[T]().HeldBytes()), Block: int64(n.scratch(math.MaxInt)), BlockRow: int64(n.scratch(1))}
	for _, v := range n.inputs {
		m.Row += rowElements(v, 0) * int64(v.DType.HeldBytes())
	}
	for _, v := range n.outputs {
		m.Row += rowElements(v, 0) * int64(v.DType.HeldBytes())
	}
	return m
}

// Extra is the number of last outputs that no prediction is read from.
func (n *native[T]) Extra() int { return 1 }

// Categories are those of an input of its own that the file knows; closed: no other is taken.
func (n *native[T]) Categories(input int) (categories []string, closed bool) {
	if n.grouped {
		return nil, false
	}
	return n.columns[input].categories, n.columns[input].closed
}

// nativeSession runs a native in memory of its own.
type nativeSession[T float32 | float64] struct {
	n                  *native[T]
	inputs, outputs    []*onnx.Tensor
	x                  []T
	raw, scores, label *onnx.Tensor

	unknown  []nativeUnknown // of this run, the first of each column
	unknowns int             // how many there were
}

func (n *native[T]) NewSession() session {
	values := dtypeOf[T]()
	s := &nativeSession[T]{n: n, raw: &onnx.Tensor{DType: values}, scores: &onnx.Tensor{DType: values}}
	for _, in := range n.inputs {
		s.inputs = append(s.inputs, &onnx.Tensor{DType: in.DType})
	}
	if n.class != nil || n.yes != nil {
		s.label = &onnx.Tensor{DType: n.outputs[0].DType}
		s.outputs = append(s.outputs, s.label)
	}
	s.outputs = append(s.outputs, s.scores, s.raw)
	return s
}

func (s *nativeSession[T]) Input(i int) *onnx.Tensor  { return s.inputs[i] }
func (s *nativeSession[T]) Output(i int) *onnx.Tensor { return s.outputs[i] }

// valuesOf is the memory of a tensor of type T.
func valuesOf[T float32 | float64](t *onnx.Tensor) []T {
	var values any = t.F64
	if t.DType == onnx.Float32 {
		values = t.F32
	}
	return values.([]T)
}

func (s *nativeSession[T]) Run() error {
	n := s.n
	rows, err := s.rows()
	if err != nil {
		return err
	}
	if err := s.gather(rows); err != nil {
		return err
	}
	s.raw.Resize(rows, n.raws)
	s.scores.Resize(rows, n.width)
	raw, scores := valuesOf[T](s.raw), valuesOf[T](s.scores)
	if err := n.raw(raw, s.x, rows); err != nil {
		return err
	}
	n.scores(scores, raw, rows)
	switch {
	case n.class != nil:
		s.label.Resize(rows)
		for r := range rows {
			k := n.class(raw[r*n.raws:(r+1)*n.raws], scores[r*n.width:(r+1)*n.width])
			if n.labels.DType == onnx.String {
				s.label.Str[r] = n.labels.Str[k]
			} else {
				s.label.I64[r] = n.labels.I64[k]
			}
		}
	case n.yes != nil:
		s.label.Resize(rows, n.width)
		for i, p := range scores {
			if s.label.I64[i] = 0; n.yes(p) {
				s.label.I64[i] = 1
			}
		}
	}
	return nil
}

// rows checks the inputs' shapes against the signature and each other.
func (s *nativeSession[T]) rows() (int, error) {
	rows := -1
	for i, t := range s.inputs {
		in := &s.n.inputs[i]
		if len(t.Shape) != 2 || t.Shape[1] != in.Shape[1] || t.DType != in.DType || rows >= 0 && t.Shape[0] != rows {
			return 0, &onnx.RunError{Input: in.Name, Message: fmt.Sprintf("want %s of shape [rows, %d], as many rows as other inputs, got %s of %v", in.DType, in.Shape[1], t.DType, t.Shape)}
		}
		rows = t.Shape[0]
	}
	return rows, nil
}

// gather puts the rows together as the library has them.
func (s *nativeSession[T]) gather(rows int) error {
	n := s.n
	s.unknown, s.unknowns = s.unknown[:0], 0
	if need := rows * n.features; cap(s.x) < need {
		s.x = make([]T, need)
	} else {
		s.x = s.x[:need]
	}
	if n.grouped {
		spread(s.x, s.inputs[0], 0, 1)
		return nil
	}
	for i, t := range s.inputs {
		c := &n.columns[i]
		switch {
		case c.text != nil:
			for r, text := range t.Str {
				v, ok := T(math.NaN()), true
				if text != MissingText || !c.optional {
					v, ok = c.text(text)
				}
				if !ok {
					if c.closed {
						return unknownCategory(c.name, r, text)
					}
					s.note(i, r)
				}
				s.x[r*n.features+i] = v
			}
		case c.number != nil:
			for r, number := range t.F64 {
				v, ok := T(math.NaN()), true
				if number == number {
					v, ok = c.number(number)
				}
				if !ok {
					if c.closed {
						return unknownCategory(c.name, r, fmt.Sprint(number))
					}
					s.note(i, r)
				}
				s.x[r*n.features+i] = v
			}
		default:
			spread(s.x, t, i, n.features)
		}
	}
	return nil
}

// spread copies a tensor of numbers to every stride-th place.
func spread[T float32 | float64](to []T, t *onnx.Tensor, first, stride int) {
	if stride == 1 && t.DType == dtypeOf[T]() {
		copy(to[first:], valuesOf[T](t))
		return
	}
	if t.DType == onnx.Float32 {
		for i, v := range t.F32 {
			to[first+i*stride] = T(v)
		}
		return
	}
	for i, v := range t.F64 {
		to[first+i*stride] = T(v)
	}
}

func unknownCategory(input string, row int, category string) error {
	return &onnx.RunError{Input: input, Element: []int{row, 0}, Message: fmt.Sprintf("want a category that the model was trained with, got %q", category)}
}

// element is where a feature of a row stands in the inputs.
func (n *native[T]) element(row, feature int) (input string, element []int) {
	if n.grouped {
		return n.inputs[0].Name, []int{row, feature}
	}
	return n.inputs[feature].Name, []int{row, 0}
}
