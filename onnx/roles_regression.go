package onnx

import "slices"

// regresses says whether v is what a regression operator or a dense layer answers, wherever it was moved to since. It tells
// several targets from a transformed row.
func (v *value) regresses() bool {
	if v == nil || v.maker == nil || v.constant != nil {
		return false
	}
	switch op := v.maker.op; {
	case op.regresses != nil:
		return op.regresses(v.maker)
	case op.moves == movesAll:
		return !slices.ContainsFunc(v.maker.in, func(in *value) bool { return !in.regresses() })
	case op.moves == movesFirst:
		return v.maker.in[0].regresses()
	}
	return false
}

// always is for operators that are regressors whatever their attributes.
func always(*node) bool { return true }

// denseLayer says whether an Add adds constants to a product with constant weights.
func denseLayer(n *node) bool {
	return n.in[0].isProduct() && n.in[1].constant != nil || n.in[1].isProduct() && n.in[0].constant != nil
}

// isProduct says whether v is a matrix product with constant weights.
func (v *value) isProduct() bool {
	return v.maker != nil && v.maker.op.name == "MatMul" && v.maker.in[1].constant != nil
}
