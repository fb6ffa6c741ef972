package rollout

import "errors"

// Outcomes that a caller tells apart with errors.Is; ExitCode is their exit status.
var (
	ErrUsage      = errors.New("usage")       // what was asked for makes no sense here: 2
	ErrHeld       = errors.New("held")        // not enough is known to go on; nothing was moved: 3
	ErrRolledBack = errors.New("rolled back") // all traffic is back where it was: 4
	ErrLocked     = errors.New("locked")      // another rollout is at work: 5
	ErrDrifted    = errors.New("drifted")     // the split is not the one that was left or read: 5
)

// Fault is an error that is one of the outcomes above and has a sentence of its own, which alone is printed.
type Fault struct {
	Outcome error
	Err     error
}

func (f *Fault) Error() string   { return f.Err.Error() }
func (f *Fault) Unwrap() []error { return []error{f.Outcome, f.Err} }

// ExitCode is the exit status that stands for err in every command of ours.
func ExitCode(err error) int {
	switch {
	case err == nil:
		return 0
	case errors.Is(err, ErrRolledBack):
		return 4
	case errors.Is(err, ErrHeld):
		return 3
	case errors.Is(err, ErrLocked), errors.Is(err, ErrDrifted):
		return 5
	case errors.Is(err, ErrUsage):
		return 2
	default:
		return 1
	}
}
