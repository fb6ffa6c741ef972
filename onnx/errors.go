package onnx

import (
	"fmt"
	"strings"
)

// LoadError refuses a model file at one of its nodes.
type LoadError struct {
	Operator  string   // with its domain, as ai.onnx.ml.Scaler
	Node      string   // node "name", or node 3 (output "y") where it has no name
	Message   string   // what is wrong
	Supported []string // what would be supported in its place; nil: the file itself is wrong, or Message says what to do
}

// Error gives operator, node, message and what is supported.
func (e *LoadError) Error() string {
	s := e.Operator + ", " + e.Node + ": " + e.Message
	if e.Supported != nil {
		s += "; supported: " + strings.Join(e.Supported, ", ")
	}
	return s
}

// RunError is a value or shape that the model refuses while running: the caller's fault, not the model's.
type RunError struct {
	Operator string // e.g. ai.onnx.ml.Binarizer; empty: the input itself does not fit the signature
	Node     string // as in LoadError; empty with Operator
	Input    string // the graph input that holds the refused element, where it is known; else empty
	Element  []int  // the index of the element in Input, where it is known; else nil
	Message  string // what was expected and what was found

	source, element int // the node's input and the flat index in it; Session.Run makes Input and Element of them
}

// Error gives operator, node, the element where it is known, and the message.
func (e *RunError) Error() string {
	s := e.Message
	if e.Input != "" {
		at := e.Input
		for _, i := range e.Element {
			at += fmt.Sprintf("[%d]", i)
		}
		s = at + ": " + s
	}
	if e.Operator == "" {
		return s
	}
	return e.Operator + ", " + e.Node + ": " + s
}
