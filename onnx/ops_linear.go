package onnx

import (
	"fmt"
	"slices"
)

var linearOperators = []operator{
	{name: "LinearClassifier", domain: mlDomain, since: 1, inputs: exactlyOne, outputs: arity{1, 2}, rows: rowsOfMatrices, work: workByRow,
		attributes: []string{"classlabels_ints", "classlabels_strings", "coefficients", "intercepts", "multi_class", "post_transform"},
		compile:    linearClassifier},
	{name: "LinearRegressor", domain: mlDomain, since: 1, inputs: exactlyOne, outputs: exactlyOne, regresses: always, rows: rowsOfMatrices, work: workByRow,
		attributes: []string{"coefficients", "intercepts", "post_transform", "targets"}, compile: linearRegressor},
}

// numbers are the input types that ai.onnx.ml's numeric operators take.
var numbers = []DType{Float32, Float64, Int64, Int32}

// columns gives the width of input i, which must be a matrix; -1: not known before running.
func (n *node) columns(i int) int {
	s := n.in[i].shape
	if s == nil {
		return -1
	}
	if len(s) != 2 {
		declared := "[rows, columns]"
		if v := n.in[i]; v.maker == nil && len(s) == 1 && s[0] > 0 {
			declared = fmt.Sprintf("[rows, columns], as [None, %d] in the export", s[0])
		}
		n.fail(n.unsupported([]string{declared}, "input %d has shape %s", i, ShapeText(s)))
		return -1
	}
	return s[1]
}

// rows gives the rows of input i as far as they are known.
func (n *node) rows(i int) int {
	if s := n.in[i].shape; len(s) > 0 {
		return s[0]
	}
	return -1
}

// linear is coefficients [targets][width] with an intercept each.
type linear struct {
	width, targets int
	coefficients   []float64 // float32 values, widened once
	intercepts     []float32
}

func (n *node) linear(targets int) *linear {
	l := &linear{targets: targets, intercepts: n.floats("intercepts")}
	for _, f := range n.floats("coefficients") {
		l.coefficients = append(l.coefficients, float64(f))
	}
	n.converts(0)
	n.perRow = len(l.coefficients)
	if l.intercepts == nil {
		l.intercepts = make([]float32, targets)
	}
	switch {
	case targets < 1 || len(l.coefficients) == 0 || len(l.coefficients)%targets != 0:
		n.fail(n.invalid("%d coefficients for %d rows of scores", len(l.coefficients), targets))
		return l
	case len(l.intercepts) != targets:
		n.fail(n.invalid("%d intercepts for %d rows of coefficients", len(l.intercepts), targets))
	}
	l.width = len(l.coefficients) / targets
	if w := n.columns(0); w >= 0 && w != l.width {
		n.fail(n.invalid("the input has %d columns, the coefficients want %d", w, l.width))
	}
	return l
}

// scores writes rows*targets scores to dst. It sums in float64, where products of float32 are exact: sums that nearly
// cancel keep their digits, and a machine that fuses gives the same bits.
func (l *linear) scores(c *call, dst []float32, rows int) {
	x := c.floats(0)
	for r := range rows {
		row := x[r*l.width:][:l.width]
		for t := range l.targets {
			coefficients := l.coefficients[t*l.width:][:len(row)]
			sum := float64(l.intercepts[t])
			var s0, s1, s2, s3 float64
			i := 0
			for ; i+4 <= len(row); i += 4 {
				v, w := row[i:i+4:i+4], coefficients[i:i+4:i+4]
				s0 += float64(v[0]) * w[0]
				s1 += float64(v[1]) * w[1]
				s2 += float64(v[2]) * w[2]
				s3 += float64(v[3]) * w[3]
			}
			for ; i < len(row); i++ {
				sum += float64(row[i]) * coefficients[i]
			}
			sum += (s0 + s1) + (s2 + s3)
			dst[r*l.targets+t] = float32(sum)
		}
	}
}

// floats gives input k as float32, converted in scratch where it is of another type.
func (c *call) floats(k int) []float32 {
	t := c.in[k]
	switch t.DType {
	case Float32:
		return t.F32
	case Float64:
		c.f32 = sized(c.f32, len(t.F64))
		for i, v := range t.F64 {
			c.f32[i] = float32(v)
		}
	default:
		c.f32 = sized(c.f32, len(t.I64))
		for i, v := range t.I64 {
			c.f32[i] = float32(v)
		}
	}
	return c.f32
}

// width checks that input k is a matrix of the width wanted and gives its rows.
func (c *call) width(k, want int) (rows int, err error) {
	rows, columns, err := c.matrix(k)
	if err == nil && columns != want {
		err = c.fault(-1, 0, "input %d has %d columns, want %d", k, columns, want)
	}
	return rows, err
}

func linearRegressor(n *node) (kernel, error) {
	n.types(0, numbers...)
	targets := n.int("targets", 1)
	if targets < 1 || targets > maxRow {
		return nil, n.invalid("targets is %d", targets)
	}
	l, post := n.linear(int(targets)), n.transform()
	if targets == 1 && post != transformNone {
		return nil, n.oneTarget(post)
	}
	n.set(0, Float32, n.rows(0), l.targets)
	return func(c *call) error {
		rows, err := c.width(0, l.width)
		if err != nil {
			return err
		}
		out := c.out[0]
		if err := c.resize(out, rows, l.targets); err != nil {
			return err
		}
		l.scores(c, out.F32, rows)
		if post != transformNone {
			for r := range rows {
				apply(post, out.F32[r*l.targets:][:l.targets])
			}
		}
		return nil
	}, nil
}

// oneTarget refuses what ONNX and ONNX Runtime read differently.
func (n *node) oneTarget(post transform) error {
	return n.unsupported([]string{"NONE for one target, any for several"},
		"post_transform %s of a single target is not supported: ONNX Runtime ignores it where ONNX applies it", transformNames[post])
}

// labels gives the class labels of a classifier, which must be ints or strings.
func (n *node) labels(ints, strings string) *Tensor {
	i, s := n.ints(ints), n.strings(strings)
	switch {
	case len(i) > 0 && len(s) > 0:
		n.fail(n.invalid("both %s and %s are given", ints, strings))
	case len(i) > 0:
		return &Tensor{DType: Int64, Shape: []int{len(i)}, I64: slices.Clone(i)}
	case len(s) > 0:
		return &Tensor{DType: String, Shape: []int{len(s)}, Str: slices.Clone(s)}
	default:
		n.fail(n.invalid("neither %s nor %s is given", ints, strings))
	}
	return &Tensor{DType: Int64, Shape: []int{0}}
}

// classifier declares the outputs every classifier has: labels [N], scores [N, classes].
func (n *node) classifier(labels *Tensor, classes int) {
	n.set(0, labels.DType, n.rows(0))
	n.set(1, Float32, n.rows(0), classes)
	if !n.wanted(1) {
		n.scratch.row += 4 * int64(classes)
	}
	if n.out[0] != nil {
		n.out[0].role = Label
	}
	if len(n.out) > 1 && n.out[1] != nil {
		n.out[1].role, n.out[1].labels = Scores, labels
	}
}

// pick writes label k to element r of the labels, where they are asked for.
func pick(out, labels *Tensor, r, k int) {
	if labels.DType == Int64 {
		out.I64[r] = labels.I64[k]
	} else {
		out.Str[r] = labels.Str[k]
	}
}

func linearClassifier(n *node) (kernel, error) {
	n.types(0, numbers...)
	n.flag("multi_class", 0) // changes nothing: the rows of coefficients say it all
	labels := n.labels("classlabels_ints", "classlabels_strings")
	classes, rows := labels.Shape[0], labels.Shape[0]
	post := n.transform()
	if classes < 2 && n.err == nil {
		return nil, n.unsupported([]string{"two classes or more"}, "%d classes", classes)
	}
	if given := len(n.floats("intercepts")); classes == 2 && (given == 1 || given == 0 && n.columns(0) == len(n.floats("coefficients"))) {
		rows = 1
	}
	if rows == 1 && post == transformProbit {
		return nil, n.unsupported(transformNames[:4], "post_transform PROBIT of a single row of coefficients is not supported")
	}
	l := n.linear(rows)
	n.classifier(labels, classes)
	if rows == 1 {
		n.scratch.row += 4
		return oneRow(l, labels, post), nil
	}
	return func(c *call) error {
		rows, err := c.width(0, l.width)
		if err != nil {
			return err
		}
		scores, err := c.scoresFor(rows, l.targets)
		if err != nil {
			return err
		}
		l.scores(c, scores, rows)
		for r := range rows {
			row := scores[r*l.targets:][:l.targets]
			if c.out[0] != nil {
				pick(c.out[0], labels, r, argmax(row))
			}
			apply(post, row)
		}
		return nil
	}, nil
}

// scoresFor sizes the outputs of a classifier and gives the memory for its scores: output 1, or scratch.
func (c *call) scoresFor(rows, classes int) ([]float32, error) {
	if c.out[0] != nil {
		if err := c.resize(c.out[0], rows); err != nil {
			return nil, err
		}
	}
	if len(c.out) > 1 && c.out[1] != nil {
		err := c.resize(c.out[1], rows, classes)
		return c.out[1].F32, err
	}
	c.more = sized(c.more, rows*classes)
	return c.more, nil
}

// argmax is the index of the first largest element.
func argmax(row []float32) int {
	best := 0
	for i, v := range row {
		if v > row[best] {
			best = i
		}
	}
	return best
}

// oneRow is the classifier of two classes with one row of coefficients: the score is that of the second class.
func oneRow(l *linear, labels *Tensor, post transform) kernel {
	return func(c *call) error {
		rows, err := c.width(0, l.width)
		if err != nil {
			return err
		}
		scores, err := c.scoresFor(rows, 2)
		if err != nil {
			return err
		}
		c.one = sized(c.one, rows)
		l.scores(c, c.one, rows)
		for r, s := range c.one {
			if c.out[0] != nil {
				k := 0
				if s > 0 {
					k = 1
				}
				pick(c.out[0], labels, r, k)
			}
			if post == transformLogistic {
				s = logistic(s)
			}
			scores[2*r], scores[2*r+1] = 1-s, s
		}
		return nil
	}
}
