// Package onnx loads and runs ONNX models of tabular data in pure Go: trees, linear models, support vectors, nearest neighbours, scalers,
// encoders, texts, small networks.
//
// [Load] parses a file straight from the wire, checks it wholly and compiles it to an immutable plan; a [Session] runs the plan in
// memory of its own, without allocating. What is not implemented refuses the model at load, by operator and node.
package onnx
