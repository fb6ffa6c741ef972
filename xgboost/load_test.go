package xgboost

import (
	"bytes"
	"slices"
	"strings"
	"testing"
)

// stump is a model of one split, as JSON.
const stump = `{"version":[3,2,0],"learner":{"attributes":{},"feature_names":["a","b"],"feature_types":[],"learner_model_param":{"base_score":"[5E-1]","num_class":"0","num_feature":"2","num_target":"1"},` +
	`"objective":{"name":"reg:squarederror"},"gradient_booster":{"name":"gbtree","model":{"gbtree_model_param":{"num_parallel_tree":"1"},"iteration_indptr":[0,1],"tree_info":[0],"trees":[` +
	`{"left_children":[1,-1,-1],"right_children":[2,-1,-1],"split_indices":[1,0,0],"default_left":[1,0,0],"split_conditions":[0.25,-1,1],"split_type":[0,0,0],` +
	`"categories":[],"categories_nodes":[],"categories_segments":[],"categories_sizes":[],"tree_param":{"size_leaf_vector":"1"}}]}}}}`

func TestStump(t *testing.T) {
	m, err := Load([]byte(stump))
	if err != nil {
		t.Fatal(err)
	}
	raw := make([]float32, 2)
	if err := m.Raw(raw, []float32{0, 0.25, 0, 0.2}, 2); err != nil || raw[0] != 1.5 || raw[1] != -0.5 {
		t.Errorf("got %v, %v; want [1.5 -0.5]", raw, err)
	}
	if got := m.Columns()[1].Name; got != "b" {
		t.Errorf("column 1: got %q, want b", got)
	}
}

// TestLinearBase: XGBoost 3.2.0 adds the first base_score to every output of gblinear; want is what it answers.
func TestLinearBase(t *testing.T) {
	m, err := Load([]byte(`{"learner":{"attributes":{},"feature_names":[],"feature_types":[],"gradient_booster":{"model":{"boosted_rounds":3,"weights":[6.086915E-1,-2.5780445E-1,-4.3718806E-1,` +
		`-4.7093952E-1,2.393845E-1,2.5424403E-1,-6.786915E-2,4.0726352E-1,-3.9014792E-1]},"name":"gblinear"},"learner_model_param":{"base_score":"[9.589338E-2,5.0135744E-1,-5.972508E-1]",` +
		`"boost_from_average":"1","num_class":"3","num_feature":"2","num_target":"1"},"objective":{"name":"multi:softprob","softmax_multiclass_param":{"num_class":"3"}}},"version":[3,2,0]}`))
	if err != nil {
		t.Fatal(err)
	}
	want := []float32{0.8033095002174377, 0.13487017154693604, -0.7670925855636597, -0.1529904007911682, 0.659670352935791, -0.33225154876708984}
	raw := make([]float32, len(want))
	if err := m.Raw(raw, []float32{0.5, -1, 1.25, 2}, 2); err != nil || !slices.Equal(raw, want) {
		t.Errorf("got %v, %v; want %v", raw, err, want)
	}
}

func TestRefused(t *testing.T) {
	for name, c := range map[string]struct{ old, new, want string }{
		"objective":       {"reg:squarederror", "reg:magic", `objective "reg:magic" is not supported; supported: binary:hinge, `},
		"booster":         {`"name":"gbtree"`, `"name":"gbrush"`, `booster "gbrush" is not supported; supported: gbtree, dart, gblinear`},
		"feature":         {`"split_indices":[1`, `"split_indices":[2`, "tree 0: node 0: feature 2 is not one of 2"},
		"child":           {`"left_children":[1`, `"left_children":[9`, "tree 0: node 0: child 9 is not one of 3 nodes"},
		"cycle":           {`"left_children":[1`, `"left_children":[0`, "tree 0: node 0 is reached twice"},
		"lengths":         {`"default_left":[1,0,0]`, `"default_left":[1,0]`, "tree 0: default_left: want 3 values, one a node, got 2"},
		"output":          {`"tree_info":[0]`, `"tree_info":[1]`, "tree 0: output 1 is not one of 1"},
		"rounds":          {`"iteration_indptr":[0,1]`, `"iteration_indptr":[0,2]`, "want numbers that rise from 0 to 1"},
		"best iteration":  {`"attributes":{}`, `"attributes":{"best_iteration":"1"}`, `attribute best_iteration: want a round of 0 to 0, got "1"`},
		"base":            {`"[5E-1]"`, `"[5E-1,1]"`, "base_score: want 1 or 1 numbers, got 2"},
		"base not a list": {`"[5E-1]"`, `"much"`, `base_score: want a number, got "much"`},
		"features":        {`"num_feature":"2"`, `"num_feature":"3"`, "feature_names: want 3 values, one a feature, got 2"},
		"many features":   {`"num_feature":"2"`, `"num_feature":"2000000000"`, "num_feature: want 1 to 1048576"},
		"many outputs":    {`"num_target":"1"`, `"num_target":"1000000"`, "more than the file has bytes"},
		"twice":           {`"attributes":{}`, `"attributes":{},"attributes":{}`, "learner: attributes: there twice"},
		"categories":      {`"split_type":[0`, `"split_type":[1`, "split type 1 without categories"},
		"overlap":         {`"categories":[],"categories_nodes":[],"categories_segments":[],"categories_sizes":[]`, `"categories":[1],"categories_nodes":[0,1],"categories_segments":[0,0],"categories_sizes":[1,1]`, "the segments hold more than the 1 categories"},
		"rest":            {`"version"`, `"version":[1]}{"version"`, "something follows the document"},
		"not a number":    {"0.25", `"0.25"`, `want a number`},
		"other JSON":      {`"learner"`, `"student"`, "the document has no learner"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Load([]byte(strings.Replace(stump, c.old, c.new, 1)))
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %s", err, c.want)
			}
		})
	}
	for name, c := range map[string]struct{ data, want string }{
		"nothing":    {"", "neither XGBoost's JSON nor its UBJ"},
		"old binary": {"binf\x00\x00", "old binary format"},
		"text":       {"tree\nversion=v4", "neither XGBoost's JSON nor its UBJ"},
		"deep":       {`{"a":` + strings.Repeat("[", 100), "nested deeper than 64"},
		"claims":     {"{L\x00\x00\x00\x00\x00\x00\x00\x01a[$d#L\x7f\xff\xff\xff\xff\xff\xff\xff", "a length of 9223372036854775807"},
		"no room":    {"{U\x01a[$T#L\x00\x00\x00\x00\x00\x00\x00\x02", "a length of 2"},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := Load([]byte(c.data)); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %s", err, c.want)
			}
		})
	}
}

// TestTruncated cuts files everywhere, and flips their bytes: nothing may panic, and no part is a model.
func TestTruncated(t *testing.T) {
	files := fixtures(t)
	for _, name := range []string{"formats/xgb_stumps/model.json", "formats/xgb_cats_strings/model.ubj", "formats/xgb_vector_targets/model.ubj"} {
		data := read(t, files, name)
		for n := 0; n < len(data)-1; n += 29 {
			if _, err := Load(data[:n]); err == nil {
				t.Fatalf("%s: the first %d of %d bytes load", name, n, len(data))
			}
			flipped := bytes.Clone(data)
			flipped[n] ^= 0x15
			if m, err := Load(flipped); err == nil {
				_ = m.Raw(make([]float32, m.Outputs()), make([]float32, m.Features()), 1)
			}
		}
	}
}
