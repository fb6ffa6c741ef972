package onnx

// advice says what somebody can do whose file has an operator that is not supported.
func advice(domain, operator string) string {
	switch domain + "." + operator {
	case "ai.onnx.NonZero", "ai.onnx.Range", "ai.onnx.ScatterND", "ai.onnx.GatherND":
		return "where it is part of a KNNImputer, impute before the model or with SimpleImputer"
	case "com.microsoft.MurmurHash3":
		return "export with OneHotEncoder or OrdinalEncoder in place of FeatureHasher"
	case "ai.onnx.ml.CastMap", "ai.onnx.ml.DictVectorizer":
		return "export with columns as inputs in place of DictVectorizer"
	case "ai.onnx.Loop", "ai.onnx.LSTM", "ai.onnx.GRU", "ai.onnx.RNN", "ai.onnx.Conv", "ai.onnx.Attention", "ai.onnx.LayerNormalization":
		return "this service runs tabular models; serve this one with ONNX Runtime"
	}
	if domain != aiDomain && domain != mlDomain {
		return "export with operators of ai.onnx and ai.onnx.ml, or with the operator as a function in the file"
	}
	return "export with another target opset, or that step outside of the model"
}
