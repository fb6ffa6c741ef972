package onnx

import (
	"errors"
	"fmt"
	"slices"

	"google.golang.org/protobuf/encoding/protowire"
)

type nodeProto struct {
	inputs, outputs        []string
	name, operator, domain string
	attributes             []attrProto
	captures               []string // names that graphs in the attributes use and do not make
	index                  int
	opsets                 map[string]int64 // of the function it comes from; nil: the model's
}

// free gives the names that the graph uses and does not make.
func (g *graphProto) free() []string {
	made := map[string]bool{"": true}
	for _, t := range g.initializers {
		made[t.name] = true
	}
	for _, v := range g.inputs {
		made[v.name] = true
	}
	for i := range g.nodes {
		for _, o := range g.nodes[i].outputs {
			made[o] = true
		}
	}
	var free []string
	use := func(name string) {
		if !made[name] {
			made[name] = true
			free = append(free, name)
		}
	}
	for i := range g.nodes {
		for _, name := range g.nodes[i].inputs {
			use(name)
		}
		for _, name := range g.nodes[i].captures {
			use(name)
		}
	}
	for _, o := range g.outputs {
		use(o.name)
	}
	return free
}

// capture finds the names that the node's graphs take from around it.
func (n *nodeProto) capture() {
	n.captures = nil
	for i := range n.attributes {
		if g := n.attributes[i].g; g != nil {
			for _, name := range g.free() {
				if !slices.Contains(n.captures, name) {
					n.captures = append(n.captures, name)
				}
			}
		}
	}
}

// label names a node in messages: by its name, else by its index and first output.
func (n *nodeProto) label() string {
	if n.name != "" {
		return fmt.Sprintf("node %q", n.name)
	}
	for _, o := range n.outputs {
		if o != "" {
			return fmt.Sprintf("node %d (output %q)", n.index, o)
		}
	}
	return fmt.Sprintf("node %d", n.index)
}

// valueProto is a ValueInfoProto. A sequence of maps from a key to float32, what ZipMap makes, has mapKey set.
type valueProto struct {
	name   string
	dtype  DType
	shape  []int // nil: no shape given
	mapKey DType
	kind   string // what it is when it is neither: for the message
}

// parseGraph reads a graph that stands so deep inside of attributes.
func parseGraph(b []byte, depth int) (*graphProto, error) {
	if depth > maxDepth {
		return nil, fmt.Errorf("graphs inside of graphs, more than %d deep", maxDepth)
	}
	g := &graphProto{}
	for len(b) > 0 {
		f, rest, err := next(b)
		if err != nil {
			return nil, fmt.Errorf("graph: %w", err)
		}
		b = rest
		switch f.num {
		case 1:
			err = g.node(f, depth)
		case 5:
			err = g.initializer(f)
		case 11:
			g.inputs, err = g.value(g.inputs, f)
		case 12:
			g.outputs, err = g.value(g.outputs, f)
		case 15:
			err = errors.New("sparse initializers are not supported; supported: dense initializers")
		}
		if err != nil {
			return nil, err
		}
	}
	return g, nil
}

func (g *graphProto) node(f field, depth int) error {
	if len(g.nodes) >= maxNodes {
		return fmt.Errorf("more than %d nodes", maxNodes)
	}
	n := nodeProto{index: len(g.nodes)}
	var overload string
	err := each(f, func(f field) (err error) {
		switch f.num {
		case 1:
			n.inputs, err = addName(n.inputs, f)
		case 2:
			n.outputs, err = addName(n.outputs, f)
		case 3:
			n.name, err = f.text()
		case 4:
			n.operator, err = f.text()
		case 5:
			if g.attributes++; g.attributes > maxAttributes {
				return fmt.Errorf("more than %d attributes", maxAttributes)
			}
			var a attrProto
			if a, err = parseAttribute(f, depth); err == nil {
				n.attributes = append(n.attributes, a)
			}
		case 7:
			n.domain, err = f.text()
		case 8:
			overload, err = f.text()
		}
		return err
	})
	n.domain = domainName(n.domain)
	if err == nil && overload != "" {
		err = fmt.Errorf("overload %q is not supported", overload)
	}
	if err != nil {
		return fmt.Errorf("%s %s: %w", n.operator, n.label(), err)
	}
	n.capture()
	g.nodes = append(g.nodes, n)
	return nil
}

func addName(list []string, f field) ([]string, error) {
	s, err := f.text()
	if err == nil && len(list) >= maxNodeValues {
		err = fmt.Errorf("more than %d inputs or outputs", maxNodeValues)
	}
	return append(list, s), err
}

func (g *graphProto) count() error {
	if g.values++; g.values > maxValues {
		return fmt.Errorf("more than %d inputs, outputs and initializers", maxValues)
	}
	return nil
}

func (g *graphProto) initializer(f field) error {
	if err := f.want(protowire.BytesType); err != nil {
		return err
	}
	name, t, err := parseTensor(f.bytes)
	if err == nil {
		err = g.count()
	}
	if err != nil {
		return fmt.Errorf("initializer %q: %w", name, err)
	}
	g.initializers = append(g.initializers, namedTensor{name, t})
	return nil
}

func (g *graphProto) value(list []valueProto, f field) ([]valueProto, error) {
	var v valueProto
	err := each(f, func(f field) (err error) {
		switch f.num {
		case 1:
			v.name, err = f.text()
		case 2:
			err = v.typ(f)
		}
		return err
	})
	if err == nil {
		err = g.count()
	}
	if err != nil {
		return nil, fmt.Errorf("value %q: %w", v.name, err)
	}
	return append(list, v), nil
}

// typ reads a TypeProto: a tensor, or a sequence of maps.
func (v *valueProto) typ(f field) error {
	return each(f, func(f field) error {
		switch f.num {
		case 1:
			return v.tensorType(f)
		case 4:
			v.kind = "sequence"
			return each(f, func(f field) error { return v.sequenceOf(f) })
		case 5:
			v.kind = "map"
		case 8:
			v.kind = "sparse tensor"
		case 9:
			v.kind = "optional"
		}
		return nil
	})
}

func (v *valueProto) tensorType(f field) error {
	return each(f, func(f field) error {
		switch f.num {
		case 1:
			code, err := f.int()
			if err != nil {
				return err
			}
			v.dtype, err = dtypeOf(code)
			return err
		case 2:
			v.shape = []int{}
			return each(f, v.dim)
		}
		return nil
	})
}

func (v *valueProto) dim(f field) error {
	if f.num != 1 {
		return nil
	}
	d := -1
	err := each(f, func(f field) error {
		if f.num != 1 {
			return nil
		}
		n, err := f.int()
		if err == nil && (n < 0 || n > maxTensor) {
			err = fmt.Errorf("dimension %d is out of range", n)
		}
		d = int(n)
		return err
	})
	if err == nil && len(v.shape) >= maxRank {
		err = fmt.Errorf("more than %d dimensions", maxRank)
	}
	v.shape = append(v.shape, d)
	return err
}

// sequenceOf reads the element type of a sequence: only a map from int64 or string is understood.
func (v *valueProto) sequenceOf(f field) error {
	if f.num != 1 {
		return nil
	}
	return each(f, func(f field) error {
		if f.num != 5 {
			return nil
		}
		return each(f, func(f field) error {
			if f.num != 1 {
				return nil
			}
			code, err := f.int()
			if err != nil {
				return err
			}
			v.mapKey, err = dtypeOf(code)
			return err
		})
	})
}
