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
	base    []T  // none, or one for each class; of two classes also one
	sparse  bool // a row may reach no leaf of a class, and that class cannot win

	// Of two classes.
	only     int  // the only class with weights; bothClasses
	positive bool // no weight is negative, and one class has weights alone: the threshold is 0.5
}

// bothClasses have weights.
const bothClasses = -1

func classifyTrees[T float32 | float64](n *node) (kernel, error) {
	labels := n.labels("classlabels_int64s", "classlabels_strings")
	v := &voters[T]{labels: labels, classes: labels.Shape[0], post: n.transform(), only: bothClasses, base: listOf[T](n, "base_values")}
	if n.err == nil && v.classes < 2 {
		return nil, n.unsupported([]string{"two classes or more"}, "%d classes", v.classes)
	}
	s := treeSpec[T](n, "class", v.classes)
	if n.err != nil {
		return nil, n.err
	}
	if v.classes == 2 {
		v.setTwoClasses(n, &s)
	}
	if b := len(v.base); b != 0 && b != v.classes && (b != 1 || v.classes != 2) {
		return nil, n.invalid("%d base values for %d classes", b, v.classes)
	}
	v.sparse = !everyTargetReached(&s)
	if v.post == transformProbit && v.classes == 2 && (v.only >= 0 || v.sparse) {
		return nil, n.unsupported(transformNames[:4], "post_transform PROBIT of one score for two classes is not supported")
	}
	var err error
	if v.trees, err = compileTrees(n, s); err != nil {
		return nil, err
	}
	n.classifier(v.labels, v.classes)
	n.walks(v.trees)
	n.scratch.row += int64(9 * max(v.classes, s.Targets)) // sums in T and which were reached
	if v.classes > 2 {
		return v.runSeveral, nil
	}
	return v.runTwo, nil
}

// setTwoClasses finds which of two classes has weights. Where it is one alone, the ensemble sums one target.
func (v *voters[T]) setTwoClasses(n *node, s *tree.Spec[T]) {
	ids := n.shorts("class_ids")
	single := len(ids) > 0
	for _, id := range ids {
		single = single && id == ids[0]
	}
	if !single {
		if v.labels.DType == Int64 {
			// ONNX Runtime answers literally 0 and 1, whatever the labels are.
			v.labels = &Tensor{DType: Int64, Shape: []int{2}, I64: []int64{0, 1}}
		}
		return
	}
	v.only, v.positive, s.Targets = int(ids[0]), true, 1
	for i := range s.Weights {
		v.positive = v.positive && s.Weights[i].Value >= 0
		s.Weights[i].Target = 0
	}
}

// everyTargetReached says whether each target has a tree of which every leaf gives it a weight.
func everyTargetReached[T float32 | float64](s *tree.Spec[T]) bool {
	leaves := make([]int32, s.Targets) // of the tree at hand: leaves that give the target a weight
	last := make([]int32, s.Targets)   // the leaf that counted last, plus one
	always := make([]bool, s.Targets)
	var touched []int32
	for t, root := range s.Roots {
		end := len(s.Nodes) // the nodes of a tree stand together, behind its root
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
func (v *voters[T]) eval(c *call, dst, x []T, rows, stride int) []bool {
	if !v.sparse {
		v.trees.EvalStride(dst, nil, x, rows, stride)
		return nil
	}
	c.reached = sized(c.reached, len(dst))
	v.trees.EvalStride(dst, c.reached, x, rows, stride)
	return c.reached
}

// runSeveral runs three classes or more: the largest sum wins, the first of equals.
func (v *voters[T]) runSeveral(c *call) error {
	x, stride, rows, err := rowsOf[T](c, v.trees.Features())
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
	reached := v.eval(c, dst, x, rows, stride)
	for r := range rows {
		row := dst[r*v.classes:][:v.classes]
		if v.base != nil { // a class with a base value takes part, reached or not
			for k, b := range v.base {
				row[k] += b
			}
			reached = nil
		}
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

// runTwo runs two classes.
func (v *voters[T]) runTwo(c *call) error {
	x, stride, rows, err := rowsOf[T](c, v.trees.Features())
	if err != nil {
		return err
	}
	scores, err := c.scoresFor(rows, 2)
	if err != nil {
		return err
	}
	targets := v.trees.Targets()
	sums := scratch[T](c, rows*targets)
	reached := v.eval(c, sums, x, rows, stride)
	for r := range rows {
		var s twoScores[T]
		for t := range targets {
			class := t
			if v.only >= 0 {
				class = v.only
			}
			s.score[class], s.reached[class] = sums[r*targets+t], reached == nil || reached[r*targets+t]
		}
		label := v.finish(&s)
		if c.out[0] != nil {
			pick(c.out[0], v.labels, r, label)
		}
		scores[2*r], scores[2*r+1] = float32(s.score[0]), float32(s.score[1])
	}
	return nil
}

// twoScores are the scores of two classes, and which of them a leaf gave anything.
type twoScores[T float32 | float64] struct {
	score   [2]T
	reached [2]bool
}

// finish adds the base values, transforms the scores and says which class wins.
func (v *voters[T]) finish(s *twoScores[T]) (label int) {
	pair := s.reached[1] // or one score that stands for both classes
	switch {
	case len(v.base) == 2 && v.only == bothClasses && s.reached[1]:
		// ONNX Runtime takes the second base value and the sum of class 0 for class 1; CatBoost, which writes such files, means this.
		s.score[0], s.score[1] = s.score[0]+v.base[0], s.score[1]+v.base[1]
	case len(v.base) == 2 && s.reached[1]:
		s.score[1] = v.base[1] // ONNX Runtime adds it to the sum of class 0, which is nothing
	case len(v.base) > 0 && s.reached[0]:
		s.score[0] += v.base[0]
	}
	pair = pair || len(v.base) == 2
	var deciding T
	switch {
	case s.reached[1]:
		deciding = s.score[1]
	case s.reached[0]:
		deciding = s.score[0]
	}
	if deciding > 0.5 || deciding > 0 && !v.positive {
		label = 1
	}
	if pair {
		apply(v.post, s.score[:])
		return label
	}
	// One score for two classes, though the file gives it to class 0, as all exporters of one score do.
	switch one := s.score[0]; {
	case v.post == transformLogistic:
		s.score = [2]T{logistic(-one), logistic(one)}
	case v.positive:
		s.score = [2]T{1 - one, one}
	default:
		s.score = [2]T{-one, one}
	}
	return label
}
