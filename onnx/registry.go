package onnx

import (
	"fmt"
	"slices"
	"strings"
)

// The newest opsets of which every operator registered here is known to be right.
var newest = map[string]int64{aiDomain: 28, mlDomain: 5, microsoftDomain: 1}

const (
	aiDomain = "ai.onnx"
	mlDomain = "ai.onnx.ml"
)

// operator is one operator as it stands from opset since to opset until. What it does to values is said here, once, for
// everything that asks about a graph as a whole: roles of outputs, missing values, the rows of a batch, the cost of folding.
type operator struct {
	name, domain string   // domain "": ai.onnx
	since, until int64    // until 0: to the newest
	attributes   []string // every attribute it may have
	inputs       arity
	outputs      arity

	moves       movement            // whether output elements are input elements, put elsewhere
	elementwise bool                // an output element depends on the elements at its place in the inputs alone, broadcast
	keepsNaN    bool                // NaN in an input stays NaN in the output, or is replaced on purpose
	ofShape     bool                // it reads the shape of its input, not the elements
	regresses   func(n *node) bool  // whether the output is a number for each target of a regression; nil: it is not
	rows        func(n *node) int   // along which axis of the outputs the batch's rows lie, given those of the inputs; nil: batchMixed
	work        func(n *node) int64 // about how many steps a run on constants takes; nil: one for each element read or written

	// compile checks attributes, types and shapes, sets the types and shapes of the outputs and makes the kernel.
	// It may return neither kernel nor error: the outputs are then constants or aliases that it has set.
	compile func(n *node) (kernel, error)
}

// movement says which inputs the elements of an output come from, where it only moves them (a Cast moves: 1 stays 1).
type movement uint8

const (
	movesNothing movement = iota
	movesFirst            // from the first input
	movesAll              // from all inputs
)

type arity struct{ min, max int }

var (
	exactlyOne = arity{1, 1}
	exactlyTwo = arity{2, 2}
	oneOrMore  = arity{1, maxNodeValues}
)

// kernel runs a node. It is immutable: what changes while running is in the call.
type kernel func(c *call) error

// families are all operators; one operator has an entry for each range of opsets. It is a list and not a map because a
// process that starts to answer one request, on AWS Lambda, pays for building it: looking through it costs less than
// that for any model.
var families = [...][]operator{
	treeOperators, svmOperators, linearOperators, matrixOperators, scalingOperators, normalizerOperators, normOperators, oneHotOperators, labelOperators, zipMapOperators,
	textOperators, tfIdfOperators, sequenceOperators,
	controlOperators, movingOperators, selectingOperators, topKOperators, sliceOperators, shapeOperators, constantOperators, castOperators,
	arithmeticOperators, unaryOperators, comparisonOperators, reductionOperators, softmaxOperators,
}

// in is the operator's domain.
func (op *operator) in() string {
	if op.domain == "" {
		return aiDomain
	}
	return op.domain
}

// last is the newest opset of the entry.
func (op *operator) last() int64 {
	if op.until == 0 {
		return newest[op.in()]
	}
	return op.until
}

// entries gives the entries of an operator, nil if there is none.
func entries(domain, name string) []*operator {
	var all []*operator
	for _, family := range families {
		for i := range family {
			if op := &family[i]; op.name == name && op.in() == domain {
				all = append(all, op)
			}
		}
	}
	return all
}

// find gives the operator of a node under the model's imports. A domain that is not imported is taken at its newest.
func find(n *nodeProto, opsets map[string]int64) (*operator, int64, error) {
	key := n.domain + "." + n.operator
	entries := entries(n.domain, n.operator)
	if entries == nil {
		return nil, 0, nil
	}
	if n.opsets != nil {
		opsets = n.opsets
	}
	version, ok := opsets[n.domain]
	if !ok {
		version = newest[n.domain]
	}
	var ranges []string
	for _, op := range entries {
		if version >= op.since && version <= op.last() {
			return op, version, nil
		}
		ranges = append(ranges, fmt.Sprintf("%s %d to %d", n.domain, op.since, op.last()))
	}
	return nil, 0, &LoadError{Operator: key, Node: n.label(), Message: fmt.Sprintf("is not supported at opset %d of %s", version, n.domain), Supported: ranges}
}

// Operators lists what is supported, as "ai.onnx.ml.Scaler", sorted.
func Operators() []string {
	var all []string
	for _, family := range families {
		for i := range family {
			all = append(all, family[i].in()+"."+family[i].name)
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// checkOperators resolves the operator of every node, or names all that are missing.
func checkOperators(g *graphProto, opsets map[string]int64) ([]*operator, []int64, error) {
	ops, versions := make([]*operator, len(g.nodes)), make([]int64, len(g.nodes))
	var missing []string
	var first *nodeProto
	for i := range g.nodes {
		p := &g.nodes[i]
		op, version, err := find(p, opsets)
		if err != nil {
			return nil, nil, err
		}
		if ops[i], versions[i] = op, version; op != nil {
			continue
		}
		if first == nil {
			first = p
		} else if key := p.domain + "." + p.operator; !slices.Contains(missing, key) && len(missing) < 20 && key != first.domain+"."+first.operator {
			missing = append(missing, key)
		}
	}
	if first == nil {
		return ops, versions, nil
	}
	e := &LoadError{Operator: first.domain + "." + first.operator, Node: first.label(), Message: "the operator is not supported"}
	if missing != nil {
		e.Message += " (nor are " + strings.Join(missing, ", ") + ")"
	}
	e.Message += "; " + advice(first.domain, first.operator) + "; docs/supported.md lists what is supported"
	return nil, nil, e
}
