package onnx

import "ml-service/tree"

func treeClassifier(n *node) (kernel, error) {
	n.types(0, numbers...)
	if n.in[0].dtype == Float64 {
		return classifyTrees[float64](n)
	}
	return classifyTrees[float32](n)
}

// voters is a classifier of trees. Which class wins and what becomes of the scores of two classes follows ONNX
// Runtime, which tells apart whether the file gives weights to one class or to both.
type voters[T float32 | float64] struct {
	trees   *tree.Ensemble[T]
	labels  *Tensor
	classes int
	post    transform
	sparse  bool // a row may reach no leaf of a class, and that class cannot win

	// Of two classes.
	id        int  // the only class with weights; -1: both have
	positive  bool // no weight is negative: the threshold is 0.5
	base      []T  // by class; nil: none
	low, high int  // the labels of a score below and above the threshold
}

func classifyTrees[T float32 | float64](n *node) (kernel, error) {
	labels := n.labels("classlabels_int64s", "classlabels_strings")
	v := &voters[T]{labels: labels, classes: labels.Shape[0], post: n.transform(), id: -1}
	base := listOf[T](n, "base_values")
	if n.err == nil && v.classes < 2 {
		return nil, n.unsupported([]string{"two classes or more"}, "%d classes", v.classes)
	}
	s := treeSpec[T](n, "class", v.classes)
	if n.err != nil {
		return nil, n.err
	}
	if err := v.two(n, &s, base); err != nil {
		return nil, err
	}
	if v.classes > 2 {
		if len(base) != 0 && len(base) != v.classes {
			return nil, n.invalid("%d base values for %d classes", len(base), v.classes)
		}
		s.Base = base
	}
	if v.sparse = !everyTargetReached(&s); v.sparse && v.base != nil && v.id != 0 {
		return nil, n.unsupported([]string{"base values of two classes that every row reaches"}, "a row may reach no leaf of a class")
	}
	if oneWeight(n, &s); n.err != nil {
		return nil, n.err
	}
	var err error
	if v.trees, err = tree.Compile(s); err != nil {
		return nil, n.invalid("%v", err)
	}
	n.classifier(v.labels, v.classes)
	n.walks(v.trees)
	n.scratch.row += int64(9 * max(v.classes, s.Targets)) // sums in T and which were reached
	if v.classes > 2 {
		return v.many, nil
	}
	return v.binary, nil
}

// two sets up a classifier of two classes.
func (v *voters[T]) two(n *node, s *tree.Spec[T], base []T) error {
	if v.classes != 2 {
		return nil
	}
	ids := n.shorts("class_ids")
	v.positive = true
	for _, w := range s.Weights {
		v.positive = v.positive && w.Value >= 0
	}
	one := true
	for _, id := range ids {
		one = one && id == ids[0]
	}
	v.low, v.high = 0, 1
	if one && len(ids) > 0 {
		v.id = int(ids[0])
		s.Targets = 1
		for i := range s.Weights {
			s.Weights[i].Target = 0
		}
	} else if v.positive = false; v.labels.DType == Int64 {
		// ONNX Runtime answers literally 0 and 1, whatever the labels are.
		v.labels = &Tensor{DType: Int64, Shape: []int{2}, I64: []int64{0, 1}}
	}
	supported := map[int]string{-1: "none or 2", 0: "none or 1", 1: "none or 2"}[v.id]
	if len(base) != 0 && len(base) != map[int]int{-1: 2, 0: 1, 1: 2}[v.id] {
		return n.unsupported([]string{supported}, "%d base values where class_ids names %s", len(base),
			map[int]string{-1: "both classes", 0: "class 0 alone", 1: "class 1 alone"}[v.id])
	}
	v.base = base
	if v.post == transformProbit && v.id >= 0 {
		return n.unsupported(transformNames[:4], "post_transform PROBIT of one score for two classes is not supported")
	}
	return nil
}

// everyTargetReached says whether each target has a tree of which every leaf gives it a weight.
func everyTargetReached[T float32 | float64](s *tree.Spec[T]) bool {
	leaves := make([]int32, s.Targets) // of the tree at hand: leaves that give the target a weight
	last := make([]int32, s.Targets)   // the leaf that counted last, plus one
	always := make([]bool, s.Targets)
	var touched []int32
	for t, root := range s.Roots {
		end := len(s.Nodes)
		if t+1 < len(s.Roots) {
			end = int(s.Roots[t+1])
		}
		count := int32(0)
		for i := int(root); i < end; i++ {
			d := &s.Nodes[i]
			if d.True >= 0 {
				continue
			}
			count++
			for _, w := range s.Weights[d.Leaf : d.Leaf+d.Weights] {
				if last[w.Target] == int32(i)+1 {
					continue
				}
				if last[w.Target] = int32(i) + 1; leaves[w.Target] == 0 {
					touched = append(touched, w.Target)
				}
				leaves[w.Target]++
			}
		}
		for _, k := range touched {
			always[k] = always[k] || leaves[k] == count
			leaves[k] = 0
		}
		touched = touched[:0]
	}
	for _, a := range always {
		if !a {
			return false
		}
	}
	return true
}

// eval gives the sums of rows and, where that is not certain, which targets were reached; else nil.
func (v *voters[T]) eval(c *call, dst []T, rows int) []bool {
	x := floatsOf[T](c, 0)
	if !v.sparse {
		v.trees.Eval(dst, x, rows)
		return nil
	}
	c.reached = sized(c.reached, len(dst))
	v.trees.EvalReached(dst, c.reached, x, rows)
	return c.reached
}

// many runs three classes or more: the largest sum wins, the first of equals.
func (v *voters[T]) many(c *call) error {
	rows, err := c.width(0, v.trees.Features())
	if err != nil {
		return err
	}
	scores, err := c.scoresFor(rows, v.classes)
	if err != nil {
		return err
	}
	dst, direct := any(scores).([]T)
	if !direct {
		dst = scratch[T](c, len(scores))
	}
	reached := v.eval(c, dst, rows)
	for r := range rows {
		row := dst[r*v.classes:][:v.classes]
		if c.out[0] != nil {
			k := best(row, reached, r*v.classes)
			if k < 0 {
				return c.fault(-1, 0, "row %d reaches no leaf with a weight", r)
			}
			pick(c.out[0], v.labels, r, k)
		}
		if v.post != transformNone {
			apply(v.post, row)
		}
		if !direct {
			for k, s := range row {
				scores[r*v.classes+k] = float32(s)
			}
		}
	}
	return nil
}

// best is the first largest score of those that were reached (nil: all); -1: none.
func best[T float32 | float64](row []T, reached []bool, at int) int {
	k := -1
	for i, s := range row {
		if reached != nil && !reached[at+i] {
			continue
		}
		if k < 0 || s > row[k] {
			k = i
		}
	}
	return k
}

// binary runs two classes.
func (v *voters[T]) binary(c *call) error {
	rows, err := c.width(0, v.trees.Features())
	if err != nil {
		return err
	}
	scores, err := c.scoresFor(rows, 2)
	if err != nil {
		return err
	}
	targets := v.trees.Targets()
	sums := scratch[T](c, rows*targets)
	reached := v.eval(c, sums, rows)
	for r := range rows {
		var pair [2]T
		var label int
		if targets == 1 && v.id == 0 {
			label, pair = v.first(sums[r])
		} else {
			label, pair = v.both(sums, reached, r)
		}
		if c.out[0] != nil {
			pick(c.out[0], v.labels, r, label)
		}
		scores[2*r], scores[2*r+1] = float32(pair[0]), float32(pair[1])
	}
	return nil
}

// first reads a sum that stands for the second class though the file gives it to class 0, as all exporters of one score do.
func (v *voters[T]) first(s T) (int, [2]T) {
	if len(v.base) == 1 {
		s += v.base[0]
	}
	label := v.low
	if s > 0.5 || !v.positive && s > 0 {
		label = v.high
	}
	switch {
	case v.post == transformLogistic:
		return label, [2]T{logistic(-s), logistic(s)}
	case v.positive:
		return label, [2]T{1 - s, s}
	}
	return label, [2]T{-s, s}
}

// both reads row r where the file gives weights to the second class.
func (v *voters[T]) both(sums []T, reached []bool, r int) (int, [2]T) {
	var pair [2]T
	if v.id == 1 {
		if reached != nil && !reached[r] {
			return v.first(0)
		}
		if pair[1] = sums[r]; v.base != nil {
			pair[1] = v.base[1] // ONNX Runtime adds it to the sum of class 0, which is nothing
		}
	} else {
		if reached != nil && !reached[2*r+1] {
			return v.first(sums[2*r])
		}
		if pair[0], pair[1] = sums[2*r], sums[2*r+1]; v.base != nil {
			pair[0], pair[1] = pair[0]+v.base[0], pair[1]+v.base[1]
		}
	}
	label := v.low
	if pair[1] > 0.5 || !v.positive && pair[1] > 0 {
		label = v.high
	}
	apply(v.post, pair[:])
	return label, pair
}
