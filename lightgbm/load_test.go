package lightgbm

import (
	"bytes"
	"strings"
	"testing"
)

// stump is a model of one split on a number and one on categories 0 and 5.
const stump = `tree
version=v4
num_class=1
num_tree_per_iteration=1
label_index=0
max_feature_idx=1
objective=regression
feature_names=a b
feature_infos=[0:1] -1:0:5
tree_sizes=1

Tree=0
num_leaves=3
num_cat=1
split_feature=0 1
threshold=0.25 0
decision_type=2 1
left_child=-1 -2
right_child=1 -3
leaf_value=1 2 4
cat_boundaries=0 1
cat_threshold=33
is_linear=0
shrinkage=1


end of trees

pandas_categorical:[["red", "green"]]
`

func TestStump(t *testing.T) {
	m, err := Load([]byte(stump))
	if err != nil {
		t.Fatal(err)
	}
	b := &m.Columns()[1]
	x := []float64{0.25, 9, 0.5, b.Code("red"), 0.5, b.Code("green"), 0.5, 5.9, 0.5, b.Code("blue"), 0.5, -1}
	want := []float64{1, 2, 4, 2, 4, 4}
	raw := make([]float64, len(want))
	m.Raw(raw, x, len(want))
	for i := range want {
		if raw[i] != want[i] {
			t.Errorf("row %d: got %v, want %v", i, raw[i], want[i])
		}
	}
}

// TestOrderedCategories: an ordered column of pandas has a list of categories, and its codes are split as numbers.
func TestOrderedCategories(t *testing.T) {
	ordered := strings.NewReplacer(`[["red", "green"]]`, `[["low", "high"], ["a", "b", "c", "d", "e", "f"]]`, "feature_infos=[0:1]", "feature_infos=%s")
	for info, works := range map[string]bool{"[0:1]": true, "[0:1.5]": false, "[-1:1]": false, "[0:2]": false, "none": true} {
		m, err := Load([]byte(strings.Replace(ordered.Replace(stump), "%s", info, 1)))
		if works != (err == nil) {
			t.Errorf("values %s: got %v", info, err)
		}
		if err == nil && (m.Columns()[0].Code("high") != 1 || m.Columns()[1].Code("f") != 5) {
			t.Errorf("values %s: got %v", info, m.Columns())
		}
	}
	three := strings.NewReplacer("max_feature_idx=1", "max_feature_idx=2", "feature_names=a b", "feature_names=a b c", "[0:1] -1:0:5", "[0:1.5] -1:0:5 [0:1]", `[["red", "green"]]`, `[["a", "b", "c", "d", "e", "f"], ["low", "high"]]`)
	if m, err := Load([]byte(three.Replace(stump))); err != nil || m.Columns()[0].Strings != nil || m.Columns()[2].Code("high") != 1 {
		t.Errorf("the second list is of the third column: got %v", err)
	}
	other := strings.NewReplacer("max_feature_idx=1", "max_feature_idx=2", "feature_names=a b", "feature_names=a b c", "[0:1] -1:0:5", "[0:1] -1:0:5 [0:1]", `[["red", "green"]]`, `[["a", "b", "c", "d", "e", "f"], ["1", "2", "3", "4", "5", "6"]]`)
	if _, err := Load([]byte(other.Replace(stump))); err == nil || !strings.Contains(err.Error(), "does not say which") {
		t.Errorf("two ways: got %v", err)
	}
}

func TestRefused(t *testing.T) {
	for name, c := range map[string]struct{ old, new, want string }{
		"first line":    {"tree\n", "trees\n", `not a text model of LightGBM`},
		"version":       {"=v4", "=v2", "line 2: version: version v2 is not supported; supported: v3, v4"},
		"objective":     {"objective=regression", "objective=magic", `objective "magic" is not supported; supported: binary, `},
		"names":         {"=a b", "=a", "feature_names: want 2, got 1"},
		"same names":    {"=a b", "=a a", `feature_names: "a" is there twice`},
		"lengths":       {"threshold=0.25 0", "threshold=0.25", "tree 0, which ends here: threshold: want 2 values, one less than leaves, got 1"},
		"feature":       {"split_feature=0 1", "split_feature=0 2", "tree 0: node 1: feature 2 is not one of 2"},
		"child":         {"left_child=-1", "left_child=7", "node 7 of 2 is not there"},
		"leaf":          {"left_child=-1", "left_child=-9", "leaf 8 of 3 is not there"},
		"cycle":         {"right_child=1", "right_child=0", "node 0 of 2 is not there, or is reached twice"},
		"set":           {"threshold=0.25 0", "threshold=0.25 1", "category set 1 is not one of 1"},
		"set's words":   {"cat_boundaries=0 1", "cat_boundaries=0 2", "cat_boundaries: 0 to 2 of 1 words"},
		"missing type":  {"decision_type=2", "decision_type=12", "decision type 12 is not supported"},
		"number":        {"threshold=0.25", "threshold=much", `tree 0: threshold: want a number, got "much"`},
		"linear":        {"is_linear=0", "is_linear=1", "leaf_const and num_features: want 3 values, got 0 and 0"},
		"many leaves":   {"num_leaves=3", "num_leaves=1000000000", "want 999999999 values"},
		"iterations":    {"num_tree_per_iteration=1", "num_tree_per_iteration=2", "1 trees are not iterations of 2"},
		"cut off":       {"end of trees", "", `the file ends before "end of trees"`},
		"no header":     {"feature_names=a b\n", "", "the header has no feature_names"},
		"categories":    {`[["red", "green"]]`, `[["red"], ["green"]]`, "has categories of 2 columns, and the file does not say which"},
		"same category": {`"green"`, `"red"`, `pandas_categorical of b: "red" is there twice`},
		"odd category":  {`"green"`, `true`, `pandas_categorical of b: category true is neither a string nor a number`},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Load([]byte(strings.Replace(stump, c.old, c.new, 1)))
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %s", err, c.want)
			}
		})
	}
}

// TestTruncated cuts files in their trees, and flips their bytes: nothing may panic, and no part is a model.
func TestTruncated(t *testing.T) {
	files := fixtures(t)
	for _, name := range []string{"lgb_stumps", "lgb_linear_tree_cat", "lgb_zero_as_missing_cat"} {
		data := read(t, files, "formats/"+name+"/model.txt")
		for n := 0; n < bytes.Index(data, []byte("end of trees")); n += 29 {
			if _, err := Load(data[:n]); err == nil {
				t.Fatalf("%s: the first %d of %d bytes load", name, n, len(data))
			}
			flipped := bytes.Clone(data)
			flipped[n] ^= 0x15
			if m, err := Load(flipped); err == nil {
				m.Raw(make([]float64, m.Outputs()), make([]float64, len(m.Columns())), 1)
			}
		}
	}
}
