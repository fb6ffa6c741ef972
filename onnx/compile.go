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
	nodes  []*node
	spent  *spent // shared with the graphs inside of this one
	// resolve is checkOperators, behind a field because the table of operators cannot refer to what looks through it.
	resolve func(g *graphProto, opsets map[string]int64) ([]*operator, []int64, error)
}

// spent is what the limits are compared with.
type spent struct {
	row    int64 // elements that all values hold for one row
	folded int   // elements of folded constants
	work   int64 // what computing them took
}

// step is a node of the finished plan.
type step struct {
	run      kernel
	node     *node
	in, out  []int     // slots; -1: a constant or absent
	constant []*Tensor // by input, where it is a constant
	watched  bool      // an encoder of values of the graph's inputs
}

func compile(p *modelProto) (*Model, error) {
	c := &compiler{proto: p, graph: p.graph, values: map[string]*value{}, spent: &spent{}, resolve: checkOperators}
	if len(p.functions) > 0 {
		x := expansion{functions: p.functions}
		if err := x.graph(p.graph, 0); err != nil {
			return nil, err
		}
	}
	ops, versions, err := c.resolve(c.graph, p.opsets)
	if err != nil {
		return nil, err
	}
	if err := c.sources(); err != nil {
		return nil, err
	}
	if err := c.allNodes(ops, versions); err != nil {
		return nil, err
	}
	return c.finish()
}

// allNodes compiles the nodes in an order in which each comes after the makers of its inputs.
func (c *compiler) allNodes(ops []*operator, versions []int64) error {
	order, err := c.order()
	if err != nil {
		return err
	}
	live := c.live(order)
	for _, i := range order {
		if err := c.node(i, ops[i], versions[i], live); err != nil {
			return err
		}
	}
	return nil
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
		v := &value{name: p.name, dtype: p.dtype, shape: p.shape, input: len(c.inputs), slot: len(c.slots), batch: 0, group: 1}
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
	if c.spent.row += n; c.spent.row > maxRow {
		return fmt.Errorf("value %q of shape %s: one row needs more than %d elements in all", v.name, ShapeText(v.shape), maxRow)
	}
	return nil
}

// node compiles one node; also dead ones, so that a file is refused for what it holds and not for what is asked.
func (c *compiler) node(i int, op *operator, version int64, live map[string]bool) error {
	p := &c.graph.nodes[i]
	n := &node{op: op, proto: p, compiler: c, version: version}
	if err := n.checkArity(); err != nil {
		return err
	}
	if err := n.checkAttributes(); err != nil {
		return err
	}
	constant := true
	for k, name := range p.reads() {
		var v *value
		if name != "" {
			if v = c.values[name]; v.dtype == 0 {
				return n.invalid("input %d (%q) has no known type", k, name)
			}
			if v.classes != nil {
				return n.unsupported([]string{"a ZipMap as an output of the graph"}, "input %d (%q) is made by a ZipMap", k, name)
			}
			if v.items != nil {
				return n.unsupported([]string{"a sequence as an output of the graph"}, "input %d (%q) is a sequence", k, name)
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
	p.attributes, n.compiler = nil, nil // the kernel has what it needs; the lists of a forest are twice its file
	if n.err != nil {
		return n.err
	}
	if err != nil {
		return err
	}
	if op.ofShape && n.in[0].shape != nil && extentOf(n.in[0].shape).open == 0 {
		of := *n.in[0] // of a shape that is known, a constant
		of.constant, constant = &Tensor{DType: of.dtype, Shape: of.shape}, true
		n.in[0] = &of
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
