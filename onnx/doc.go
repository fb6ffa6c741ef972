// Package onnx loads and runs ONNX models of tabular data in pure Go.
package onnx
