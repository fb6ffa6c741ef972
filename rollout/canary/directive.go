package canary

import (
	"fmt"

	"ml-service/rollout"
)

// Follows says whether who is at work on a release does what a directive asks: a canary does, and the watch after a promotion. What
// else takes the lock is short and looks at none.
func Follows(release *rollout.Release, s *Standing) bool {
	return release != nil && (s != nil || !release.Open())
}

// asked is what somebody asks of a release, as the page does. One about another release has outlived it and is removed; one that
// cannot be read is, too: whoever asked sees that nothing comes of it.
func asked(s *rollout.Session, note func(format string, args ...any)) string {
	d, err := s.Journal.Directive()
	if err == nil && d == nil {
		return ""
	}
	if err == nil && s.Release != nil && d.Release == s.Release.ID {
		switch d.Verb {
		case "promote", "pause", "rollback":
			return d.Verb
		}
		err = fmt.Errorf("%q is asked for: want promote, pause or rollback", d.Verb)
	}
	if err != nil {
		note("a directive was not followed: %v", err)
	}
	if err := s.Journal.Dismiss(); err != nil {
		note("a directive cannot be removed: %v", err)
	}
	return ""
}

// because is the directive as the reason of a move.
func because(s *rollout.Session) string {
	d, err := s.Journal.Directive()
	if err != nil || d == nil {
		return "asked for by somebody"
	}
	return d.String()
}
