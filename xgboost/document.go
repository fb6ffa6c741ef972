package xgboost

import (
	"fmt"
	"strconv"
)

// document is what a file says, as it says it.
type document struct {
	version      []int64
	bestRound    string // attribute best_iteration; empty: none
	names, types []string
	objective    string
	booster      string // gbtree, dart, gblinear

	base                       string // base_score
	classes, features, targets int

	trees    []treeDoc
	info     []int64 // the output of each tree
	indptr   []int64 // the first tree of each round; nil before 2.0
	parallel int     // trees of one output and round
	drop     []float32
	weights  []float32 // of gblinear
	cats     []categoriesDoc
}

// treeDoc is one tree, an element a node.
type treeDoc struct {
	left, right, feature, defaultLeft, splitType []int32
	conditions                                   []float32 // thresholds, and values of leaves
	baseWeights, leafWeights                     []float32
	catNodes, catStarts, catSizes, cats          []int64
	vector                                       int // size_leaf_vector
}

// categoriesDoc is the list of a feature's categories: strings as bytes with offsets, or whole numbers.
type categoriesDoc struct {
	offsets, values []int64
	strings         bool
}

func parse(data []byte) (*document, error) {
	s, err := open(data)
	if err != nil {
		return nil, err
	}
	d := &document{parallel: 1}
	learner := false
	err = members(s, readers{
		{"version", func() error { return ints(s, &d.version) }},
		{"learner", func() error { learner = true; return d.learner(s) }},
	})
	if err == nil {
		err = s.end()
	}
	if err == nil && !learner {
		err = fmt.Errorf("the document has no learner: not a model of XGBoost")
	}
	return d, err
}

func (d *document) learner(s source) error {
	return members(s, readers{
		{"attributes", func() error {
			return members(s, readers{{"best_iteration", func() error { return scalar(s, &d.bestRound) }}})
		}},
		{"feature_names", func() error { return texts(s, &d.names) }},
		{"feature_types", func() error { return texts(s, &d.types) }},
		{"objective", func() error {
			return members(s, readers{{"name", func() error { return scalar(s, &d.objective) }}})
		}},
		{"learner_model_param", func() error {
			return members(s, readers{
				{"base_score", func() error { return scalar(s, &d.base) }},
				{"num_class", func() error { return number(s, &d.classes) }},
				{"num_feature", func() error { return number(s, &d.features) }},
				{"num_target", func() error { return number(s, &d.targets) }},
			})
		}},
		{"gradient_booster", func() error { return d.gradientBooster(s) }},
	})
}

func (d *document) gradientBooster(s source) error {
	return members(s, readers{
		{"name", func() error { return scalar(s, &d.booster) }},
		{"weight_drop", func() error { return floats(s, &d.drop) }},
		{"model", func() error { return d.model(s) }},
		{"gbtree", func() error { // dart has its trees one level deeper
			return members(s, readers{{"model", func() error { return d.model(s) }}})
		}},
	})
}

func (d *document) model(s source) error {
	return members(s, readers{
		{"weights", func() error { return floats(s, &d.weights) }},
		{"tree_info", func() error { return ints(s, &d.info) }},
		{"iteration_indptr", func() error { return ints(s, &d.indptr) }},
		{"gbtree_model_param", func() error {
			return members(s, readers{{"num_parallel_tree", func() error { return number(s, &d.parallel) }}})
		}},
		{"cats", func() error {
			return members(s, readers{{"enc", func() error {
				return s.list(func() error {
					c, err := categoriesOf(s)
					d.cats = append(d.cats, c)
					return err
				})
			}}})
		}},
		{"trees", func() error {
			r := newTreeReader(s)
			return s.list(func() error {
				if err := r.read(); err != nil {
					return fmt.Errorf("tree %d: %w", len(d.trees), err)
				}
				d.trees = append(d.trees, r.t)
				return nil
			})
		}},
	})
}

func categoriesOf(s source) (c categoriesDoc, err error) {
	err = members(s, readers{
		{"offsets", func() error { c.strings = true; return ints(s, &c.offsets) }},
		{"values", func() error { return ints(s, &c.values) }},
	})
	return c, err
}

// treeReader reads trees, one after another, into t.
type treeReader struct {
	s               source
	t               treeDoc
	members, params readers
	base, leaf      source // where the values of vectors are, which are only known as such at the end
}

func newTreeReader(s source) *treeReader {
	r := &treeReader{s: s}
	t := &r.t
	r.params = readers{{"size_leaf_vector", func() error { return number(s, &t.vector) }}}
	r.members = readers{
		{"left_children", func() error { return int32s(s, &t.left) }},
		{"right_children", func() error { return int32s(s, &t.right) }},
		{"split_indices", func() error { return int32s(s, &t.feature) }},
		{"split_type", func() error { return int32s(s, &t.splitType) }},
		{"default_left", func() error { return int32s(s, &t.defaultLeft) }},
		{"split_conditions", func() error { return floats(s, &t.conditions) }},
		{"base_weights", func() error { r.base = s.fork(); return s.skip() }},
		{"leaf_weights", func() error { r.leaf = s.fork(); return s.skip() }},
		{"categories_nodes", func() error { return ints(s, &t.catNodes) }},
		{"categories_segments", func() error { return ints(s, &t.catStarts) }},
		{"categories_sizes", func() error { return ints(s, &t.catSizes) }},
		{"categories", func() error { return ints(s, &t.cats) }},
		{"tree_param", func() error { return members(s, r.params) }},
	}
	return r
}

func (r *treeReader) read() error {
	t := &r.t
	*t, r.base, r.leaf = treeDoc{vector: 1}, nil, nil
	if err := members(r.s, r.members); err != nil {
		return err
	}
	for _, v := range []struct {
		name string
		from source
		to   *[]float32
	}{{"base_weights", r.base, &t.baseWeights}, {"leaf_weights", r.leaf, &t.leafWeights}} {
		if v.from == nil || t.vector < 2 {
			continue
		}
		if err := floats(v.from, v.to); err != nil {
			return fmt.Errorf("%s: %w", v.name, err)
		}
	}
	n := len(t.left)
	if n == 0 {
		return fmt.Errorf("want at least one node, got none")
	}
	for _, list := range []struct {
		name   string
		length int
	}{{"right_children", len(t.right)}, {"split_indices", len(t.feature)}, {"default_left", len(t.defaultLeft)}, {"split_conditions", len(t.conditions)}} {
		if list.length != n {
			return fmt.Errorf("%s: want %d values, one a node, got %d", list.name, n, list.length)
		}
	}
	if len(t.splitType) != 0 && len(t.splitType) != n {
		return fmt.Errorf("split_type: want %d values, one a node, got %d", n, len(t.splitType))
	}
	return nil
}

// The readers of one value each.

func ints(s source, to *[]int64) (err error)     { *to, err = s.ints(); return err }
func int32s(s source, to *[]int32) (err error)   { *to, err = s.int32s(); return err }
func floats(s source, to *[]float32) (err error) { *to, err = s.floats(); return err }
func texts(s source, to *[]string) (err error)   { *to, err = stringsOf(s); return err }
func scalar(s source, to *string) (err error)    { *to, err = s.scalar(); return err }

// number reads a whole number, which XGBoost writes as a string.
func number(s source, to *int) error {
	w, err := s.scalar()
	if err != nil {
		return err
	}
	n, err := strconv.ParseInt(w, 10, 32)
	if err != nil || n < 0 {
		return fmt.Errorf("want a whole number, got %q", w)
	}
	*to = int(n)
	return nil
}
