package onnx

import "testing"

func TestShapes(t *testing.T) {
	x := matrix(3, 1, 2, 3, 4, 5, 6)
	testOperators(t, []operatorCase{
		{name: "flatten", op: "Flatten", in: []*Tensor{shaped(f32s(1, 2, 3, 4), 1, 2, 2)}, want: matrix(4, 1, 2, 3, 4)},
		{name: "flatten all", op: "Flatten", a: attrs{"axis": 0}, in: []*Tensor{x}, want: matrix(6, 1, 2, 3, 4, 5, 6)},
		{name: "reshape", op: "Reshape", in: []*Tensor{x}, constants: []*Tensor{i64s(-1)}, want: f32s(1, 2, 3, 4, 5, 6)},
		{name: "reshape copies a dimension", op: "Reshape", in: []*Tensor{x}, constants: []*Tensor{i64s(0, 1, -1)}, want: shaped(f32s(1, 2, 3, 4, 5, 6), 2, 1, 3)},
		{name: "reshape nothing", op: "Reshape", in: []*Tensor{shaped(f32s(), 0, 3)}, constants: []*Tensor{i64s(-1, 3)}, want: shaped(f32s(), 0, 3)},
		{name: "squeeze by attribute", op: "Squeeze", a: attrs{"axes": []int64{1}}, opset: 11, in: []*Tensor{matrix(1, 1, 2)}, want: f32s(1, 2)},
		{name: "squeeze by input", op: "Squeeze", in: []*Tensor{matrix(1, 1, 2)}, constants: []*Tensor{i64s(-1)}, want: f32s(1, 2)},
		{name: "unsqueeze by attribute", op: "Unsqueeze", a: attrs{"axes": []int64{0, 2}}, opset: 11, in: []*Tensor{f32s(1, 2)}, want: shaped(f32s(1, 2), 1, 2, 1)},
		{name: "unsqueeze by input", op: "Unsqueeze", in: []*Tensor{f32s(1, 2)}, constants: []*Tensor{i64s(-1)}, want: matrix(1, 1, 2)},
		{name: "shape", op: "Shape", in: []*Tensor{x}, want: i64s(2, 3)},
		{name: "shape from the end", op: "Shape", a: attrs{"start": -1}, in: []*Tensor{x}, want: i64s(3)},
		{name: "constant of shape", op: "ConstantOfShape", a: attrs{"value": i64s(7)}, constants: []*Tensor{i64s(2)}, want: i64s(7, 7)},
		{name: "concat columns", op: "Concat", a: attrs{"axis": 1}, in: []*Tensor{matrix(1, 1, 2), matrix(2, 3, 4, 5, 6)}, want: matrix(3, 1, 3, 4, 2, 5, 6)},
		{name: "concat rows of strings", op: "Concat", a: attrs{"axis": -2}, in: []*Tensor{shaped(texts("a"), 1, 1), shaped(texts("b"), 1, 1)}, want: shaped(texts("a", "b"), 2, 1)},
		{name: "transpose", op: "Transpose", in: []*Tensor{x}, want: matrix(2, 1, 4, 2, 5, 3, 6)},
		{name: "transpose by perm", op: "Transpose", a: attrs{"perm": []int64{1, 0, 2}}, in: []*Tensor{shaped(f32s(1, 2, 3, 4), 2, 1, 2)}, want: shaped(f32s(1, 2, 3, 4), 1, 2, 2)},
		{name: "gather columns", op: "Gather", a: attrs{"axis": 1}, in: []*Tensor{x}, constants: []*Tensor{i64s(2, -3)}, want: matrix(2, 3, 1, 6, 4)},
		{name: "gather rows by an input", op: "Gather", in: []*Tensor{x, i64s(1)}, want: matrix(3, 4, 5, 6)},
		{name: "gather one column", op: "Gather", a: attrs{"axis": 1}, in: []*Tensor{x}, constants: []*Tensor{shaped(i64s(1))}, want: f32s(2, 5)},
		{name: "slice by attributes", op: "Slice", a: attrs{"starts": []int64{0}, "ends": []int64{-1}, "axes": []int64{1}}, opset: 9, in: []*Tensor{x}, want: matrix(2, 1, 2, 4, 5)},
		{name: "slice far beyond the end", op: "Slice", in: []*Tensor{x}, constants: []*Tensor{i64s(1), i64s(1 << 62), i64s(-1)}, want: matrix(2, 2, 3, 5, 6)},
		{name: "slice backwards", op: "Slice", in: []*Tensor{x}, constants: []*Tensor{i64s(-1), i64s(-9), i64s(1), i64s(-2)}, want: matrix(2, 3, 1, 6, 4)},
		{name: "slice nothing", op: "Slice", in: []*Tensor{x}, constants: []*Tensor{i64s(2), i64s(1), i64s(1)}, want: shaped(f32s(), 2, 0)},
		{name: "columns of a matrix", op: "ai.onnx.ml.ArrayFeatureExtractor", in: []*Tensor{x}, constants: []*Tensor{i64s(2, 0)}, want: matrix(2, 3, 1, 6, 4)},
		{name: "labels by index", op: "ai.onnx.ml.ArrayFeatureExtractor", in: []*Tensor{texts("a", "b"), i64s(1, 0, 1)}, want: shaped(texts("b", "a", "b"), 1, 3)},
		{name: "side by side", op: "ai.onnx.ml.FeatureVectorizer", a: attrs{"inputdimensions": []int64{1, 2}}, in: []*Tensor{ints(1, 7, 8), matrix(2, 1, 2, 3, 4)}, want: matrix(3, 7, 1, 2, 8, 3, 4)},
	})
}

func TestConstants(t *testing.T) {
	for _, c := range []struct {
		name string
		a    attrs
		want *Tensor
	}{
		{"tensor", attrs{"value": f64s(1, 2)}, f64s(1, 2)},
		{"float", attrs{"value_float": float32(1)}, scalar(1)},
		{"ints", attrs{"value_ints": []int64{1, 1 << 40, -1}}, i64s(1, 1<<40, -1)},
		{"strings", attrs{"value_strings": []string{"a", "b"}}, texts("a", "b")},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := mustLoad(t, file(op("Constant", "", "y", c.a), message(12, message(1, []byte("y")))))
			if len(m.steps) != 0 {
				t.Errorf("the plan has %d steps, want 0", len(m.steps))
			}
			s := m.NewSession()
			if err := s.Run(); err != nil {
				t.Fatal(err)
			}
			if d := difference(s.Output(0), c.want); d != "" {
				t.Error(d)
			}
		})
	}
}

// What does not depend on an input is computed once, at load.
func TestConstantsAreFolded(t *testing.T) {
	m := mustLoad(t, file(input("x", Float32, -1, 2), initializer("w", f32s(1, 2)),
		op("Add", "w w", "w2", nil), op("Cast", "w2", "w3", attrs{"to": 11}), op("Cast", "w3", "w4", attrs{"to": 1}), op("Mul", "x w4", "y", nil), output("y", Float32, -1, 2)))
	if len(m.steps) != 1 || m.steps[0].node.op.name != "Mul" {
		t.Fatalf("the plan has %d steps, want the Mul alone", len(m.steps))
	}
	s := m.NewSession()
	s.Input(0).Resize(1, 2)
	copy(s.Input(0).F32, []float32{10, 10})
	if err := s.Run(); err != nil {
		t.Fatal(err)
	}
	if d := difference(s.Output(0), matrix(2, 20, 40)); d != "" {
		t.Error(d)
	}
}

// An output that is an input is a copy: filling the input for the next run must not change it.
func TestOutputIsNotTheInput(t *testing.T) {
	m := mustLoad(t, file(input("x", Float32, -1), op("Identity", "x", "y", nil), output("y", Float32, -1)))
	s := m.NewSession()
	s.Input(0).Resize(1)
	s.Input(0).F32[0] = 1
	if err := s.Run(); err != nil {
		t.Fatal(err)
	}
	s.Input(0).F32[0] = 2
	if got := s.Output(0).F32[0]; got != 1 {
		t.Errorf("got %v, want 1", got)
	}
}
