package api

import "errors"

// What the error of a client means; one that is none of these is a deployment that failed, or whose end was not seen.
var (
	ErrRefused    = errors.New("to be corrected: the address, the token or the order")
	ErrBusy       = errors.New("another deployment is running")
	ErrRolledBack = errors.New("rolled back")
	ErrSuperseded = errors.New("succeeded once, and users have another image since")
	ErrFailed     = errors.New("failed, or its end was not seen")
)

// An outcome is an error whose text says all; errors.Is finds its kind.
type outcome struct {
	kind error
	text string
}

func (o *outcome) Error() string { return o.text }
func (o *outcome) Unwrap() error { return o.kind }
