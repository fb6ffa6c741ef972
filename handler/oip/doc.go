// Package oip reads and writes the tensors of the Open Inference Protocol (V2, REST): an inference
// request as JSON or as JSON followed by binary tensors, and its answer in the same two forms.
// Decoding goes straight into the tensors of an onnx.Session; nothing here knows HTTP.
package oip
