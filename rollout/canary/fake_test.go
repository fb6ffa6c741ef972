package canary

import (
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strconv"
	"testing"
	"time"

	"ml-service/rollout"
	"ml-service/rollout/judge"
)

// town is a target with traffic: each wait sends so many requests by the shares, and the sides answer as they are told.
type town struct {
	t       *testing.T
	now     time.Time
	split   rollout.Split
	sides   map[rollout.Side]*resident
	perTick float64
	random  *rand.Rand
	writes  []string
	refuse  error          // of the next write
	after   map[int]func() // at a tick
	ticks   int
}

// resident is one side.
type resident struct {
	counts  rollout.Counts
	errors  float64 // rate of 5xx
	refused float64 // rate of 422
	dead    bool    // every try fails, and one in a tick is tried
	silent  bool    // cannot be read
	slower  float64 // times
	usual   float64 // seconds that an answer takes at least
	state   string
}

var bounds = []float64{0.0001, 0.0002, 0.0003, 0.0005, 0.0007, 0.001, 0.0012, 0.0015, 0.0018, 0.0022, 0.0027, 0.0033, 0.004, 0.005, 0.006, 0.0075, 0.009, 0.01, 0.012, 0.015, 0.018, 0.022, 0.027, 0.033}

func newTown(t *testing.T) *town {
	c := &town{t: t, now: time.Date(2026, 11, 26, 3, 0, 0, 0, time.UTC), split: rollout.All("blue"), perTick: 100,
		random: rand.New(rand.NewPCG(7, 7)), after: map[int]func(){}, sides: map[rollout.Side]*resident{}}
	c.split.Revision = "0"
	for _, side := range []rollout.Side{"blue", "green"} {
		c.sides[side] = &resident{slower: 1, usual: 0.002, state: "healthy", counts: rollout.Counts{Instance: string(side) + "-1", Scores: map[string]uint64{}}}
		for _, b := range bounds {
			c.sides[side].counts.Latency = append(c.sides[side].counts.Latency, rollout.Bucket{Seconds: b})
		}
		c.sides[side].counts.Latency = append(c.sides[side].counts.Latency, rollout.Bucket{Seconds: math.Inf(1)})
	}
	c.traffic() // so that blue has a 95th percentile
	c.traffic()
	return c
}

func (c *town) Read(context.Context) (rollout.Split, error) { return c.split, nil }

func (c *town) Write(_ context.Context, want rollout.Split) (rollout.Split, error) {
	if err := c.refuse; err != nil {
		c.refuse = nil
		return rollout.Split{}, err
	}
	if want.Revision != c.split.Revision {
		return rollout.Split{}, rollout.ErrDrifted
	}
	c.split = want
	c.split.Revision = strconv.Itoa(len(c.writes) + 1)
	c.writes = append(c.writes, want.String())
	return c.split, nil
}

func (c *town) Sides(context.Context) ([]rollout.SideState, error) {
	return []rollout.SideState{{Side: "blue", State: c.sides["blue"].state}, {Side: "green", State: c.sides["green"].state}}, nil
}

func (c *town) Count(_ context.Context, side rollout.Side) (rollout.Counts, error) {
	s := c.sides[side]
	n := s.counts
	n.At = c.now
	n.Latency = slices.Clone(n.Latency)
	if s.silent {
		return n, errors.New("no answer from /metrics")
	}
	return n, nil
}

func (c *town) traffic() {
	for side, share := range c.split.Shares {
		s := c.sides[side]
		if s.dead {
			s.counts.Errors++
			s.counts.FailedTries++
			continue
		}
		for range int(c.perTick * share / 100) {
			s.counts.Requests++
			switch p := c.random.Float64(); {
			case p < s.errors:
				s.counts.Errors++
			case p < s.errors+s.refused:
				s.counts.Refused++
			}
			took := s.usual * s.slower * (1 + c.random.ExpFloat64()/4)
			for k := range s.counts.Latency {
				if took <= s.counts.Latency[k].Seconds {
					s.counts.Latency[k].Count++
				}
			}
		}
	}
}

func (c *town) wait(ctx context.Context, d time.Duration) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	c.ticks++
	if what := c.after[c.ticks]; what != nil {
		what()
	}
	c.now = c.now.Add(d)
	c.traffic()
	return ctx.Err()
}

// call runs one call of a canary; change sets its options.
func (c *town) call(ctx context.Context, dir string, change func(*Options)) (*Run, []Progress, error) {
	c.t.Helper()
	control := &rollout.Control{Target: c, Journal: rollout.OpenJournal(dir, "town"), Dir: dir, Name: "town", Who: "test",
		Progress: rollout.Progress{Step: func(string) {}, Tell: func(string) {}}, Now: func() time.Time { return c.now }}
	session, err := control.Begin(ctx)
	if err != nil {
		return nil, nil, err
	}
	defer func() {
		if err := session.Close(); err != nil {
			c.t.Error(err)
		}
	}()
	var told []Progress
	o := Options{To: "green", Steps: []float64{10, 50, 100}, Every: 5 * time.Second, Measure: 30 * time.Second, MaxWait: 30 * time.Minute, OnHold: Pause,
		Limits: judge.DefaultLimits(), Latency: true, State: filepath.Join(dir, "canary.json"),
		Report: func(p Progress) { told = append(told, p) }, Wait: c.wait}
	if change != nil {
		change(&o)
	}
	r, err := Prepare(ctx, session, o)
	if err != nil {
		return r, told, err
	}
	if _, err := r.Plan(); err != nil {
		return r, told, err
	}
	return r, told, r.Run(ctx)
}
