// Package tree evaluates ensembles of decision trees: gradient boosting, random forests, single trees.
//
// A [Spec] says what the ensemble is, [Compile] checks it wholly and lays it out for speed, and [Ensemble.Eval]
// runs it. The answers are those of ONNX Runtime to the bit: sums in the type of the ensemble, in the order of the trees,
// base values last; or of XGBoost, base values first.
package tree

// Float is the type of inputs, thresholds and sums.
type Float interface{ ~float32 | ~float64 }

// Mode is the comparison of a node: the true branch is taken where "x Mode Threshold" holds.
type Mode uint8

// The comparisons. NaN compares false, but for NEQ, which is true. -0 equals 0.
const (
	LEQ    Mode = iota // x <= threshold
	LT                 // x < threshold
	GTE                // x >= threshold
	GT                 // x > threshold
	EQ                 // x == threshold
	NEQ                // x != threshold
	Member             // x is one of the values of Spec.Sets[Node.Set]
)

var modeNames = [...]string{"LEQ", "LT", "GTE", "GT", "EQ", "NEQ", "Member"}

// String names the mode.
func (m Mode) String() string {
	if int(m) < len(modeNames) {
		return modeNames[m]
	}
	return "unknown"
}

// Aggregate is how the weights of the leaves a row reaches become one number a target.
type Aggregate uint8

// The aggregates. Average divides the sum by the number of trees, whether or not they reach the target.
const (
	Sum Aggregate = iota
	Average
	Min
	Max
)

// Node is an inner node, or a leaf where True and False are both -1.
type Node[T Float] struct {
	Feature     int32 // column of the row, of an inner node
	Mode        Mode
	MissingTrue bool // NaN takes the true branch whatever the comparison says
	Threshold   T
	Set         int32 // index into Spec.Sets, of mode Member
	True, False int32 // indices into Spec.Nodes; both -1: a leaf
	Leaf        int32 // a leaf's weights are Spec.Weights[Leaf : Leaf+Weights]
	Weights     int32
}

func (n *Node[T]) leaf() bool { return n.True == -1 && n.False == -1 }

// Weight is what a leaf gives to one target.
type Weight[T Float] struct {
	Target int32
	Value  T
}

// Spec is an ensemble as a file describes it. Nodes may be in any order, and may be shared by several parents and trees.
type Spec[T Float] struct {
	Features int // columns of a row
	Targets  int // columns of an answer
	Nodes    []Node[T]
	Roots    []int32 // one a tree, in the order of summation
	Weights  []Weight[T]
	Sets     [][]T
	// Base is added last, per target, or first, see BaseFirst; empty or Targets long. With several targets, one that no leaf of the row
	// reached answers 0 and not its base value, as ONNX Runtime does.
	Base      []T
	BaseFirst bool // sums start from the base values, whether or not a leaf reaches the target; Aggregate is Sum
	Aggregate Aggregate
}

// Limits of an ensemble that Compile accepts.
const (
	MaxNodes    = 1 << 26
	MaxTrees    = 1 << 20
	MaxDepth    = 1 << 12 // inner nodes on one path
	MaxFeatures = 1 << 24
	MaxTargets  = 1 << 20
)
