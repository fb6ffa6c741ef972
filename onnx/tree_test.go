package onnx

import (
	"slices"
	"testing"
)

// classifier is two stumps on features 0 and 1 that give each of their leaves one weight for the class in ids.
func classifier(ids []int64, weights []float32, more attrs) attrs {
	a := stump(attrs{"n_targets": nil, "target_treeids": nil, "target_nodeids": nil, "target_ids": nil, "target_weights": nil,
		"nodes_treeids": []int64{0, 0, 0, 1, 1, 1}, "nodes_nodeids": []int64{0, 1, 2, 0, 1, 2}, "nodes_featureids": []int64{0, 0, 0, 1, 0, 0},
		"nodes_values": []float32{.5, 0, 0, .5, 0, 0}, "nodes_modes": []string{"BRANCH_LEQ", "LEAF", "LEAF", "BRANCH_LEQ", "LEAF", "LEAF"},
		"nodes_truenodeids": []int64{1, 0, 0, 1, 0, 0}, "nodes_falsenodeids": []int64{2, 0, 0, 2, 0, 0},
		"class_treeids": []int64{0, 0, 1, 1}, "class_nodeids": []int64{1, 2, 1, 2}, "class_ids": ids, "class_weights": weights})
	for k, v := range more {
		a[k] = v
	}
	return a
}

func TestClassifiersOfTrees(t *testing.T) {
	two := attrs{"classlabels_int64s": []int64{4, 9}}
	x := matrix(3, 0, 0, 0, 1, 1, 0)
	for _, c := range []struct {
		name   string
		a      attrs
		labels []int64
		scores []float32
	}{
		{"one score, no weight negative", classifier([]int64{0, 0, 0, 0}, []float32{.125, .25, .25, .5}, two), []int64{4, 9}, []float32{.625, .375, .25, .75}},
		{"one score, mixed", classifier([]int64{0, 0, 0, 0}, []float32{-.5, .25, .25, .5}, two), []int64{4, 9}, []float32{.25, -.25, -.75, .75}},
		{"one score for the second class", classifier([]int64{1, 1, 1, 1}, []float32{-.5, .25, .25, .5}, two), []int64{4, 9}, []float32{0, -.25, 0, .75}},
		{"two scores", classifier([]int64{0, 0, 1, 1}, []float32{.5, .25, -.25, .5}, two), []int64{0, 1}, []float32{.5, -.25, .25, .5}},
		{"a class that no leaf of the row reaches cannot win", classifier([]int64{0, 2, 0, 2}, []float32{-.5, -.25, -.25, -.5}, attrs{"classlabels_int64s": []int64{7, 3, 5}}),
			[]int64{7, 5}, []float32{-.75, 0, 0, 0, 0, -.75}},
		{"base values count for classes that no leaf gives anything", classifier([]int64{0, 2, 0, 2}, []float32{1, 1, 1, 1}, attrs{"classlabels_int64s": []int64{7, 3, 5}, "base_values": []float32{.5, .5, .5}}),
			[]int64{7, 5}, []float32{2.5, .5, .5, .5, .5, 2.5}},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := mustLoad(t, file(input("x", Float32, -1, 3), output("label", Int64, -1), message(12, message(1, []byte("scores"))),
				op("ai.onnx.ml.TreeEnsembleClassifier", "x", "label scores", c.a)))
			s := m.NewSession()
			s.Input(0).Resize(2, 3)
			copy(s.Input(0).F32, x.F32)
			if err := s.Run(); err != nil {
				t.Fatal(err)
			}
			if got := s.Output(0).I64; !slices.Equal(got, c.labels) {
				t.Errorf("labels: got %v, want %v", got, c.labels)
			}
			if got := s.Output(1).F32; !slices.Equal(got, c.scores) {
				t.Errorf("scores: got %v, want %v", got, c.scores)
			}
		})
	}
}

func TestRegressorsOfTrees(t *testing.T) {
	testOperators(t, []operatorCase{
		{name: "stump", op: "ai.onnx.ml.TreeEnsembleRegressor", a: stump(nil), in: []*Tensor{matrix(1, .5, .6, nan)}, want: matrix(1, 1, 2, 2)},
		{name: "NaN takes the true branch", op: "ai.onnx.ml.TreeEnsembleRegressor", a: stump(attrs{"nodes_missing_value_tracks_true": []int64{1, 0, 0}}), in: []*Tensor{matrix(1, nan)}, want: matrix(1, 1)},
		{name: "integers", op: "ai.onnx.ml.TreeEnsembleRegressor", a: stump(nil), in: []*Tensor{ints(1, 0, 1)}, want: matrix(1, 1, 2)},
		{name: "doubles see what float32 does not", op: "ai.onnx.ml.TreeEnsembleRegressor", a: stump(nil), in: []*Tensor{shaped(f64s(.5+1e-12), 1, 1)}, want: matrix(1, 2)},
		{name: "the same weight again", op: "ai.onnx.ml.TreeEnsembleRegressor", a: stump(attrs{"target_treeids": []int64{0, 0, 0}, "target_nodeids": []int64{1, 1, 2}, "target_ids": []int64{0, 0, 0}, "target_weights": []float32{1, 1, 3}}),
			in: []*Tensor{matrix(1, 0, 1)}, want: matrix(1, 1, 3)},
		{name: "of ai.onnx.ml 5", op: "ai.onnx.ml.TreeEnsemble", ml: 5, in: []*Tensor{matrix(1, 1, 2, 3)}, want: matrix(2, 0, 1, 7, 0, 0, 1),
			a: attrs{"n_targets": 2, "tree_roots": []int64{0}, "nodes_featureids": []int64{0}, "nodes_splits": f32s(0), "nodes_modes": &Tensor{DType: Uint8, Shape: []int{1}, I64: []int64{6}},
				"membership_values": f32s(2, 5, nan), "nodes_truenodeids": []int64{1}, "nodes_trueleafs": []int64{1}, "nodes_falsenodeids": []int64{0}, "nodes_falseleafs": []int64{1},
				"leaf_targetids": []int64{1, 0}, "leaf_weights": f32s(1, 7)}},
	})
}

func TestLinearModels(t *testing.T) {
	testOperators(t, []operatorCase{
		{name: "regressor", op: "ai.onnx.ml.LinearRegressor", a: attrs{"coefficients": []float32{1, 2}, "intercepts": []float32{.5}}, in: []*Tensor{matrix(2, 1, 1, 2, 0)}, want: matrix(1, 3.5, 2.5)},
		{name: "two targets", op: "ai.onnx.ml.LinearRegressor", a: attrs{"targets": 2, "coefficients": []float32{1, 2, 3, 4}}, in: []*Tensor{matrix(2, 1, 1)}, want: matrix(2, 3, 7)},
		{name: "sums that cancel keep their digits", op: "ai.onnx.ml.LinearRegressor", a: attrs{"coefficients": []float32{1, 1, -1}}, in: []*Tensor{matrix(3, 1e8, 1, 1e8)}, want: matrix(1, 1)},
		{name: "labels of one row of coefficients", op: "ai.onnx.ml.LinearClassifier", a: attrs{"classlabels_strings": []string{"no", "yes"}, "coefficients": []float32{1}, "intercepts": []float32{0}}, in: []*Tensor{matrix(1, 0, 1)}, want: texts("no", "yes")},
		{name: "labels of three", op: "ai.onnx.ml.LinearClassifier", a: attrs{"classlabels_ints": []int64{5, 6, 7}, "coefficients": []float32{0, 1, 1}, "intercepts": []float32{0, 0, 0}}, in: []*Tensor{matrix(1, -1, 1)}, want: i64s(5, 6)},
	})
}

// What nobody asks for is not computed: a classifier without its scores, and nodes that lead to no output.
func TestOnlyWhatIsAskedFor(t *testing.T) {
	m := mustLoad(t, file(input("x", Float32, -1, 1), output("label", Int64, -1),
		op("ai.onnx.ml.LinearClassifier", "x", "label scores", attrs{"classlabels_ints": []int64{1, 2}, "coefficients": []float32{1}, "intercepts": []float32{0}}),
		op("Exp", "scores", "odds", nil)))
	if len(m.steps) != 1 || m.steps[0].out[1] != -1 {
		t.Fatalf("the plan has %d steps, want the classifier alone, without its scores", len(m.steps))
	}
	s := m.NewSession()
	s.Input(0).Resize(2, 1)
	copy(s.Input(0).F32, []float32{-1, 1})
	if err := s.Run(); err != nil {
		t.Fatal(err)
	}
	if got := s.Output(0).I64; !slices.Equal(got, []int64{1, 2}) {
		t.Errorf("got %v, want [1 2]", got)
	}
}
