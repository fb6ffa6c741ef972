package rollout

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// DeployOptions say what a deployed side is held to.
type DeployOptions struct {
	SHA256          string // of the model file, where it was announced
	Golden          *Golden
	AcceptSignature bool
	Within          time.Duration // for the side to become healthy
	Reason          string
}

// Deployed is what is known of a side after a deployment.
type Deployed struct {
	Side        Side         `json:"side"`
	Model       Description  `json:"model"`
	Differences []Difference `json:"differences,omitempty"` // of the signature, from the side with the traffic
	Golden      int          `json:"golden"`                // rows that answered as they have to
	Seconds     float64      `json:"seconds"`
}

// IdleSide is the side that may be deployed to: to, or the only one without traffic where to is "".
func (s *Session) IdleSide(ctx context.Context, to Side) (Side, error) {
	if to != "" {
		if share := s.Split.Shares[to]; share > 0 {
			return "", usage("%s has %s of the traffic: deploy goes to a side without any (%s). First give it to the other one: rollout rollback, promote, or shift --to %s --weight 0", to, Percent(share), s.Split, to)
		}
		return to, nil
	}
	inspector, ok := s.Target.(Inspector)
	if !ok {
		return "", usage("to which side? say --to")
	}
	sides, err := inspector.Sides(ctx)
	if err != nil {
		return "", err
	}
	var idle []Side
	for _, one := range sides {
		if s.Split.Shares[one.Side] == 0 {
			idle = append(idle, one.Side)
		}
	}
	switch len(idle) {
	case 1:
		return idle[0], nil
	case 0:
		return "", usage("both sides have traffic (%s), and deploy goes to a side without any: end the release by rollout promote or rollback first", s.Split)
	default:
		return "", usage("to which side? say --to")
	}
}

// Deploy has a side without traffic run something else, and checks it. What does not pass is taken back. Nobody is moved.
func (s *Session) Deploy(ctx context.Context, side Side, what Artifact, o DeployOptions) (Deployed, error) {
	if s.Left != nil {
		return Deployed{}, s.drifted()
	}
	deployer, ok := s.Target.(Deployer)
	if !ok && (what.Image != "" || what.Model != "") {
		return Deployed{}, usage("target %s runs what was published there: deploy checks it, and takes no image and no model", s.Name)
	}
	undoer, _ := s.Target.(Undoer)
	if undoer != nil {
		if err := undoer.Forget(); err != nil {
			return Deployed{}, err
		}
	}
	e := s.entry("deploy", Options{Reason: o.Reason})
	e.Side, e.Artifact, e.To = side, &what, s.Split
	if sole, ok := s.Split.Sole(); ok {
		e.Baseline = sole
	}
	if err := s.Journal.Begin(e); err != nil {
		return Deployed{}, fmt.Errorf("journal: %w", err)
	}
	began := s.Now()
	s.Step(fmt.Sprintf("start it on %s", side))
	d, err := Deployed{Side: side}, error(nil)
	if deployer != nil {
		err = deployer.Deploy(ctx, side, what)
	}
	if err == nil {
		d, err = s.check(ctx, side, what, o)
	}
	d.Seconds = s.Now().Sub(began).Seconds()
	e.Seconds, e.Result = d.Seconds, "done"
	if err == nil && Breaks(d.Differences) {
		e.Accepted = d.Model.SHA256
	}
	if err != nil {
		e.Result, e.Error = "failed", err.Error()
		err = s.undo(ctx, undoer, side, err)
	}
	return d, errors.Join(err, s.Journal.End(e))
}

// Accepted says whether the model that was deployed last to a side is this one, and its other signature was accepted then.
func (s *Session) Accepted(side Side, sha256 string) (bool, error) {
	all, err := s.Journal.All()
	if err != nil {
		return false, err
	}
	for _, e := range slices.Backward(all) {
		if e.Verb == "deploy" && e.Side == side && e.Result == "done" {
			return e.Accepted != "" && e.Accepted == sha256, nil
		}
	}
	return false, nil
}

// undo takes a deployment back after a failure, even where the caller has given up waiting.
func (s *Session) undo(ctx context.Context, undoer Undoer, side Side, cause error) error {
	if undoer == nil {
		return cause
	}
	s.Step(fmt.Sprintf("put back what %s ran before", side))
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*time.Minute)
	defer cancel()
	undone, err := undoer.Undo(ctx, side)
	switch {
	case err != nil:
		return fmt.Errorf("%w; putting back what %s ran before did not succeed either: %w", cause, side, err)
	case undone:
		return fmt.Errorf("%w; %s runs what it ran before, and nobody was moved", cause, side)
	default:
		return fmt.Errorf("%w; nothing was changed", cause)
	}
}

// check holds a deployed side to what was announced.
func (s *Session) check(ctx context.Context, side Side, what Artifact, o DeployOptions) (Deployed, error) {
	d := Deployed{Side: side}
	if err := s.healthy(ctx, side, o.Within); err != nil {
		return d, err
	}
	asker, ok := s.Target.(Asker)
	if !ok {
		return d, fmt.Errorf("target %s cannot ask %s what it serves", s.Name, side)
	}
	s.Step(fmt.Sprintf("ask %s what it serves", side))
	var err error
	if d.Model, err = Describe(ctx, asker, side); err != nil {
		return d, err
	}
	if what.Version != "" && d.Model.Version != what.Version {
		return d, fmt.Errorf("%s serves version %s, announced was %s", side, d.Model.Version, what.Version)
	}
	if o.SHA256 != "" && !strings.EqualFold(d.Model.SHA256, o.SHA256) {
		return d, fmt.Errorf("%s serves a model file with SHA-256 %s, announced was %s", side, d.Model.SHA256, o.SHA256)
	}
	if o.Golden != nil {
		s.Step("send the golden rows")
		if err := o.Golden.Check(ctx, asker, side); err != nil {
			return d, fmt.Errorf("%s: %w", side, err)
		}
		d.Golden = len(o.Golden.Rows)
	}
	live := s.busiest()
	old, err := Describe(ctx, asker, live)
	if err != nil {
		return d, fmt.Errorf("compare the signatures: %w", err)
	}
	d.Differences = Differences(old, d.Model)
	if Breaks(d.Differences) && !o.AcceptSignature {
		return d, &Fault{ErrHeld, fmt.Errorf("the signature of %s does not fit %s's, whose callers would be refused or misread; see the table, or say --accept-signature", side, live)}
	}
	return d, nil
}

// busiest is the side with the largest share.
func (s *Session) busiest() Side {
	var best Side
	for _, side := range s.Split.Sides() {
		if best == "" || s.Split.Shares[side] > s.Split.Shares[best] {
			best = side
		}
	}
	return best
}

// healthy waits until a side is healthy; one that ends again and again is not waited for.
func (s *Session) healthy(ctx context.Context, side Side, within time.Duration) error {
	inspector, ok := s.Target.(Inspector)
	if !ok {
		return nil
	}
	if within == 0 {
		within = time.Minute
	}
	s.Step(fmt.Sprintf("wait until %s is healthy", side))
	deadline := s.Now().Add(within)
	for {
		sides, err := inspector.Sides(ctx)
		if err != nil {
			return err
		}
		state := SideState{State: "gone"}
		for _, one := range sides {
			if one.Side == side {
				state = one
			}
		}
		if state.Usable() {
			return nil
		}
		why := fmt.Sprintf("%s is %s", side, state.State)
		if len(state.Remarks) > 0 {
			why += " (" + strings.Join(state.Remarks, "; ") + ")"
		}
		if state.Restarts >= 2 || state.State == "stopped" {
			return fmt.Errorf("%s: it does not stay up", why)
		}
		if s.Now().After(deadline) {
			return fmt.Errorf("%s after %s", why, within)
		}
		timer := time.NewTimer(200 * time.Millisecond)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return context.Cause(ctx)
		}
	}
}
