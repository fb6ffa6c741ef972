package predict

// Error is a request that does not fit the model: the caller's fault.
type Error struct {
	Field   string // the innermost element, as x[1], x[1][2], x.age or x[3].age; empty where the body is not JSON
	Message string // what was expected and what was got
	NotJSON bool   // the body is not JSON at all (400), rather than JSON that does not fit (422)

	cause error
}

// Error is the sentence that callers read: the field, where there is one, and the message.
func (e *Error) Error() string {
	if e.Field == "" {
		return e.Message
	}
	return e.Field + ": " + e.Message
}

// Unwrap gives the *onnx.RunError where the model itself refused the input.
func (e *Error) Unwrap() error { return e.cause }
