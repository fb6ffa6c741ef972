package onnx

import (
	"errors"
	"fmt"
)

// compiler turns a parsed graph into a Model.
type compiler struct {
	proto  *modelProto
	graph  *graphProto
	values map[string]*value
	inputs []*value
	steps  []step
	slots  []*value
	row    int64 // elements that all values hold for one row, for the limit
	folded int   // elements of folded constants, for the limit
	work   int64 // what computing them took, for the limit
	nodes  []*node
}

// step is a node of the finished plan.
type step struct {
	run      kernel
	node     *node
	in, out  []int     // slots; -1: a constant or absent
	constant []*Tensor // by input, where it is a constant
}

func compile(p *modelProto) (*Model, error) {
	c := &compiler{proto: p, graph: p.graph, values: map[string]*value{}}
	ops, versions, err := checkOperators(p.graph, p.opsets)
	if err != nil {
		return nil, err
	}
	if len(p.functions) > 0 {
		return nil, fmt.Errorf("local function %s: local functions are not supported; supported: graphs of operators alone", p.functions[0])
	}
	if err := c.sources(); err != nil {
		return nil, err
	}
	order, err := c.order()
	if err != nil {
		return nil, err
	}
	live := c.live(order)
	for _, i := range order {
		if err := c.node(i, ops[i], versions[i], live); err != nil {
			return nil, err
		}
	}
	return c.finish()
}

// sources declares initializers and inputs. An input that has an initializer is a constant.
func (c *compiler) sources() error {
	for _, t := range c.graph.initializers {
		v := &value{name: t.name, dtype: t.tensor.DType, shape: t.tensor.Shape, constant: t.tensor, input: -1, slot: -1}
		if err := c.declare(v); err != nil {
			return err
		}
	}
	seen := map[string]bool{}
	for _, p := range c.graph.inputs {
		if seen[p.name] {
			return fmt.Errorf("input %q is declared twice", p.name)
		}
		seen[p.name] = true
		if v := c.values[p.name]; v != nil {
			if v.dtype != p.dtype {
				return fmt.Errorf("input %q is %s, its initializer %s", p.name, p.dtype, v.dtype)
			}
			continue
		}
		if p.kind != "" || p.dtype == 0 {
			return fmt.Errorf("input %q is no tensor (%s); supported: tensors", p.name, p.kind)
		}
		v := &value{name: p.name, dtype: p.dtype, shape: p.shape, input: len(c.inputs), slot: len(c.slots), batch: 0}
		if err := c.declare(v); err != nil {
			return err
		}
		if err := c.account(v); err != nil {
			return err
		}
		c.inputs, c.slots = append(c.inputs, v), append(c.slots, v)
	}
	return nil
}

func (c *compiler) declare(v *value) error {
	if v.name == "" {
		return errors.New("a value without a name")
	}
	if c.values[v.name] != nil {
		return fmt.Errorf("value %q is made twice", v.name)
	}
	c.values[v.name] = v
	return nil
}

// account keeps the memory that a run of one row takes within bounds.
func (c *compiler) account(v *value) error {
	n := int64(1)
	for _, d := range v.shape {
		if d > 0 {
			if n *= int64(d); n > maxRow {
				break
			}
		}
	}
	if c.row += n; c.row > maxRow {
		return fmt.Errorf("value %q of shape %s: one row needs more than %d elements in all", v.name, ShapeText(v.shape), maxRow)
	}
	return nil
}

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
		for _, name := range n.inputs {
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
		for _, i := range n.inputs {
			if needed && i != "" {
				live[i] = true
			}
		}
	}
	return live
}

// node compiles one node; also dead ones, so that a file is refused for what it holds and not for what is asked.
func (c *compiler) node(i int, op *operator, version int64, live map[string]bool) error {
	p := &c.graph.nodes[i]
	n := &node{op: op, proto: p, version: version}
	if err := n.checkArity(); err != nil {
		return err
	}
	if err := n.checkAttributes(); err != nil {
		return err
	}
	constant := true
	for k, name := range p.inputs {
		var v *value
		if name != "" {
			if v = c.values[name]; v.dtype == 0 {
				return n.invalid("input %d (%q) has no known type", k, name)
			}
			if v.classes != nil {
				return n.unsupported([]string{"a ZipMap as an output of the graph"}, "input %d (%q) is made by a ZipMap", k, name)
			}
			constant = constant && v.constant != nil
		}
		n.in = append(n.in, v)
	}
	dead := true
	for _, name := range p.outputs {
		var v *value
		if name != "" {
			v = &value{name: name, maker: n, input: -1, slot: -1}
			if err := c.declare(v); err != nil {
				return err
			}
		}
		n.out, n.want = append(n.out, v), append(n.want, live[name])
		dead = dead && !live[name]
	}
	run, err := op.compile(n)
	if n.err == nil && err == nil {
		n.setRows()
	}
	p.attributes = nil // the kernel has what it needs; the lists of a forest are twice its file
	if n.err != nil {
		return n.err
	}
	if err != nil {
		return err
	}
	if n.alias == nil && !constant {
		n.computeBySize(run)
	}
	for k, v := range n.alias {
		c.values[p.outputs[k]] = v
	}
	if dead || n.alias != nil {
		return nil
	}
	c.nodes = append(c.nodes, n)
	return c.emit(n, run, constant)
}

// emit folds the node if its inputs are constants, else adds it to the plan.
func (c *compiler) emit(n *node, run kernel, constant bool) error {
	s := step{run: run, node: n}
	for _, v := range n.in {
		slot, t := -1, (*Tensor)(nil)
		if v != nil {
			slot, t = v.slot, v.constant
		}
		s.in, s.constant = append(s.in, slot), append(s.constant, t)
	}
	if constant {
		return c.fold(n, s)
	}
	for i, v := range n.out {
		slot := -1
		if n.wanted(i) {
			if err := c.account(v); err != nil {
				return n.invalid("%v", err)
			}
			slot = len(c.slots)
			v.slot = slot
			c.slots = append(c.slots, v)
		}
		s.out = append(s.out, slot)
	}
	c.steps = append(c.steps, s)
	return nil
}

// fold runs the node now and makes its outputs constants.
func (c *compiler) fold(n *node, s step) error {
	k := call{in: s.constant, limit: maxFolded - c.folded, node: n}
	if c.work += n.stepsToFold(); c.work > maxWork {
		return n.invalid("computing the constants takes more than %d steps", maxWork)
	}
	for i, v := range n.out {
		var t *Tensor
		if n.wanted(i) {
			t = &Tensor{DType: v.dtype}
		}
		k.out = append(k.out, t)
	}
	if err := s.run(&k); err != nil {
		return n.invalid("computing constants: %v", err)
	}
	for i, v := range n.out {
		t := k.out[i]
		if t == nil {
			continue
		}
		if c.folded += t.Len(); c.folded > maxFolded {
			return n.invalid("computed constants of more than %d elements", maxFolded)
		}
		v.constant, v.shape = t, t.Shape
	}
	return nil
}

// stepsToFold is about how many steps the kernel of a node takes whose inputs are constants.
func (n *node) stepsToFold() int64 {
	if n.op.work != nil {
		return n.op.work(n)
	}
	steps := int64(1)
	for _, v := range n.in {
		if v != nil {
			steps += int64(v.constant.Len())
		}
	}
	out, _ := volume(n.out[0].shape)
	return steps + int64(out)
}

// workOfProduct is the work of a product of matrices: a multiplication for each element on the left and column on the right.
func workOfProduct(n *node) int64 {
	columns := 1
	if s := n.out[0].shape; len(s) > 0 {
		columns = max(1, s[len(s)-1])
	}
	left, right := int64(n.in[0].constant.Len()), int64(n.in[1].constant.Len())
	return 1 + left*int64(columns+1) + right
}

// workByRow is the work of operators whose compile says what one row costs.
func workByRow(n *node) int64 {
	rows := 1
	if s := n.in[0].constant.Shape; len(s) > 0 {
		rows = s[0]
	}
	return 1 + int64(n.in[0].constant.Len()) + int64(rows)*int64(n.perRow)
}
