package onnx

var sequenceOperators = []operator{
	{name: "SequenceConstruct", since: 11, inputs: oneOrMore, outputs: exactlyOne, compile: sequenceConstruct},
}

// sequenceConstruct vanishes: a sequence is known at load by its tensors, and is an output of the graph, one for each of them.
func sequenceConstruct(n *node) (kernel, error) {
	n.sameTypes(every)
	if n.err != nil {
		return nil, n.err
	}
	n.alias = []*value{{name: n.proto.outputs[0], dtype: n.in[0].dtype, items: n.in, maker: n, input: -1, slot: -1, batch: batchMixed}}
	return nil, nil
}
