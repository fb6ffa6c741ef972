package onnx

import (
	"fmt"
	"slices"
)

// value is a tensor of the graph while it is compiled.
type value struct {
	name     string
	dtype    DType
	shape    []int    // -1: not known before running; nil: not even the rank
	constant *Tensor  // its value where that is known at load
	items    []*value // of a sequence: its tensors
	classes  *Tensor  // the keys of a ZipMap that was compiled away
	labels   *Tensor  // of the columns, where role is Scores
	role     Role
	maker    *node     // nil: a graph input or an initializer
	input    int       // the index among the graph's inputs, or -1
	slot     int       // the index among the session's tensors; -1: none yet
	scores   *value    // of an ArgMax's output: what it is the maximum of
	batch    int       // the axis along which the batch's rows lie, batchMixed or batchless: rows.go
	pad      *string   // what lists that are shorter than others of the batch are filled up with
	group    int       // how many places along that axis are one row's
	bySize   []*Tensor // what it is for the batches of sampleSizes, where their size alone decides; else nil
}

// node is a node of the graph while it is compiled.
type node struct {
	op       *operator
	proto    *nodeProto
	compiler *compiler // of the graph that the node stands in, until the node is compiled
	version  int64
	in       []*value // nil where an optional input is absent
	out      []*value // nil where an output is absent
	want     []bool   // whether anybody asks for the output
	bodies   []*Model // set by compile: the graphs in its attributes
	alias    []*value // set by compile: the values that stand for the outputs, for nodes that vanish
	missing  bool     // set by compile: NaN in the first input is a value like any other
	err      error    // the first fault of an attribute

	// Set by compile, for the rules of rows.go.
	across  [maxRank]bool // the axes of the first input along which elements meet or move
	drops   bool          // the output has not those axes
	group   int           // of the outputs
	rowAxes []int         // by output, of operators whose outputs differ; else nil
	perm    []int64       // of Transpose
	rank    int           // the dimensions of the first input, where the kernel asks
	// perRow, set by compile, is about how many steps the kernel takes for one row, for workByRow.
	perRow int
	turns  int // of a Scan, as far as they are known
	// scratch, set by compile, is the memory in bytes that the kernel takes beside its outputs.
	scratch    footprint
	scratchOut int64 // the same, for each element of output 0
	// Set by compile: the output has as many elements as the first input, and lies in its memory.
	sameSize, shares bool
	// Set by compile: how the output is filled up, and the n-grams beyond which nothing counts.
	pads    *string
	ignores *ngrams
	// Set by compile: the categories that an encoder knows, one-dimensional, and whether it takes no others; and what a scaler or an imputer
	// says of the columns of a matrix: their means or the like, one for each or one for all.
	categories *Tensor
	closed     bool
	typical    []float32
	// trace, set by compile, says from which element of which input an element of the output came; k < 0: not known.
	trace func(c *call, element int) (k, from int)
}

func (n *node) key() string { return n.op.in() + "." + n.op.name }

// invalid refuses the model because the file contradicts itself or the specification.
func (n *node) invalid(format string, args ...any) error {
	return &LoadError{Operator: n.key(), Node: n.proto.label(), Message: fmt.Sprintf(format, args...)}
}

// unsupported refuses the model because of something that is not implemented.
func (n *node) unsupported(supported []string, format string, args ...any) error {
	return &LoadError{Operator: n.key(), Node: n.proto.label(), Message: fmt.Sprintf(format, args...), Supported: supported}
}

func (n *node) fail(err error) {
	if n.err == nil {
		n.err = err
	}
}

// set gives output i its type and shape.
func (n *node) set(i int, d DType, shape ...int) {
	if i < len(n.out) && n.out[i] != nil {
		n.out[i].dtype, n.out[i].shape = d, shape
	}
}

// wanted says whether anybody asks for output i.
func (n *node) wanted(i int) bool { return i < len(n.want) && n.want[i] }

// has says whether input i is there.
func (n *node) has(i int) bool { return i < len(n.in) && n.in[i] != nil }

// types refuses an input of another type than those listed.
func (n *node) types(i int, allowed ...DType) {
	if n.has(i) && !slices.Contains(allowed, n.in[i].dtype) {
		n.fail(n.unsupported(names(allowed), "input %d is %s", i, n.in[i].dtype))
	}
}

func names(types []DType) []string {
	s := make([]string, len(types))
	for i, d := range types {
		s[i] = d.String()
	}
	return s
}

// constant gives the value of input i, which must be known at load; nil where the input is absent.
func (n *node) constant(i int) *Tensor {
	if !n.has(i) {
		return nil
	}
	if n.in[i].constant == nil {
		n.fail(n.unsupported([]string{"an initializer or a constant"}, "input %d (%q) is computed while running", i, n.in[i].name))
		return &Tensor{DType: n.in[i].dtype}
	}
	return n.in[i].constant
}

// ints64 gives the elements of input i, which must be int64 or int32 and known at load; nil where it is absent.
func (n *node) ints64(i int) []int64 {
	n.types(i, Int64, Int32)
	if t := n.constant(i); t != nil {
		if t.I64 == nil {
			return []int64{}
		}
		return t.I64
	}
	return nil
}

// attribute gives an attribute of the kind wanted, or nil where it is absent.
func (n *node) attribute(name string, kind attrKind) *attrProto {
	for i := range n.proto.attributes {
		a := &n.proto.attributes[i]
		if a.name != name {
			continue
		}
		if a.kind != kind {
			n.fail(n.invalid("attribute %s holds %s, want %s", name, a.kind, kind))
			return nil
		}
		return a
	}
	return nil
}

// given says whether the attribute is there.
func (n *node) given(name string) bool {
	return slices.ContainsFunc(n.proto.attributes, func(a attrProto) bool { return a.name == name })
}

func (n *node) int(name string, otherwise int64) int64 {
	if a := n.attribute(name, attrInt); a != nil {
		return a.i
	}
	return otherwise
}

func (n *node) float(name string, otherwise float32) float32 {
	if a := n.attribute(name, attrFloat); a != nil {
		return a.f
	}
	return otherwise
}

func (n *node) string(name, otherwise string) string {
	if a := n.attribute(name, attrString); a != nil {
		return a.s
	}
	return otherwise
}

func (n *node) ints(name string) []int64 {
	if a := n.attribute(name, attrInts); a != nil {
		return a.ints.wide()
	}
	return nil
}

// shorts gives a list of ints that must lie in the range of int32.
func (n *node) shorts(name string) []int32 {
	a := n.attribute(name, attrInts)
	if a == nil {
		return nil
	}
	if a.ints.long != nil {
		n.fail(n.unsupported([]string{"the range of int32"}, "%s holds a number beyond 32 bits", name))
	}
	return a.ints.short
}

func (n *node) floats(name string) []float32 {
	if a := n.attribute(name, attrFloats); a != nil {
		return a.floats
	}
	return nil
}

func (n *node) strings(name string) []string {
	if a := n.attribute(name, attrStrings); a != nil {
		return a.strings.all()
	}
	return nil
}

func (n *node) tensor(name string) *Tensor {
	if a := n.attribute(name, attrTensor); a != nil {
		return a.t
	}
	return nil
}

// mode gives a string attribute that must be one of those allowed; the first is the default.
func (n *node) mode(name string, allowed ...string) string {
	s := n.string(name, allowed[0])
	if !slices.Contains(allowed, s) {
		n.fail(n.unsupported(allowed, "%s %q is not supported", name, s))
	}
	return s
}

// flag gives an int attribute that must be 0 or 1.
func (n *node) flag(name string, otherwise int64) bool {
	v := n.int(name, otherwise)
	if v != 0 && v != 1 {
		n.fail(n.invalid("attribute %s is %d, want 0 or 1", name, v))
	}
	return v == 1
}

// checkAttributes refuses attributes that the operator does not have, and those given twice.
func (n *node) checkAttributes() error {
	for i, a := range n.proto.attributes {
		if a.reference != "" {
			return n.invalid("attribute %s refers to one of a function", a.name)
		}
		if !slices.Contains(n.op.attributes, a.name) {
			allowed := slices.Clone(n.op.attributes)
			if allowed == nil {
				allowed = []string{"none"}
			}
			return n.unsupported(allowed, "attribute %s is not supported at opset %d", a.name, n.version)
		}
		for _, b := range n.proto.attributes[:i] {
			if a.name == b.name {
				return n.invalid("attribute %s is given twice", a.name)
			}
		}
	}
	return nil
}

func (n *node) checkArity() error {
	p, op := n.proto, n.op
	if len(p.inputs) < op.inputs.min || len(p.inputs) > op.inputs.max {
		return n.invalid("%d inputs, want %s", len(p.inputs), op.inputs)
	}
	if len(p.outputs) < op.outputs.min || len(p.outputs) > op.outputs.max {
		return n.invalid("%d outputs, want %s", len(p.outputs), op.outputs)
	}
	for i := range op.inputs.min {
		if p.inputs[i] == "" {
			return n.invalid("input %d is absent", i)
		}
	}
	for i := range op.outputs.min {
		if p.outputs[i] == "" {
			return n.invalid("output %d is absent", i)
		}
	}
	if op.outputs.max == 1 && p.outputs[0] == "" {
		return n.invalid("its only output has no name")
	}
	return nil
}

func (a arity) String() string {
	if a.min == a.max {
		return fmt.Sprint(a.min)
	}
	return fmt.Sprintf("%d to %d", a.min, a.max)
}
