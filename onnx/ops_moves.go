package onnx

func init() {
	register(
		operator{name: "Identity", since: 1, inputs: arity{1, 1}, outputs: arity{1, 1}, moves: true, compile: identity},
	)
}

// identity vanishes: its output is its input.
func identity(n *node) (kernel, error) {
	n.alias = []*value{n.in[0]}
	return nil, nil
}
