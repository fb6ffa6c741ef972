package onnx_test

import (
	"slices"
	"strings"
	"testing"

	"ml-service/onnx"
)

// TestRefusesRatherThanGuesses changes one thing in a fixture that loads, and wants it refused with a message that
// names it.
func TestRefusesRatherThanGuesses(t *testing.T) {
	for _, e := range []struct {
		name, fixture string
		change        func(m edited)
		want          []string
	}{
		{"an unknown attribute", "standard_scaler",
			func(m edited) {
				n := m.node("Scaler")
				n.kids = append(n.kids, &field{num: 5, wire: 2, message: "attribute", kids: []*field{text(1, "gamma"), {num: 3, number: 1}, {num: 20, number: 2}}})
			}, []string{"Scaler", "gamma"}},
		{"an unknown tree mode", "forest_regressor",
			func(m edited) {
				m.attribute("TreeEnsembleRegressor", "nodes_modes").at(9, 0).data = []byte("BRANCH_NEAR")
			},
			[]string{"TreeEnsembleRegressor", "BRANCH_NEAR", "BRANCH_LEQ"}},
		{"an unknown post transform", "forest_classifier_multiclass",
			func(m edited) {
				m.attribute("TreeEnsembleClassifier", "post_transform").at(4, 0).data = []byte("SQUASH")
			},
			[]string{"TreeEnsembleClassifier", "SQUASH", "SOFTMAX"}},
		{"an unknown aggregate", "hand_regressor_max_base",
			func(m edited) {
				m.attribute("TreeEnsembleRegressor", "aggregate_function").at(4, 0).data = []byte("MEDIAN")
			},
			[]string{"TreeEnsembleRegressor", "MEDIAN"}},
		{"an unknown norm", "normalizer_l2",
			func(m edited) { m.attribute("Normalizer", "norm").at(4, 0).data = []byte("L3") },
			[]string{"Normalizer", "L3"}},
		{"a newer opset of ai.onnx", "op_gather_columns", func(m edited) { m.opset("", 99) }, []string{"Gather", "99", "ai.onnx"}},
		{"a newer opset of ai.onnx.ml", "standard_scaler", func(m edited) { m.opset("ai.onnx.ml", 6) }, []string{"Scaler", "6", "ai.onnx.ml"}},
		{"another domain", "standard_scaler", func(m edited) { m.node("Scaler").at(7, 0).data = []byte("com.example") }, []string{"com.example.Scaler"}},
		{"a narrower input of a linear model", "linear_regression", func(m edited) { m.width(9) }, []string{"LinearRegressor", "10", "9"}},
		{"a narrower input of a scaler", "standard_scaler", func(m edited) { m.width(12) }, []string{"Scaler", "13", "12"}},
		{"a narrower input of a forest", "forest_regressor", func(m edited) { m.width(4) }, []string{"TreeEnsembleRegressor", "feature"}},
		{"a half-precision input", "standard_scaler", func(m edited) { m.input().at(2, 0).at(1, 0).at(1, 0).number = 10 }, []string{"float16"}},
		{"a cast to half precision", "op_cast_float_to_int64", func(m edited) { m.attribute("Cast", "to").at(3, 0).number = 10 }, []string{"Cast", "10", "float32"}},
		{"a tree that is a circle", "tree_regressor",
			func(m edited) {
				for _, id := range m.attribute("TreeEnsembleRegressor", "nodes_truenodeids").all(8) {
					id.number = 0
				}
			}, []string{"TreeEnsembleRegressor"}},
		{"a missing tree node", "tree_regressor",
			func(m edited) { m.attribute("TreeEnsembleRegressor", "nodes_falsenodeids").at(8, 0).number = 99999 },
			[]string{"TreeEnsembleRegressor", "99999"}},
		{"lists of unequal length", "tree_regressor",
			func(m edited) { a := m.attribute("TreeEnsembleRegressor", "nodes_values"); a.remove(a.all(7)[0]) },
			[]string{"TreeEnsembleRegressor", "nodes_values"}},
		{"an input from nowhere", "standard_scaler", func(m edited) { m.node("Scaler").at(1, 0).data = []byte("nowhere") }, []string{"Scaler", "nowhere"}},
		{"an output from nowhere", "standard_scaler", func(m edited) { m.graph().at(12, 0).at(1, 0).data = []byte("nowhere") }, []string{"nowhere"}},
		{"a value made twice", "standard_scaler", func(m edited) { g := m.graph(); g.kids = append(g.kids, g.at(1, 0).clone()) }, []string{"Scaler", "variable"}},
		{"a tensor shorter than its shape", "op_gemm_bias", func(m edited) { d := m.graph().at(5, 0).at(1, 0); d.number *= 2 }, []string{"48 bytes", "24"}},
		{"weights in another file", "op_gemm_bias",
			func(m edited) {
				w := m.graph().at(5, 0)
				w.kids = append(w.kids, &field{num: 14, number: 1})
			}, []string{"other files"}},
		{"a subgraph", "standard_scaler",
			func(m edited) {
				n := m.node("Scaler")
				n.kids = append(n.kids, &field{num: 5, wire: 2, message: "attribute", kids: []*field{text(1, "body"), {num: 6, wire: 2}, {num: 20, number: 5}}})
			}, []string{"Scaler", "body"}},
		{"an output without a name", "op_argmax", func(m edited) { m.node("ArgMax").at(2, 0).data = nil }, []string{"ArgMax", "output"}},
		{"a weight of a target that is not there", "tree_classifier_decision_path",
			func(m edited) { m.attribute("TreeEnsembleRegressor", "target_ids").at(8, 0).number = 1 },
			[]string{"TreeEnsembleRegressor", "target_ids[0] is 1"}},
		{"two weights that differ for the only target", "tree_classifier_decision_path",
			func(m edited) { m.attribute("TreeEnsembleRegressor", "target_weights").at(7, 0).number = 0 },
			[]string{"TreeEnsembleRegressor", "several weights"}},
		{"a node without its input", "standard_scaler", func(m edited) { n := m.node("Scaler"); n.remove(n.at(1, 0)) }, []string{"Scaler", "input"}},
	} {
		t.Run(e.name, func(t *testing.T) {
			file := readModel(t, e.fixture)
			if _, err := onnx.Load(file); err != nil {
				t.Fatal(err)
			}
			fields, err := parse("model", file)
			if err != nil {
				t.Fatal(err)
			}
			m := edited{t, &field{message: "model", kids: fields}}
			e.change(m)
			_, err = onnx.Load(encode(nil, m.kids))
			if err == nil {
				t.Fatal("got a model, want it refused")
			}
			for _, word := range e.want {
				if !strings.Contains(err.Error(), word) {
					t.Errorf("got %q, want it to name %q", err, word)
				}
			}
		})
	}
}

// TestSoftmaxOfNothing declares the normalised dimension of a batch of matrices 0 wide.
func TestSoftmaxOfNothing(t *testing.T) {
	fields, err := parse("model", readModel(t, "op_softmax_default_opset13"))
	if err != nil {
		t.Fatal(err)
	}
	m := edited{t, &field{message: "model", kids: fields}}
	attribute := []*field{text(1, "axis"), {num: 3, number: 1}, {num: 20, number: 2}}
	m.width(0)
	m.node("Softmax").kids = append(m.node("Softmax").kids, &field{num: 5, wire: 2, message: "attribute", kids: attribute})
	loaded, err := onnx.Load(encode(nil, m.kids))
	if err != nil {
		t.Fatal(err)
	}
	s := loaded.NewSession()
	s.Input(0).Resize(3, 0, 2)
	if err := s.Run(); err != nil {
		t.Fatal(err)
	}
	if got := s.Output(0).Shape; !slices.Equal(got, []int{3, 0, 2}) {
		t.Errorf("got shape %v, want [3 0 2]", got)
	}
}

// edited is a model in which a test finds what it wants to change.
type edited struct {
	t *testing.T
	*field
}

func (m edited) graph() *field { return m.at(7, 0) }
func (m edited) input() *field { return m.graph().at(11, 0) }

// width sets the declared width of the first input.
func (m edited) width(n uint64) { m.input().at(2, 0).at(1, 0).at(2, 0).at(1, 1).at(1, 0).number = n }

func (m edited) opset(domain string, version uint64) {
	for _, o := range m.all(8) {
		if d := o.all(1); domain == "" && d == nil || d != nil && string(d[0].data) == domain {
			o.at(2, 0).number = version
		}
	}
}

// node finds the first node of an operator.
func (m edited) node(operator string) *field {
	m.t.Helper()
	for _, n := range m.graph().all(1) {
		if string(n.at(4, 0).data) == operator {
			return n
		}
	}
	m.t.Fatalf("no node is a %s", operator)
	return nil
}

func (m edited) attribute(operator, name string) *field {
	m.t.Helper()
	for _, a := range m.node(operator).all(5) {
		if string(a.at(1, 0).data) == name {
			return a
		}
	}
	m.t.Fatalf("%s has no %s", operator, name)
	return nil
}

// all are the fields of a number.
func (f *field) all(num int) []*field {
	var found []*field
	for _, kid := range f.kids {
		if kid.num == num {
			found = append(found, kid)
		}
	}
	return found
}

func (f *field) at(num, i int) *field { return f.all(num)[i] }

func (f *field) remove(gone *field) {
	for i, kid := range f.kids {
		if kid == gone {
			f.kids = append(f.kids[:i], f.kids[i+1:]...)
			return
		}
	}
}

func text(num int, s string) *field { return &field{num: num, wire: 2, data: []byte(s)} }
