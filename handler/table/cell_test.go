package table

import (
	"fmt"
	"strings"
	"testing"

	"ml-service/model"
	"ml-service/onnx"
)

func TestNumbers(t *testing.T) {
	in := model.Input{DType: onnx.Float64, Missing: true}
	for text, want := range map[string]string{
		"15": "15", "-1.5": "-1.5", "+2": "2", ".5": "0.5", "5.": "5", "1e3": "1000", "1E-2": "0.01", "007": "7",
		" 1": "1", "1000 ": "1000", "\t-2 ": "-2", " NaN": "NaN", "": "NaN", "  ": "NaN", "NA": "NaN", "null": "NaN", "None": "NaN", "nan": "NaN",
		"1_5": `want a number, got "1_5"`, "0.1_5": `want a number, got "0.1_5"`, "0x1p3": `want a number, got "0x1p3"`, "0x10": `want a number, got "0x10"`,
		"inf": `want a number, got "inf"`, "-Infinity": `want a number, got "-Infinity"`, "1e999": `want a number in the range of float64, got "1e999"`, "NAN": `want a number, got "NAN"`,
		"1 000": `want a number, got "1 000"`, "1,5": `want a number, got "1,5"`, "e": `want a number, got "e"`, "--1": `want a number, got "--1"`,
	} {
		to := &onnx.Tensor{DType: onnx.Float64, F64: make([]float64, 1)}
		got := ""
		if err := setCell(to, 0, &in, emptyText, []byte(text)); err != nil {
			got = err.Error()
		} else {
			got = fmt.Sprint(to.F64[0])
		}
		if got != want {
			t.Errorf("%q: got %s, want %s", text, got, want)
		}
	}
	whole := model.Input{DType: onnx.Int64}
	to := &onnx.Tensor{DType: onnx.Int64, I64: make([]int64, 1)}
	if err := setCell(to, 0, &whole, emptyText, []byte(" 7 ")); err != nil || to.I64[0] != 7 {
		t.Errorf("got %v, %d, want 7", err, to.I64[0])
	}
	in.Missing = false
	if err := setCell(&onnx.Tensor{DType: onnx.Float64, F64: make([]float64, 1)}, 0, &in, emptyText, []byte("NA")); err == nil || !strings.Contains(err.Error(), "handles no missing value here") {
		t.Errorf("got %v, want it said that nothing may be missing", err)
	}
}

// TestEmptyFields: an empty field of a category is what null is in JSON, unless the empty text is a category; of free text it is that.
func TestEmptyFields(t *testing.T) {
	categories, with := []string{"a", "b"}, []string{"a", ""}
	for _, c := range []struct {
		name string
		in   model.Input
		at   int
		want string
	}{
		{"free text", model.Input{}, 0, ""},
		{"categories that may be missing", model.Input{Categories: categories, Missing: true}, 0, model.MissingText},
		{"categories that may not", model.Input{Categories: categories}, 0, `want a string, and the model handles no missing value here, got ""`},
		{"the empty text is one", model.Input{Categories: with, Missing: true}, 0, ""},
		{"of a column", model.Input{Columns: []model.Column{{Categories: with}, {Categories: categories}}}, 1, `want a string, and the model handles no missing value here, got ""`},
		{"the empty text is one of a column", model.Input{Columns: []model.Column{{Categories: with}, {Categories: categories}}}, 0, ""},
	} {
		c.in.DType = onnx.String
		to := &onnx.Tensor{DType: onnx.String, Str: make([]string, 1)}
		got := ""
		if err := setCell(to, 0, &c.in, emptyOf(&c.in, c.at), nil); err != nil {
			got = err.Error()
		} else {
			got = to.Str[0]
		}
		if got != c.want {
			t.Errorf("%s: got %q, want %q", c.name, got, c.want)
		}
	}
}
