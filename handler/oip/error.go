package oip

import "fmt"

// Error says what is wrong with a request, and where.
type Error struct {
	Field   string // the innermost element, as inputs[0].data[2][1]; empty: the body as a whole
	Message string // a sentence: what was expected and what was found
}

// Error is the message with the field before it.
func (e *Error) Error() string {
	if e.Field == "" {
		return e.Message
	}
	return e.Field + ": " + e.Message
}

func wrong(field, format string, args ...any) *Error {
	return &Error{Field: field, Message: fmt.Sprintf(format, args...)}
}

// under puts a field below the element prefix; an error of the body as a whole stays one.
func (e *Error) under(prefix string) *Error {
	switch {
	case e == nil || e.Field == "":
	case e.Field == ".":
		e.Field = prefix
	case e.Field[0] == '[':
		e.Field = prefix + e.Field
	default:
		e.Field = prefix + "." + e.Field
	}
	return e
}
