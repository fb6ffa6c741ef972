package onnx

var zipMapOperators = []operator{
	{name: "ZipMap", domain: mlDomain, since: 1, inputs: exactlyOne, outputs: exactlyOne, moves: movesFirst, rows: rowsOfMatrices,
		attributes: []string{"classlabels_int64s", "classlabels_strings"}, compile: zipMap},
}

// zipMap vanishes: its output is the matrix it is given, with the keys beside it.
func zipMap(n *node) (kernel, error) {
	n.types(0, floats...)
	keys := n.labels("classlabels_int64s", "classlabels_strings")
	if n.err != nil {
		return nil, n.err
	}
	seen := map[any]bool{}
	for i := range keys.Shape[0] {
		var key any
		if keys.DType == Int64 {
			key = keys.I64[i]
		} else {
			key = keys.Str[i]
		}
		if seen[key] {
			return nil, n.invalid("the key %v is given twice", key)
		}
		seen[key] = true
	}
	if w := n.columns(0); w != keys.Shape[0] {
		return nil, n.invalid("the input has shape %s, the keys want %d columns", ShapeText(n.in[0].shape), keys.Shape[0])
	}
	v := *n.in[0]
	v.classes, v.maker, v.role = keys, n, Other
	n.alias = []*value{&v}
	return nil, nil
}
