package lightgbm

import "fmt"

// linearTree is what the leaves of one tree of linear_tree hold.
type linearTree struct {
	values, constant []float64 // a leaf
	first            []int32   // a leaf: where its terms begin; one more at the end
	features         []int32
	coefficients     []float64
	linear           bool
}

func (d *document) linearTrees() ([]linearTree, error) {
	trees := make([]linearTree, len(d.trees))
	for i := range d.trees {
		t := &d.trees[i]
		for _, f := range t.termFeatures {
			if f < 0 || int(f) >= d.features {
				return nil, fmt.Errorf("tree %d: leaf_features: %d is not one of %d", i, f, d.features)
			}
		}
		trees[i] = linearTree{values: t.values, constant: t.constant, features: t.termFeatures, coefficients: t.coefficients, linear: t.linear, first: []int32{0}}
		for _, n := range t.terms {
			trees[i].first = append(trees[i].first, trees[i].first[len(trees[i].first)-1]+n)
		}
	}
	return trees, nil
}

// value is what a leaf gives to a row: its plain value where a feature of it is missing.
func (t *linearTree) value(leaf int, row []float64) float64 {
	if !t.linear {
		return t.values[leaf]
	}
	sum := t.constant[leaf]
	for k := t.first[leaf]; k < t.first[leaf+1]; k++ {
		v := row[t.features[k]]
		switch {
		case v != v:
			return t.values[leaf]
		case v >= -zero && v <= zero:
			v = 0
		}
		sum += float64(t.coefficients[k] * v)
	}
	return sum
}
