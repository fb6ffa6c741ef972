package onnx

// RunError is a value or shape that the model refuses while running: the caller's fault, not the model's.
type RunError struct {
	Operator string // e.g. Binarizer; empty: the input itself does not fit the signature
	Node     string // the node's name, or its index and first output where it has none
	Input    string // the graph input that holds the refused element, where it is known; else empty
	Element  []int  // the index of the element in Input, where it is known; else nil
	Message  string // what was expected and what was found
}

// Error gives operator, node and message.
func (e *RunError) Error() string {
	if e.Operator == "" {
		return e.Message
	}
	return e.Operator + " " + e.Node + ": " + e.Message
}
