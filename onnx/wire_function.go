package onnx

import (
	"fmt"
	"maps"
	"slices"

	"google.golang.org/protobuf/encoding/protowire"
)

// functionProto is a FunctionProto: a graph without types that nodes call by its name.
type functionProto struct {
	domain, name    string
	inputs, outputs []string
	defaults        []attrProto // attributes that a call may leave out
	nodes           graphProto  // its nodes alone
	opsets          map[string]int64
}

func (m *modelProto) function(f field) error {
	fn := &functionProto{}
	imports := &modelProto{opsets: map[string]int64{}}
	var overload string
	err := each(f, func(f field) (err error) {
		switch f.num {
		case 1:
			fn.name, err = f.text()
		case 4:
			fn.inputs, err = addName(fn.inputs, f)
		case 5:
			fn.outputs, err = addName(fn.outputs, f)
		case 7:
			err = fn.nodes.node(f, 0)
		case 9:
			err = imports.opset(f)
		case 10:
			fn.domain, err = f.text()
		case 11:
			var a attrProto
			if a, err = parseAttribute(f, 0); err == nil {
				fn.defaults = append(fn.defaults, a)
			}
		case 13:
			overload, err = f.text()
		}
		return err
	})
	fn.domain, fn.opsets = domainName(fn.domain), imports.opsets
	key := fn.domain + "." + fn.name
	switch {
	case err == nil && overload != "":
		err = fmt.Errorf("overload %q is not supported", overload)
	case err == nil && m.functions[key] != nil:
		err = fmt.Errorf("%s is given twice", key)
	case err == nil && len(m.functions) >= maxMetadata:
		err = fmt.Errorf("more than %d", maxMetadata)
	}
	if err != nil {
		return fmt.Errorf("function %s: %w", fn.name, err)
	}
	m.functions[key] = fn
	return nil
}

// expansion puts the nodes of functions in the place of the nodes that call them.
type expansion struct {
	functions map[string]*functionProto
	calls     int // for names that are unique
	nodes     int // for the limit
}

func (x *expansion) graph(g *graphProto, depth int) error {
	var nodes []nodeProto
	for i := range g.nodes {
		n := g.nodes[i]
		for k := range n.attributes {
			if inner := n.attributes[k].g; inner != nil {
				if err := x.graph(inner, depth); err != nil {
					return err
				}
			}
		}
		fn := x.functions[n.domain+"."+n.operator]
		if fn == nil {
			nodes = append(nodes, n)
			continue
		}
		if depth >= maxDepth {
			return fmt.Errorf("function %s: functions inside of functions, more than %d deep", fn.name, maxDepth)
		}
		called, err := x.call(fn, &n)
		if err != nil {
			return fmt.Errorf("%s, a call of function %s: %w", n.label(), fn.name, err)
		}
		if err := x.graph(called, depth+1); err != nil {
			return err
		}
		nodes = append(nodes, called.nodes...)
	}
	for i := range nodes {
		nodes[i].index = i
	}
	g.nodes = nodes
	return nil
}

// size counts the nodes of a graph and of those in its attributes.
func (g *graphProto) size() int {
	n := len(g.nodes)
	for i := range g.nodes {
		for k := range g.nodes[i].attributes {
			if inner := g.nodes[i].attributes[k].g; inner != nil {
				n += inner.size()
			}
		}
	}
	return n
}

// call gives the nodes of a function with the names and attributes of one call.
func (x *expansion) call(fn *functionProto, n *nodeProto) (*graphProto, error) {
	if len(n.inputs) > len(fn.inputs) || len(n.outputs) > len(fn.outputs) {
		return nil, fmt.Errorf("%d inputs and %d outputs, the function has %d and %d", len(n.inputs), len(n.outputs), len(fn.inputs), len(fn.outputs))
	}
	if x.nodes += fn.nodes.size(); x.nodes > maxNodes {
		return nil, fmt.Errorf("functions make more than %d nodes", maxNodes)
	}
	x.calls++
	names := map[string]string{"": ""}
	for i, formal := range fn.inputs {
		names[formal] = ""
		if i < len(n.inputs) {
			names[formal] = n.inputs[i]
		}
	}
	for i, formal := range fn.outputs {
		if _, ok := names[formal]; ok {
			return nil, fmt.Errorf("output %q is an input or given twice", formal)
		}
		if i < len(n.outputs) && n.outputs[i] != "" {
			names[formal] = n.outputs[i]
		}
	}
	attributes := map[string]*attrProto{}
	for i := range fn.defaults {
		attributes[fn.defaults[i].name] = &fn.defaults[i]
	}
	for i := range n.attributes {
		attributes[n.attributes[i].name] = &n.attributes[i]
	}
	in := &instance{names: names, prefix: fmt.Sprintf("%s#%d/", fn.name, x.calls), attributes: attributes, opsets: fn.opsets}
	return in.graph(&fn.nodes), nil
}

// instance is what one call makes of the names and attributes of a function.
type instance struct {
	names      map[string]string
	prefix     string
	attributes map[string]*attrProto
	opsets     map[string]int64
}

func (in *instance) name(s string) string {
	if to, ok := in.names[s]; ok {
		return to
	}
	return in.prefix + s
}

// graph copies a function's nodes, or a graph in an attribute of one, whose own names hide those of the function.
func (in *instance) graph(g *graphProto) *graphProto {
	c := &graphProto{initializers: g.initializers, inputs: g.inputs, outputs: slices.Clone(g.outputs)}
	for i := range g.nodes {
		n := g.nodes[i]
		n.inputs, n.outputs = in.all(n.inputs), in.all(n.outputs)
		n.name, n.opsets = in.prefix+n.operator, in.opsets
		n.attributes = nil
		for _, a := range g.nodes[i].attributes {
			if a.reference != "" {
				given := in.attributes[a.reference]
				if given == nil {
					continue // left out by the call, so left out here
				}
				name := a.name
				a = *given
				a.name = name
			}
			if a.g != nil {
				a.g = in.inside(a.g)
			}
			n.attributes = append(n.attributes, a)
		}
		n.capture()
		c.nodes = append(c.nodes, n)
	}
	for i := range c.outputs {
		c.outputs[i].name = in.name(c.outputs[i].name)
	}
	return c
}

// inside copies a graph in an attribute.
func (in *instance) inside(g *graphProto) *graphProto {
	own := *in
	own.names = maps.Clone(in.names)
	for _, v := range g.inputs {
		own.names[v.name] = v.name
	}
	for _, t := range g.initializers {
		own.names[t.name] = t.name
	}
	return own.graph(g)
}

func (in *instance) all(names []string) []string {
	to := make([]string, len(names))
	for i, s := range names {
		to[i] = in.name(s)
	}
	return to
}

// reference reads the name of an attribute of the function in whose place an attribute of one of its nodes stands.
func (a *attrProto) refer(f field) (err error) {
	if err = f.want(protowire.BytesType); err == nil && len(f.bytes) > 0 {
		a.reference, err = f.text()
	}
	return err
}
