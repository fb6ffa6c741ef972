package main_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// fixture is a cases.json of onnx/testdata, as its README describes it. What /predict must say is worked out from
// it alone, not from the model.
type fixture struct {
	Name    string
	Expect  string
	Inputs  []struct{ Name, DType string }
	Outputs []struct {
		Name, DType string
		Exactness   exactness
	}
	Cases []testCase
}

type testCase struct {
	Name, Kind               string
	Inputs, Outputs, Library map[string]tensor
}

type tensor struct {
	DType string
	Shape []int
	Data  []json.RawMessage
	Keys  []json.RawMessage
}

// exactness is the tolerance of floats; "bits" and "exact" allow none.
type exactness struct{ Absolute, Relative float64 }

func (e *exactness) UnmarshalJSON(text []byte) error {
	if text[0] == '"' {
		return nil
	}
	type plain exactness
	return json.Unmarshal(text, (*plain)(e))
}

// Some models answer several numbers a row that are predictions of targets; with the rest, they are just outputs.
var severalTargets = []string{"forest_regressor_multi_output", "hand_regressor_average_base", "hand_regressor_logistic", "hand_regressor_max_base",
	"hand_regressor_min_base", "hand_regressor_softmax", "hand_regressor_softmax_zero", "hand_regressor_sum_base", "linear_regression_multi",
	"ml_linear_regressor_logistic", "ml_linear_regressor_softmax", "op_gemm_bias", "op_gemm_scalar_bias", "tree_ensemble_v5_classifier_softmax", "tree_ensemble_v5_members", "tree_regressor_multi_output", "xgb_regressor_multi_output"}

// classLabels are the labels of the columns where they are not 0, 1, 2…; the names are prefixes. Where class_ids names two classes
// ONNX Runtime answers literally 0 and 1, whatever the file calls them.
var classLabels = map[string][]string{
	"hand_binary_only_id":           {"4", "9"},
	"hand_binary_strings":           {`"no"`, `"yes"`},
	"hand_three_classes_ties":       {"7", "3", "5"},
	"logreg_binary_strings":         {`"benign"`, `"malignant"`},
	"ml_linear_classifier_one_row_": {"5", "6"},
	"ml_linear_classifier_three_":   {`"c"`, `"a"`, `"b"`},
}

// keepsRows are the models whose output has one row whatever the batch.
var keepsRows = []string{"ml_feature_extractor_one_dim"}

// nullAllowed are the models that have an Imputer for NaN or a tree that tracks missing values; the names are prefixes.
var nullAllowed = []string{"hand_binary_", "hand_regressor_", "hand_three_classes_ties", "hist_gradient_boosting_", "imputer_", "lgbm_", "simple_imputer_",
	"titanic_", "tree_ensemble_v5_members", "xgb_binary_nan", "xgb_multiclass_softmax_nan", "xgb_regressor_nan", "forest_regressor_packed_attributes"}

func (f *fixture) allowsNull() bool {
	return slices.ContainsFunc(nullAllowed, func(p string) bool { return strings.HasPrefix(f.Name, p) })
}

// kind is classifier, regressor or raw, judged by the shapes of the record.
func (f *fixture) kind() string {
	largest := slices.MaxFunc(f.Cases, func(a, b testCase) int { return a.rows() - b.rows() })
	rows, label := largest.rows(), largest.Outputs[f.Outputs[0].Name]
	switch {
	case len(f.Outputs) == 2 && (label.DType == "int64" || label.DType == "string") && len(label.Shape) == 1 &&
		len(largest.Outputs[f.Outputs[1].Name].Shape) == 2:
		return "classifier"
	case len(f.Outputs) != 1 || label.DType == "bool" || label.DType == "map" || label.DType == "string":
		return "raw"
	case len(label.Data) == rows && len(label.Shape) <= 2 && label.Shape[0] == rows, slices.Contains(severalTargets, f.Name):
		return "regressor"
	}
	return "raw"
}

// rows is the number of rows of the case's inputs.
func (c testCase) rows() int {
	for _, t := range c.Inputs {
		return t.Shape[0]
	}
	return 0
}

// row is the text of one row of a tensor as JSON: null for NaN. A value that is alone in its row may stand bare.
func (t tensor) row(i int, bare bool) string {
	width := 1
	for _, d := range t.Shape[1:] {
		width *= d
	}
	cells := make([]string, width)
	for j := range cells {
		cells[j] = string(t.Data[i*width+j])
		if cells[j] == `"NaN"` && t.DType != "string" {
			cells[j] = "null"
		}
	}
	if bare && width == 1 {
		return cells[0]
	}
	dims := t.Shape[1:]
	if len(dims) == 0 {
		dims = []int{1} // a row of an input [N] is a list of one
	}
	for _, d := range slices.Backward(dims) {
		var grouped []string
		for part := range slices.Chunk(cells, d) {
			grouped = append(grouped, "["+strings.Join(part, ",")+"]")
		}
		cells = grouped
	}
	return cells[0]
}

// body is the case as a body of /predict: one row as a vector or an object, several as a list of them.
func (f *fixture) body(c testCase) (body []byte, sendable bool) {
	var rows []string
	for i := range c.rows() {
		var members []string
		for _, in := range f.Inputs {
			t := c.Inputs[in.Name]
			if t.DType != "string" && slices.ContainsFunc(t.Data, func(d json.RawMessage) bool { return strings.HasSuffix(string(d), `Inf"`) }) {
				return nil, false
			}
			if len(f.Inputs) == 1 {
				rows = append(rows, t.row(i, false))
				continue
			}
			members = append(members, strconv.Quote(in.Name)+":"+t.row(i, true))
		}
		if members != nil {
			rows = append(rows, "{"+strings.Join(members, ",")+"}")
		}
	}
	if len(rows) == 1 {
		return []byte(`{"x":` + rows[0] + `}`), true
	}
	return []byte(`{"x":[` + strings.Join(rows, ",") + `]}`), true
}

// refused says at which field a case must be refused, and why; "" where it is answered.
func (f *fixture) refused(c testCase) (field, why string) {
	if c.rows() == 0 {
		return "x", "empty, refused"
	}
	for i := range c.rows() {
		for _, in := range f.Inputs {
			t := c.Inputs[in.Name]
			width := len(t.Data) / c.rows()
			for j := range width {
				if t.DType == "string" || string(t.Data[i*width+j]) != `"NaN"` || f.allowsNull() {
					continue
				}
				field := "x"
				if c.rows() > 1 {
					field += fmt.Sprintf("[%d]", i)
				}
				if len(f.Inputs) > 1 {
					return field + "." + in.Name, "with a null, refused"
				}
				return field + fmt.Sprintf("[%d]", j), "with a null, refused"
			}
		}
	}
	if c.Kind == "refused" {
		return "x[0]", "that the runtime refuses, refused"
	}
	return "", ""
}
