package onnx

import (
	"slices"
	"testing"
)

func TestDescribesInputsAndOutputs(t *testing.T) {
	classes := attrs{"classlabels_strings": []string{"b", "a"}, "coefficients": []float32{1, 1, 1, 1, 1, 1}, "intercepts": []float32{0, 0}}
	m := mustLoad(t, append(file(input("x", Float32, -1, 2), input("c", Float32, -1, 1), message(12, message(1, []byte("label"))), message(12, message(1, []byte("map"))),
		op("ai.onnx.ml.Imputer", "x", "full", attrs{"imputed_value_floats": []float32{0}, "replaced_value_float": nan}),
		op("Concat", "full c", "all", attrs{"axis": 1}),
		op("ai.onnx.ml.LinearClassifier", "all", "label scores", classes), op("ai.onnx.ml.Normalizer", "scores", "p", attrs{"norm": "L1"}),
		op("ai.onnx.ml.ZipMap", "p", "map", attrs{"classlabels_strings": []string{"b", "a"}})),
		message(14, cat(message(1, []byte("title")), message(2, []byte("A model"))))...))
	in, out := m.Inputs(), m.Outputs()
	if len(in) != 2 || in[0].Name != "x" || !slices.Equal(in[0].Shape, []int{-1, 2}) || !in[0].Missing || in[1].Missing {
		t.Errorf("inputs: got %+v, want x [-1 2], which may be missing, and c, which may not", in)
	}
	if out[0].Role != Label || out[0].DType != String || out[0].Operator != "LinearClassifier" {
		t.Errorf("label: got %+v", out[0])
	}
	p := out[1]
	if p.Role != Scores || p.Operator != "Normalizer" || p.Classes == nil || !slices.Equal(p.Classes.Str, []string{"b", "a"}) || !slices.Equal(p.Shape, []int{-1, 2}) {
		t.Errorf("probabilities: got %+v", p)
	}
	if got := m.Metadata()["title"]; got != "A model" {
		t.Errorf("title: got %q", got)
	}
	if got := m.Opsets(); got["ai.onnx"] != 17 || got[mlDomain] != 3 {
		t.Errorf("opsets: got %v", got)
	}
}

// Every form in which a file may hold the same numbers gives the same model.
func TestListsPackedAndUnpacked(t *testing.T) {
	numbers := []int64{0, 1, 127, 128, 1 << 14, 1<<21 - 1, 1 << 21, 1 << 31, 1 << 40, -1}
	unpacked := attribute("a", numbers)
	var body []byte
	for _, v := range numbers {
		body = append(body, number(0, v)[1:]...)
	}
	packed := cat(message(1, []byte("a")), message(8, body))
	mixed := cat(message(1, []byte("a")), number(8, 0), message(8, body[1:]))
	for name, data := range map[string][]byte{"unpacked": unpacked, "packed": packed, "mixed": mixed} {
		f, _, err := next(message(5, data))
		if err != nil {
			t.Fatal(err)
		}
		a, err := parseAttribute(f, 0)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if got := a.ints.wide(); a.kind != attrInts || !slices.Equal(got, numbers) {
			t.Errorf("%s: got %v %v, want %v", name, a.kind, got, numbers)
		}
	}
}

func TestListsOfStrings(t *testing.T) {
	for _, want := range [][]string{{"a", "b", "a"}, {"1", "2", "3", "4", "5", "6", "7", "8", "9", "10", "1"}} {
		f, _, err := next(message(5, attribute("a", want)))
		if err != nil {
			t.Fatal(err)
		}
		a, err := parseAttribute(f, 0)
		if err != nil {
			t.Fatal(err)
		}
		if got := a.strings.all(); !slices.Equal(got, want) {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

func TestTensorsRawAndTyped(t *testing.T) {
	for _, c := range []struct {
		name string
		data []byte
		want *Tensor
	}{
		{"raw float32", cat(number(1, 2), number(2, 1), message(9, []byte{0, 0, 128, 63, 0, 0, 0, 192})), f32s(1, -2)},
		{"raw int64", cat(number(1, 1), number(2, 7), message(9, []byte{255, 255, 255, 255, 255, 255, 255, 255})), i64s(-1)},
		{"raw bool", cat(number(1, 2), number(2, 9), message(9, []byte{1, 0})), bools(true, false)},
		{"raw uint8", cat(number(1, 1), number(2, 2), message(9, []byte{200})), &Tensor{DType: Uint8, Shape: []int{1}, I64: []int64{200}}},
		{"packed floats", cat(number(1, 1), number(2, 1), message(4, []byte{0, 0, 128, 63})), f32s(1)},
		{"int8 in int32_data", cat(number(1, 1), number(2, 3), number(5, -5)), &Tensor{DType: Int8, Shape: []int{1}, I64: []int64{-5}}},
		{"scalar", cat(number(2, 1), message(4, []byte{0, 0, 128, 63})), scalar(1)},
		{"strings", cat(number(1, 1), number(2, 8), message(6, []byte("é"))), texts("é")},
	} {
		_, got, err := parseTensor(c.data)
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		if d := difference(got, c.want); d != "" {
			t.Errorf("%s: %s", c.name, d)
		}
	}
}
