package onnx

import (
	"fmt"
	"slices"
	"strings"
)

// The newest opsets of which every operator registered here is known to be right.
var newest = map[string]int64{"ai.onnx": 22, mlDomain: 5}

// The oldest ones: before ai.onnx 7 broadcasting worked by attributes.
var oldest = map[string]int64{"ai.onnx": 7, mlDomain: 1}

const mlDomain = "ai.onnx.ml"

// operator is one operator as it stands from opset since to opset until.
type operator struct {
	name, domain string
	since, until int64    // until 0: to the newest
	attributes   []string // every attribute it may have
	inputs       arity
	outputs      arity
	moves        bool // output elements are input elements, or depend on one each and keep NaN
	keepsNaN     bool // NaN in an input stays NaN in the output
	// compile checks attributes, types and shapes, sets the types and shapes of the outputs and makes the kernel.
	// It may return neither kernel nor error: the outputs are then constants or aliases that it has set.
	compile func(n *node) (kernel, error)
}

type arity struct{ min, max int }

// kernel runs a node. It is immutable: what changes while running is in the call.
type kernel func(c *call) error

// registry holds the families of operators; one operator has an entry for each range of opsets. It is a list and not a
// map because a process that starts to answer one request, on AWS Lambda, pays for building it: looking through it
// costs less than that for any model.
var registry [][]operator

// register adds a family of operators; each family's file calls it from init.
func register(ops ...operator) {
	for i := range ops {
		op := &ops[i]
		if op.domain == "" {
			op.domain = "ai.onnx"
		}
		if op.until == 0 {
			op.until = newest[op.domain]
		}
	}
	registry = append(registry, ops)
}

// entries gives the entries of an operator, nil if there is none.
func entries(domain, name string) []*operator {
	var all []*operator
	for _, family := range registry {
		for i := range family {
			if op := &family[i]; op.name == name && op.domain == domain {
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
	version, ok := opsets[n.domain]
	if !ok {
		version = newest[n.domain]
	}
	if version > newest[n.domain] || version < oldest[n.domain] {
		return nil, 0, &LoadError{Operator: key, Node: n.label(), Message: fmt.Sprintf("opset %d of %s is not supported", version, n.domain),
			Supported: []string{fmt.Sprintf("%s %d to %d", n.domain, oldest[n.domain], newest[n.domain])}}
	}
	var ranges []string
	for _, op := range entries {
		if version >= op.since && version <= op.until {
			return op, version, nil
		}
		ranges = append(ranges, fmt.Sprintf("%s %d to %d", n.domain, op.since, op.until))
	}
	return nil, 0, &LoadError{Operator: key, Node: n.label(), Message: fmt.Sprintf("is not supported at opset %d of %s", version, n.domain), Supported: ranges}
}

// Operators lists what is supported, as "ai.onnx.ml.Scaler", sorted.
func Operators() []string {
	var all []string
	for _, family := range registry {
		for _, op := range family {
			all = append(all, op.domain+"."+op.name)
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
	e := &LoadError{Operator: first.domain + "." + first.operator, Node: first.label(), Message: "the operator is not supported", Supported: Operators()}
	if missing != nil {
		e.Message += " (nor are " + strings.Join(missing, ", ") + ")"
	}
	return nil, nil, e
}
