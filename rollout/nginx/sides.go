package nginx

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"slices"
	"strings"
	"time"

	"ml-service/rollout"
	"ml-service/rollout/docker"
)

// Sides says how blue and green are: what docker knows, and what they say themselves.
func (t *Target) Sides(ctx context.Context) ([]rollout.SideState, error) {
	p, err := t.project(ctx)
	if err != nil {
		return nil, err
	}
	var all []rollout.SideState
	for _, side := range colours {
		all = append(all, t.side(ctx, p, side))
	}
	return all, nil
}

func (t *Target) side(ctx context.Context, p *project, side rollout.Side) rollout.SideState {
	s := rollout.SideState{Side: side}
	c := p.sides[side]
	if c == nil {
		s.State = "gone"
		return s
	}
	s.Artifact, s.Instance, s.Restarts = c.Config.Image, c.ID[:min(12, len(c.ID))], c.RestartCount
	s.State = stateOf(c)
	if c.State.Running {
		s.Since = c.State.StartedAt
	}
	if s.State == "stopped" || c.State.Status == "restarting" {
		if said := t.lastWords(ctx, c); said != "" {
			s.Remarks = append(s.Remarks, "its last words: "+said)
		}
		if c.State.Status == "restarting" {
			s.State = "unhealthy"
		}
		return s
	}
	if s.State == "hanging" {
		return s
	}
	if c.State.OOMKilled {
		s.Remarks = append(s.Remarks, "it was killed for want of memory")
	}
	ctx, cancel := context.WithTimeout(ctx, 3*time.Second)
	defer cancel()
	answer, err := t.askIn(ctx, p, side, rollout.Request{Path: "/health"})
	switch {
	case errors.Is(err, context.DeadlineExceeded) || os.IsTimeout(err):
		s.State = "hanging"
		s.Remarks = append(s.Remarks, "GET /health has not answered for 3 s")
		return s
	case err != nil:
		if s.State == "healthy" {
			s.State = "unhealthy"
		}
		s.Remarks = append(s.Remarks, err.Error())
		return s
	}
	var health struct{ Status, Version string }
	if err := json.Unmarshal(answer.Body, &health); err != nil {
		s.Remarks = append(s.Remarks, fmt.Sprintf("GET /health answers %.60q", answer.Body))
	}
	s.Version = health.Version
	if answer.Status != http.StatusOK {
		s.State = "unhealthy"
		s.Remarks = append(s.Remarks, fmt.Sprintf("GET /health: status %d %s", answer.Status, health.Status))
	}
	if colour := answer.Header.Get("X-Color"); colour != string(side) {
		s.Remarks = append(s.Remarks, fmt.Sprintf("it calls itself %q: COLOR should be %s", colour, side))
	}
	return s
}

// lastWords is the last line that a container has written, which says why it ended.
func (t *Target) lastWords(ctx context.Context, c *docker.Container) string {
	out, errs, err := t.docker.Run(ctx, nil, "logs", "--tail", "1", c.ID)
	if err != nil {
		return ""
	}
	line := strings.TrimSpace(errs + out)
	var entry struct{ Error, Msg string }
	if json.Unmarshal([]byte(line), &entry) == nil && entry.Error != "" {
		return entry.Error
	}
	return fmt.Sprintf("%.300s", line)
}

// stateOf is a container's state in the words of rollout.SideState.
func stateOf(c *docker.Container) string {
	switch {
	case c.State.Paused:
		return "hanging"
	case !c.State.Running:
		return "stopped"
	case c.State.Health == nil:
		return "healthy" // no health check: what it answers counts
	default:
		return c.State.Health.Status
	}
}

// Ask asks a colour on its own port.
func (t *Target) Ask(ctx context.Context, side rollout.Side, req rollout.Request) (rollout.Answer, error) {
	if t.asked == nil || time.Since(t.askedAt) > sameContainers {
		p, err := t.project(ctx)
		if err != nil {
			return rollout.Answer{}, err
		}
		t.asked, t.askedAt = p, time.Now()
	}
	return t.askIn(ctx, t.asked, side, req)
}

// sameContainers is how long questions in a row take the containers for the same: docker takes longer to say than they to answer.
const sameContainers = 500 * time.Millisecond

func (t *Target) askIn(ctx context.Context, p *project, side rollout.Side, req rollout.Request) (rollout.Answer, error) {
	c := p.sides[side]
	if c == nil {
		return rollout.Answer{}, fmt.Errorf("%s is gone: no container of service %s%s", side, serverPrefix, side)
	}
	addr := c.HostAddr(servicePort)
	if addr == "" && c.State.Running {
		if all := c.Addresses(); len(all) > 0 {
			addr = all[0] + ":" + serverPort
		}
	}
	if addr == "" {
		return rollout.Answer{}, fmt.Errorf("%s has no address: its container is %s", side, c.State.Status)
	}
	return t.send(ctx, addr, req)
}

// Known says whether there is such a side.
func Known(side rollout.Side) bool { return slices.Contains(colours, side) }
