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

// here is the field of an error at the element itself, before under says where that is.
const here = "."

// under puts the field of an *Error below the element prefix; an error of the body as a whole stays one.
func under(err error, prefix string) error {
	e, ok := err.(*Error) //nolint:errorlint // only what this package made has a field
	switch {
	case !ok || e.Field == "":
	case e.Field == here:
		e.Field = prefix
	case e.Field[0] == '[':
		e.Field = prefix + e.Field
	default:
		e.Field = prefix + "." + e.Field
	}
	return err
}
