package nginx

import (
	"context"
	"fmt"
	"time"

	"ml-service/rollout"
)

// Sightings are what port 8080 does, beside what nginx.conf says.
type Sightings struct {
	Answers  map[rollout.Side]int `json:"answers"` // of marked requests sent just now
	Sent     int                  `json:"sent"`
	Tries    map[rollout.Side]int `json:"tries"` // at each side in the last minute, by Nginx's log
	Failed   map[rollout.Side]int `json:"failed"`
	Networks []string             `json:"networks"`
	Remarks  []string             `json:"remarks,omitempty"`
}

const sightings = 48 // requests that a look at port 8080 sends

// See compares who answers with who should.
func (t *Target) See(ctx context.Context, split rollout.Split) (Sightings, error) {
	p, err := t.running(ctx)
	if err != nil {
		return Sightings{}, err
	}
	s := Sightings{Sent: sightings, Tries: map[rollout.Side]int{}, Failed: map[rollout.Side]int{}, Networks: p.nginx.Networks()}
	short, cancel := context.WithTimeout(ctx, 4*time.Second)
	defer cancel()
	if s.Answers, err = t.marked(short, p.nginx, sightings); err != nil {
		s.Remarks = append(s.Remarks, err.Error())
	}
	for _, side := range colours {
		want, got := split.Shares[side], s.Answers[side]
		switch {
		case want == 0 && got > 0:
			s.Remarks = append(s.Remarks, fmt.Sprintf("%s answered %d of %d requests through port 8080 and should have none: what runs is not what nginx.conf says (reload missing, another compose file, or an address that changed hands)", side, got, sightings))
		case want >= 20 && got == 0: // 20 % missing 48 times is a chance of 2 in 100,000
			s.Remarks = append(s.Remarks, fmt.Sprintf("%s answered none of %d requests through port 8080 and should have %s: what runs is not what nginx.conf says, or Nginx has left it out (max_fails)", side, sightings, rollout.Percent(want)))
		}
	}
	log, _, err := t.docker.Logs(ctx, p.nginx.ID, time.Now().Add(-time.Minute))
	if err != nil {
		return s, err
	}
	counts := map[rollout.Side]*tries{}
	tally(log, p.addresses(), counts)
	for side, n := range counts {
		s.Tries[side], s.Failed[side] = int(n.all), int(n.failed)
		if n.failed > 0 {
			s.Remarks = append(s.Remarks, fmt.Sprintf("%d of %d tries at %s failed in the last minute; after each Nginx leaves it out for two seconds, and users are answered by the other side", n.failed, n.all, side))
		}
	}
	if f, err := t.find(p); err == nil && f.reader != nil {
		if _, same, err := t.sees(ctx, f); err == nil && !same {
			s.Remarks = append(s.Remarks, fmt.Sprintf("the container does not have the %s of this folder: an editor, sed -i or git put a new one in its place, so reload changes nothing; the next rollout shift mends it", confName))
		}
	}
	if err := p.weightsCount(); err != nil {
		s.Remarks = append(s.Remarks, err.Error())
	}
	return s, nil
}
