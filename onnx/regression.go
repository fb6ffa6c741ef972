package onnx

import "slices"

// regressors are the operators that answer a number for each target.
var regressors = []string{"TreeEnsembleRegressor", "TreeEnsemble", "LinearRegressor", "SVMRegressor", "Gemm"}

// movers are the operators that put elements elsewhere and leave their values alone.
var movers = []string{"Identity", "Concat", "Reshape", "Transpose", "Squeeze", "Unsqueeze", "Flatten", "Cast"}

// regresses says whether v is what a regression operator or a dense layer answers (Gemm, or MatMul and a bias), wherever
// it was moved to since. It tells several targets from a transformed row.
func (v *value) regresses() bool {
	if v == nil || v.maker == nil || v.constant != nil {
		return false
	}
	switch name := v.maker.op.name; {
	case slices.Contains(regressors, name):
		return true
	case name == "Concat":
		return !slices.ContainsFunc(v.maker.in, func(in *value) bool { return !in.regresses() })
	case slices.Contains(movers, name):
		return v.maker.in[0].regresses()
	case name == "Add":
		return v.maker.in[0].isProduct() && v.maker.in[1].constant != nil || v.maker.in[1].isProduct() && v.maker.in[0].constant != nil
	}
	return false
}

// isProduct says whether v is a matrix product with constant weights.
func (v *value) isProduct() bool {
	return v.maker != nil && v.maker.op.name == "MatMul" && v.maker.in[1].constant != nil
}
