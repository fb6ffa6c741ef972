package page

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"ml-service/rollout"
	"ml-service/rollout/canary"
)

// move is something that a visitor may do.
type move struct {
	Verb    string // promote, pause, rollback
	Button  string
	Says    string // what will happen
	Release string
	From    string // the split that it was offered at
}

// buttons are the words on them.
var buttons = map[string]string{"promote": "Promote", "pause": "Pause", "rollback": "Roll back"}

// movesOf are the moves that make sense now.
func movesOf(s Snapshot) []move {
	var verbs []string
	switch r := s.Release; {
	case r.Open() && s.Busy != "" && s.Canary != nil:
		verbs = []string{"promote", "pause", "rollback"}
	case r.Open():
		verbs = []string{"promote", "rollback"}
	case r != nil && r.Ended == "promoted" && r.Replaced == "":
		verbs = []string{"rollback"}
	}
	var all []move
	for _, verb := range verbs {
		all = append(all, move{Verb: verb, Button: buttons[verb], Release: s.Release.ID, From: s.Split.String()})
	}
	return all
}

// plan is the entry that a verb would make.
func plan(s *rollout.Session, verb, reason string) (rollout.Entry, error) {
	if verb == "promote" {
		return s.PlanPromote("", rollout.Options{Reason: reason})
	}
	return s.PlanRollback(rollout.Options{Reason: reason})
}

// says is what will happen, in sentences for who is to confirm it.
func says(s Snapshot, c *rollout.Control, verb string) (string, error) {
	at := "It is done at once."
	if s.Busy != "" {
		at = fmt.Sprintf("At work is %s: it does this at its next scrape.", s.Busy)
	}
	if verb == "pause" {
		return fmt.Sprintf("The canary to %s stops, and the traffic stays as it is: %s. The same rollout canary goes on from there. %s", s.Canary.To, s.Split, at), nil
	}
	e, err := plan(&rollout.Session{Situation: s.Situation, Control: c}, verb, "")
	if err != nil {
		return "", err
	}
	after := fmt.Sprintf("%s goes on running, and a rollback gives it all the traffic again.", e.Baseline)
	if verb == "rollback" {
		after = fmt.Sprintf("This ends the release; %s goes on running without traffic.", e.Side)
	}
	return fmt.Sprintf("%s gives all the traffic to %s: %s becomes %s. %s %s", buttons[verb], e.To.Sides()[0], e.From, e.To, after, at), nil
}

// ask is the page that says what will happen, with the button that does it.
func (h *Handler) ask(verb string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if _, may := h.mover(w, r); !may {
			return
		}
		s := h.looker.Look(r.Context())
		m := offered(s, verb)
		if m == nil {
			h.refuse(w, r, http.StatusConflict, notOffered(s, verb))
			return
		}
		var err error
		if m.Says, err = says(s, h.looker.mover, verb); err != nil {
			h.refuse(w, r, http.StatusConflict, err.Error())
			return
		}
		h.write(w, http.StatusOK, view{Title: m.Button + "?", Heading: m.Button + "?", Move: m, CSRF: csrf(h.seed(w, r), tokenOf(r))})
	}
}

// mover is the visitor who may move traffic; anybody else is refused here.
func (h *Handler) mover(w http.ResponseWriter, r *http.Request) (who Visitor, may bool) {
	who, known := h.visitor(r)
	if !known || !who.Move {
		h.refuse(w, r, http.StatusForbidden, "Moving traffic takes a token with the scope ui or deploy.")
		return Visitor{}, false
	}
	return who, true
}

func offered(s Snapshot, verb string) *move {
	for _, m := range movesOf(s) {
		if m.Verb == verb {
			return &m
		}
	}
	return nil
}

func notOffered(s Snapshot, verb string) string {
	return fmt.Sprintf("There is nothing to %s now: %s", map[string]string{"promote": "promote", "pause": "pause", "rollback": "roll back"}[verb], now(s))
}

// do makes a move that was confirmed, if things stand as they stood when it was.
func (h *Handler) do(verb string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if !h.form(w, r) {
			return
		}
		who, may := h.mover(w, r)
		if !may {
			return
		}
		s := h.looker.Look(r.Context())
		m := offered(s, verb)
		switch {
		case m == nil:
			h.refuse(w, r, http.StatusConflict, notOffered(s, verb))
			return
		case m.Release != r.PostForm.Get("release"), verb == "promote" && m.From != r.PostForm.Get("from"):
			h.refuse(w, r, http.StatusConflict, "Nothing was done, for things have changed since you were asked: "+now(s))
			return
		}
		if err := h.make(r.Context(), s, verb, who); err != nil {
			h.refuse(w, r, http.StatusConflict, err.Error())
			return
		}
		home(w)
	}
}

// lockedFor is how long a short action of somebody else is waited for.
const lockedFor = 3 * time.Second

// make makes a move itself where nobody is at work, and leaves a directive for the canary that is.
func (h *Handler) make(ctx context.Context, s Snapshot, verb string, who Visitor) (err error) {
	silent := rollout.Progress{Step: func(string) {}, Tell: func(string) {}}
	control, err := h.Control(silent)
	if err != nil {
		return err
	}
	control.Who = who.Name + ", on the page"
	for until := time.Now().Add(lockedFor); ; {
		session, err := control.Begin(ctx)
		if err == nil {
			return moved(ctx, session, s.Release.ID, verb)
		}
		if !errors.Is(err, rollout.ErrLocked) {
			return err
		}
		if canary.Follows(s.Release, s.Canary) {
			return control.Journal.Direct(rollout.Directive{Verb: verb, Release: s.Release.ID, Who: control.Who, Time: control.Now()})
		}
		if time.Now().After(until) {
			return err
		}
		if !sleep(ctx, 100*time.Millisecond) {
			return ctx.Err()
		}
	}
}

// moved makes the move in a session.
func moved(ctx context.Context, s *rollout.Session, release, verb string) (err error) {
	defer func() { err = errors.Join(err, s.Close()) }()
	if verb == "pause" {
		return errors.New("the canary has ended: there is nothing to pause")
	}
	if s.Release == nil || s.Release.ID != release {
		return errors.New("nothing was done: another release has begun since you were asked")
	}
	e, err := plan(s, verb, "on the page")
	if err != nil {
		return err
	}
	_, err = s.Do(context.WithoutCancel(ctx), e)
	return err
}

// pending says that something was asked of a release and is not done yet.
func pending(s Snapshot) string {
	d := s.Asked
	if d == nil || s.Release == nil || d.Release != s.Release.ID {
		return ""
	}
	if s.Busy == "" {
		return fmt.Sprintf("%s; nobody who would do it is at work any more. Ask again to have it done at once.", d)
	}
	return fmt.Sprintf("%s; it is not done yet.", d)
}
