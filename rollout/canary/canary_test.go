package canary

import (
	"context"
	"encoding/json"
	"errors"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"ml-service/rollout"
	"ml-service/rollout/judge"
)

func TestAGoodReleaseIsPromoted(t *testing.T) {
	c, dir := newTown(t), t.TempDir()
	r, _, err := c.call(t.Context(), dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"blue 90 %, green 10 %", "blue 50 %, green 50 %", "green 100 %"}
	if !slices.Equal(c.writes, want) {
		t.Errorf("writes %q, want %q", c.writes, want)
	}
	if _, err := os.Stat(filepath.Join(dir, "canary.json")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the state is still there: %v", err)
	}
	all, err := rollout.OpenJournal(dir, "town").All()
	if err != nil || len(all) != 3 {
		t.Fatalf("history: %d entries, %v", len(all), err)
	}
	var report judge.Report
	if err := json.Unmarshal(all[2].Evidence, &report); err != nil || report.Verdict != judge.Pass || report.NewAll.Requests < 200 || report.Limits != judge.DefaultLimits() {
		t.Errorf("the promotion's evidence is %s, %v", all[2].Evidence, err)
	}
	if r.Rate() < 10 || r.Rate() > 30 {
		t.Errorf("%g requests a second, want about 20", r.Rate())
	}
}

func TestBadReleasesAreRolledBack(t *testing.T) {
	for name, c := range map[string]struct {
		spoil func(c *town)
		text  string
		most  int // ticks
	}{
		"fails 5 %":          {func(c *town) { c.sides["green"].errors = 0.05 }, "green fails more often than blue", 200},
		"another width":      {func(c *town) { c.sides["green"].refused = 0.5 }, "green fails more often than blue", 10},
		"three times slower": {func(c *town) { c.sides["green"].slower = 3 }, "times slower than blue", 60},
		"dead":               {func(c *town) { c.sides["green"].dead = true }, "green fails more often than blue", 3},
		"restarted":          {func(c *town) { c.after[5] = func() { c.sides["green"].counts.Restarts++ } }, "health: green was restarted: 1 times, and 0 before", 5},
		"replaced":           {func(c *town) { c.after[5] = func() { c.sides["green"].counts.Instance = "green-2" } }, "green was replaced", 5},
		"counts go down":     {func(c *town) { c.after[5] = func() { c.sides["green"].counts.Requests = 0 } }, "a counter went down", 5},
		"hangs":              {func(c *town) { c.after[3] = func() { c.sides["green"].silent = true } }, "could not be read 3 times in a row", 6},
		"nobody can be read": {func(c *town) {
			c.after[3] = func() { c.sides["green"].silent, c.sides["blue"].silent = true, true }
			c.after[30] = func() { c.sides["green"].silent, c.sides["blue"].silent = false, false }
			c.after[32] = func() { c.sides["green"].counts.Restarts++ }
		}, "green was restarted", 40},
		"fails to take half": {func(c *town) { c.after[8] = func() { c.refuse = errors.New("green does not answer") } }, "the shift to 50 % failed: shift: green does not answer", 40},
	} {
		t.Run(name, func(t *testing.T) {
			town := newTown(t)
			c.spoil(town)
			_, told, err := town.call(t.Context(), t.TempDir(), nil)
			if !errors.Is(err, rollout.ErrRolledBack) || !strings.Contains(err.Error(), c.text) {
				t.Fatalf("got %v, want a rollback for %q", err, c.text)
			}
			if !town.split.Same(rollout.All("blue")) {
				t.Errorf("left at %s", town.split)
			}
			if town.ticks > c.most {
				t.Errorf("after %d ticks, want at most %d; the last report: %+v", town.ticks, c.most, told[len(told)-1])
			}
		})
	}
}

// TestBothFailTogether gives both sides the same trouble: nobody is rolled back for it.
func TestBothFailTogether(t *testing.T) {
	c := newTown(t)
	c.after[4] = func() { c.sides["blue"].errors, c.sides["green"].errors = 0.3, 0.3 }
	c.after[20] = func() { c.sides["blue"].errors, c.sides["green"].errors = 0, 0 }
	if _, _, err := c.call(t.Context(), t.TempDir(), func(o *Options) { o.MaxWait = 3 * time.Hour }); err != nil {
		t.Errorf("got %v, want the promotion once it is over", err)
	}
}

// TestTheOldSideFailing restarts blue: its counts begin anew, and nobody goes back to it for that.
func TestTheOldSideFailing(t *testing.T) {
	c := newTown(t)
	c.after[4] = func() { c.sides["blue"].counts.Restarts++ }
	var notes []string
	_, told, err := c.call(t.Context(), t.TempDir(), nil)
	for _, p := range told {
		notes = append(notes, p.Notes...)
	}
	if err != nil || !strings.Contains(strings.Join(notes, "\n"), "blue was restarted: 1 times, and 0 before: its counts begin anew") {
		t.Errorf("got %v, notes %q", err, notes)
	}
}

// TestLabels waits for answers that come late, and goes back where they speak against green.
func TestLabels(t *testing.T) {
	for name, c := range map[string]struct {
		wrong int // of green alone, of ten a tick
		want  error
	}{"as good": {0, nil}, "worse": {3, rollout.ErrRolledBack}} {
		t.Run(name, func(t *testing.T) {
			var asked []int64
			_, _, err := newTown(t).call(t.Context(), t.TempDir(), func(o *Options) {
				o.Limits.Labels = 200
				o.Labels = func(_ context.Context, from int64) (Labels, error) {
					asked = append(asked, from)
					if len(asked) == 3 {
						return Labels{Next: from}, errors.New("no answer")
					}
					return Labels{Rows: 10, NewWrong: c.wrong, Next: from + 1}, nil
				}
			})
			if !errors.Is(err, c.want) {
				t.Errorf("got %v, want %v", err, c.want)
			}
			if c.want == nil && len(asked) < 21 || asked[3] != 2 {
				t.Errorf("asked %v: want 200 rows before a step passes, and none lost by an error", asked)
			}
		})
	}
}

func TestHold(t *testing.T) {
	starve := func(c *town) { c.after[6] = func() { c.perTick = 1 } }
	c := newTown(t)
	starve(c)
	_, _, err := c.call(t.Context(), t.TempDir(), nil)
	if !errors.Is(err, rollout.ErrHeld) || !strings.Contains(err.Error(), "the weights stay at blue 90 %, green 10 %") {
		t.Errorf("got %v, want held at 10 %%", err)
	}
	c = newTown(t)
	starve(c)
	_, _, err = c.call(t.Context(), t.TempDir(), func(o *Options) { o.OnHold = Rollback })
	if !errors.Is(err, rollout.ErrRolledBack) || !strings.Contains(err.Error(), "still on hold after 30m0s") || !c.split.Same(rollout.All("blue")) {
		t.Errorf("got %v at %s, want a rollback", err, c.split)
	}
}

// TestStands reads from beside where a canary is, and what its steps still take at the present rate.
func TestStands(t *testing.T) {
	c, dir := newTown(t), t.TempDir()
	journal, file := rollout.OpenJournal(dir, "town"), filepath.Join(dir, "canary.json")
	look := func() *Standing {
		t.Helper()
		control := &rollout.Control{Target: c, Journal: journal, Dir: dir, Name: "town", Now: func() time.Time { return c.now }}
		s, err := control.Look(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		standing, err := Stands(file, s.Release)
		if err != nil {
			t.Fatal(err)
		}
		return standing
	}
	if s := look(); s != nil {
		t.Errorf("before the canary: %+v, want nothing", s)
	}
	var early, late *Standing
	c.after[4] = func() { early = look() }
	c.after[5] = func() { c.perTick = 50 }
	c.after[22] = func() { late = look() }
	ctx, stop := context.WithCancel(t.Context())
	c.after[23] = stop
	if _, _, err := c.call(ctx, dir, nil); !errors.Is(err, rollout.ErrHeld) {
		t.Fatal(err)
	}
	if early == nil || early.Step != 10 || early.To != "green" || early.Rate < 15 || early.Rate > 25 || len(early.Plan) != 3 || early.Report.NewAll.Requests == 0 {
		t.Fatalf("at the fourth scrape: %+v", early)
	}
	if p := early.Plan[0]; p.Requests == 0 || p.Takes < time.Second || p.Takes > 5*time.Minute {
		t.Errorf("the step under way takes %d requests and %s more, want some", p.Requests, p.Takes)
	}
	if late == nil || late.Rate < 8 || late.Rate > 15 {
		t.Errorf("after the traffic fell to half: %+v, want about 10 a second", late)
	}
	if s, err := Stands(file, &rollout.Release{ID: "another"}); s != nil || err != nil {
		t.Errorf("of another release: %+v, %v", s, err)
	}
}

// TestGoesOn interrupts the call again and again, and holds the evidence together.
func TestGoesOn(t *testing.T) {
	c, dir := newTown(t), t.TempDir()
	calls := 0
	for ; calls < 50; calls++ {
		ctx, stop := context.WithCancel(t.Context())
		c.after[c.ticks+6] = stop
		_, _, err := c.call(ctx, dir, nil)
		stop()
		if err == nil {
			break
		}
		if ctx.Err() == nil || !errors.Is(err, rollout.ErrHeld) && !errors.Is(err, context.Canceled) {
			t.Fatalf("call %d: %v", calls, err)
		}
	}
	if !c.split.Same(rollout.All("green")) || calls < 2 || len(c.writes) != 3 {
		t.Errorf("after %d calls at %s, by %q", calls, c.split, c.writes)
	}
}

// TestReplacedBetweenCalls restarts green while nobody looks.
func TestReplacedBetweenCalls(t *testing.T) {
	c, dir := newTown(t), t.TempDir()
	ctx, stop := context.WithCancel(t.Context())
	c.after[5] = stop
	if _, _, err := c.call(ctx, dir, nil); !errors.Is(err, rollout.ErrHeld) {
		t.Fatalf("got %v, want held", err)
	}
	c.sides["green"].counts.Restarts++
	_, _, err := c.call(t.Context(), dir, nil)
	if !errors.Is(err, rollout.ErrRolledBack) || !strings.Contains(err.Error(), "green was restarted") {
		t.Errorf("got %v, want a rollback for the restart", err)
	}
}

func TestRefused(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*Options)
		spoil  func(*town)
		text   string
	}{
		"no traffic":   {func(*Options) {}, func(c *town) { c.perTick = 0 }, "no request came"},
		"too slow":     {func(o *Options) { o.MaxWait = time.Minute }, func(c *town) { c.perTick = 5 }, "the steps take at best"},
		"steps":        {func(o *Options) { o.Steps = []float64{50, 10} }, func(*town) {}, "want ascending percents"},
		"no steps":     {func(o *Options) { o.Steps = nil }, func(*town) {}, "which steps?"},
		"on hold":      {func(o *Options) { o.OnHold = "maybe" }, func(*town) {}, "want pause or rollback"},
		"sick already": {func(*Options) {}, func(c *town) { c.sides["green"].state = "unhealthy" }, "green is unhealthy: a canary begins with both sides healthy"},
		"no metrics":   {func(*Options) {}, func(c *town) { c.sides["green"].silent = true }, "the counts of green cannot be read"},
		"to nobody":    {func(o *Options) { o.To = "" }, func(*town) {}, "say --to"},
	} {
		t.Run(name, func(t *testing.T) {
			town := newTown(t)
			c.spoil(town)
			_, _, err := town.call(t.Context(), t.TempDir(), c.change)
			if err == nil || !strings.Contains(err.Error(), c.text) {
				t.Errorf("got %v, want %q", err, c.text)
			}
			if len(town.writes) > 0 {
				t.Errorf("somebody was moved: %q", town.writes)
			}
			if held := errors.Is(err, rollout.ErrHeld); held != (name == "no traffic") {
				t.Errorf("got %v, held %v: no data is hold, and everything else is to be corrected", err, held)
			}
		})
	}
}

// TestQuick has sides that answer in a tenth of a millisecond: three times as long is nothing that anybody minds, and the table
// says that it lets it pass; --slow-over 0s minds it, and ten times as long is slow by the default.
func TestQuick(t *testing.T) {
	for name, c := range map[string]struct {
		slower float64
		over   time.Duration
		want   error
		why    string
	}{
		"three times, the default": {3, time.Millisecond, nil, "up to 1.2ms nothing is slow, however quick blue is"},
		"three times, from 0s on":  {3, 0, rollout.ErrRolledBack, "green is more than 1.5 times slower than blue"},
		"ten times, the default":   {10, time.Millisecond, rollout.ErrRolledBack, "green takes more than 1.2ms more often than blue"},
	} {
		t.Run(name, func(t *testing.T) {
			town := newTown(t)
			for _, side := range town.sides {
				side.usual = 0.0001
				for k := range side.counts.Latency {
					side.counts.Latency[k].Count = 0
				}
			}
			town.traffic()
			town.traffic()
			town.sides["green"].slower = c.slower
			r, told, err := town.call(t.Context(), t.TempDir(), func(o *Options) { o.SlowOver = c.over })
			if !errors.Is(err, c.want) {
				t.Fatalf("got %v, want %v", err, c.want)
			}
			var said strings.Builder
			for _, p := range told {
				said.WriteString(strings.Join(p.Notes, "\n"))
				if err := p.Report.WriteTable(&said); err != nil {
					t.Fatal(err)
				}
			}
			if !strings.Contains(said.String(), c.why) {
				t.Errorf("the tables want %q:\n%s", c.why, said.String())
			}
			if quick := r.state.Limits.Quick; (quick > 0) != (c.over > 0) || quick > 0.001 {
				t.Errorf("blue's own 95th percentile is %g, with --slow-over %s", quick, c.over)
			}
		})
	}
}

// TestShortest has an old side whose answers all take less than the shortest time that is counted, as on Lambda: it is not
// said how many times slower the new side is.
func TestShortest(t *testing.T) {
	buckets := []rollout.Bucket{{Seconds: 0.001, Count: 400}, {Seconds: 0.0015, Count: 400}, {Seconds: 0.003, Count: 400}, {Seconds: math.Inf(1), Count: 400}}
	l, reason := limitsOf(buckets, buckets, 1.5, 0)
	if l == nil || l.Quick != 0.001 || l.Old != 0 || l.New != 1 || l.Twice != 2 {
		t.Errorf("got %+v, %s; want the first limit to hide how quick it is", l, reason)
	}
}

func TestDrift(t *testing.T) {
	old := map[string]uint64{"1 0.9": 450, "1 1": 450, "0 0.9": 100}
	for name, c := range map[string]struct {
		fresh map[string]uint64
		want  string
	}{
		"alike":   {map[string]uint64{"1 0.9": 45, "1 1": 47, "0 0.9": 9}, "within the noise"},
		"shifted": {map[string]uint64{"1 0.9": 5, "1 1": 10, "0 0.9": 85}, "above the noise"},
		"nothing": {nil, ""},
	} {
		if got := drift(old, c.fresh); !strings.Contains(got, c.want) || (c.want == "") != (got == "") {
			t.Errorf("%s: got %q, want %q", name, got, c.want)
		}
	}
}
