package onnx

import (
	"fmt"
	"slices"
)

// order sorts the nodes so that each comes after the makers of its inputs.
func (c *compiler) order() ([]int, error) {
	nodes := c.graph.nodes
	maker := map[string]int{}
	for i, n := range nodes {
		for _, o := range n.outputs {
			if o == "" {
				continue
			}
			if _, ok := maker[o]; ok || c.values[o] != nil {
				return nil, &LoadError{Operator: n.domain + "." + n.operator, Node: n.label(), Message: fmt.Sprintf("value %q is made twice", o)}
			}
			maker[o] = i
		}
	}
	waits, feeds := make([]int, len(nodes)), make([][]int, len(nodes))
	for i, n := range nodes {
		for _, name := range n.reads() {
			if name == "" || c.values[name] != nil {
				continue
			}
			m, ok := maker[name]
			if !ok {
				return nil, &LoadError{Operator: n.domain + "." + n.operator, Node: n.label(), Message: fmt.Sprintf("input %q is made by nothing", name)}
			}
			waits[i]++
			feeds[m] = append(feeds[m], i)
		}
	}
	var order, ready []int
	for i := len(nodes) - 1; i >= 0; i-- {
		if waits[i] == 0 {
			ready = append(ready, i)
		}
	}
	for len(ready) > 0 {
		i := ready[len(ready)-1]
		ready = ready[:len(ready)-1]
		order = append(order, i)
		for _, j := range feeds[i] {
			if waits[j]--; waits[j] == 0 {
				ready = append(ready, j)
			}
		}
	}
	for i, n := range nodes {
		if waits[i] > 0 {
			return nil, &LoadError{Operator: n.domain + "." + n.operator, Node: n.label(), Message: "the node depends on itself: the graph has a cycle"}
		}
	}
	return order, nil
}

// reads gives the names of the inputs and of what graphs in the attributes use.
func (n *nodeProto) reads() []string {
	if n.captures == nil {
		return n.inputs
	}
	return slices.Concat(n.inputs, n.captures)
}

// live collects the names that the graph's outputs need.
func (c *compiler) live(order []int) map[string]bool {
	live := map[string]bool{}
	for _, o := range c.graph.outputs {
		live[o.name] = true
	}
	for k := len(order) - 1; k >= 0; k-- {
		n := &c.graph.nodes[order[k]]
		needed := false
		for _, o := range n.outputs {
			needed = needed || live[o]
		}
		for _, i := range n.reads() {
			if needed && i != "" {
				live[i] = true
			}
		}
	}
	return live
}
