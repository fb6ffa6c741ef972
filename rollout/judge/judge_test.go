package judge

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"time"
)

func started(t *testing.T, judged Judged, share float64) *Judge {
	t.Helper()
	j, err := New(DefaultLimits(), judged, "blue", "green")
	if err != nil {
		t.Fatal(err)
	}
	if err := j.Step(share); err != nil {
		t.Fatal(err)
	}
	return j
}

func feed(t *testing.T, j *Judge, times int, s Scrape) {
	t.Helper()
	for range times {
		if err := j.Add(s); err != nil {
			t.Fatal(err)
		}
	}
}

func TestVerdicts(t *testing.T) {
	counts := func(requests, errors int) Counts { return Counts{Requests: requests, Errors: errors, Timed: requests} }
	timed := func(requests, slow, slower int) Counts {
		return Counts{Requests: requests, Timed: requests, Slow: slow, Slower: slower}
	}
	const tick = 10 * time.Second
	for name, c := range map[string]struct {
		judged Judged
		times  int
		scrape Scrape
		want   Verdict
		why    string
	}{
		"nothing seen":              {want: Hold, why: "no request of green yet"},
		"the new side gets nothing": {times: 100, scrape: Scrape{Old: counts(90, 0), Elapsed: tick}, want: Hold, why: "no request of green yet"},
		"the old side gets nothing": {times: 2, scrape: Scrape{New: counts(10, 0), Elapsed: tick}, want: Hold, why: "green may still be at"},
		"a few good ones":           {times: 5, scrape: Scrape{Old: counts(90, 0), New: counts(10, 0), Elapsed: tick}, want: Hold, why: "about"},
		"enough good ones":          {times: 15, scrape: Scrape{Old: counts(90, 0), New: counts(10, 0), Elapsed: tick}, want: Pass, why: "green is at most at"},
		"both fail alike":           {times: 15, scrape: Scrape{Old: counts(90, 45), New: counts(10, 5), Elapsed: tick}, want: Hold},
		"the new side alone fails":  {times: 3, scrape: Scrape{Old: counts(90, 0), New: counts(10, 2), Elapsed: tick}, want: Fail, why: "green fails more often than blue"},
		"a difference nobody minds": {times: 400, scrape: Scrape{Old: counts(9000, 1), New: counts(1000, 4), Elapsed: tick}, want: Pass},
		"slow":                      {judged: Judged{Latency: true}, times: 40, scrape: Scrape{Old: timed(90, 4, 0), New: timed(10, 5, 1), Elapsed: tick}, want: Fail, why: "times slower than blue"},
		"as quick":                  {judged: Judged{Latency: true}, times: 40, scrape: Scrape{Old: timed(90, 4, 0), New: timed(10, 0, 0), Elapsed: tick}, want: Pass},
		"slow, beside a quick one":  {judged: Judged{Latency: true, Slow: 0.001, Slower: 0.0022}, times: 40, scrape: Scrape{Old: timed(90, 4, 0), New: timed(10, 5, 1), Elapsed: tick}, want: Fail, why: "green takes more than 1ms more often than blue"},
		"both quicker than anybody minds": {judged: Judged{Latency: true, Slow: 0.001, Slower: 0.0022}, times: 40, scrape: Scrape{Old: timed(90, 0, 0), New: timed(10, 0, 0), Elapsed: tick}, want: Pass,
			why: "green takes more than 2.2ms in at most 0.9 % of requests (limit 3 %); up to 1ms nothing is slow, however quick blue is"},
		"a few, both quick": {judged: Judged{Latency: true, Slow: 0.001, Slower: 0.0022}, times: 4, scrape: Scrape{Old: timed(90, 0, 0), New: timed(10, 0, 0), Elapsed: tick}, want: Hold, why: "green may still take more than 2.2ms: in up to"},
		"no latency to judge": {judged: Judged{Unjudged: "the old side has timed 3 requests"}, times: 15, scrape: Scrape{Old: counts(90, 0), New: counts(10, 0), Elapsed: tick}, want: Pass,
			why: "\nlatency is not judged: the old side has timed 3 requests\n"},
		"quick, and no time of it known": {judged: Judged{Latency: true}, times: 40, scrape: Scrape{Old: timed(90, 4, 0), New: Counts{Requests: 10}, Elapsed: tick}, want: Hold, why: "no timed request"},
	} {
		t.Run(name, func(t *testing.T) {
			j := started(t, c.judged, 0.1)
			feed(t, j, c.times, c.scrape)
			r := j.Report()
			var out strings.Builder
			if err := r.WriteTable(&out); err != nil {
				t.Fatal(err)
			}
			if r.Verdict != c.want || !strings.Contains(out.String(), c.why) {
				t.Errorf("got %s, want %s and %q:\n%s", r.Verdict, c.want, c.why, &out)
			}
			if (r.Verdict == Hold) != (r.Requests > 0) {
				t.Errorf("%s, and %d more requests needed", r.Verdict, r.Requests)
			}
			if _, err := json.Marshal(r); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestTable(t *testing.T) {
	j := started(t, Judged{}, 0.5)
	feed(t, j, 1, Scrape{Old: Counts{Requests: 3812, Errors: 4}, New: Counts{Requests: 151}, Elapsed: time.Minute})
	var out strings.Builder
	if err := j.Report().WriteTable(&out); err != nil {
		t.Fatal(err)
	}
	const want = `check    blue (50 %)   green (50 %)   verdict
errors   4/3,812       0/151          hold   green may still be at 2.3 % (limit 2 %): 24 more requests decide, about 10 s
a verdict against two equal sides comes in less than 1 of 100 rollouts
`
	if out.String() != want {
		t.Errorf("got:\n%s\nwant:\n%s", &out, want)
	}
}

// TestAFailStays feeds a good stream after a bad one.
func TestAFailStays(t *testing.T) {
	j := started(t, Judged{}, 0.1)
	feed(t, j, 3, Scrape{Old: Counts{Requests: 90}, New: Counts{Requests: 10, Errors: 2}})
	feed(t, j, 1000, Scrape{Old: Counts{Requests: 90}, New: Counts{Requests: 10}})
	if got := j.Report().Verdict; got != Fail {
		t.Errorf("got %s, want fail", got)
	}
	j = started(t, Judged{}, 0.1)
	feed(t, j, 100, Scrape{Old: Counts{Requests: 90}, New: Counts{Requests: 10}})
	j.Condemn("green's container changed")
	if r := j.Report(); r.Verdict != Fail || r.Checks[0].Why != "green's container changed" {
		t.Errorf("got %+v, want a fail for its container", r)
	}
}

// TestNoDataNeverPasses tries every way to have none, at every share, for long.
func TestNoDataNeverPasses(t *testing.T) {
	for _, judged := range []Judged{{}, {Latency: true}, {Latency: true, Accuracy: true}} {
		for _, share := range []float64{0.01, 0.1, 0.5, 1} {
			j := started(t, judged, share)
			for k := range 5000 {
				feed(t, j, 1, Scrape{Old: Counts{Requests: k % 2 * 1000}, Elapsed: time.Minute})
			}
			if got := j.Report().Verdict; got != Hold {
				t.Errorf("%+v at %g: got %s, want hold", judged, share, got)
			}
		}
	}
}

// TestResume goes on from a state that went through JSON, and compares with a judge that was never interrupted.
func TestResume(t *testing.T) {
	whole := started(t, Judged{Latency: true}, 0.1)
	broken := started(t, Judged{Latency: true}, 0.1)
	for k := range 60 {
		if k == 30 {
			if err := whole.Step(0.5); err != nil {
				t.Fatal(err)
			}
			if err := broken.Step(0.5); err != nil {
				t.Fatal(err)
			}
		}
		s := Scrape{Old: Counts{Requests: 9, Timed: 9, Slow: k % 2}, New: Counts{Requests: 2, Errors: k % 7 / 6, Timed: 2, Slow: k % 3 / 2}, Elapsed: 3 * time.Second}
		feed(t, whole, 1, s)
		feed(t, broken, 1, s)
		kept, err := json.Marshal(broken.State())
		if err != nil {
			t.Fatal(err)
		}
		var state State
		if err := json.Unmarshal(kept, &state); err != nil {
			t.Fatal(err)
		}
		if broken, err = Resume(state); err != nil {
			t.Fatal(err)
		}
	}
	if got, want := broken.Report(), whole.Report(); !reflect.DeepEqual(got, want) {
		t.Errorf("after 60 interruptions: got %+v, want %+v", got, want)
	}
}

func TestStrataIgnoreErrors(t *testing.T) {
	good, bad := started(t, Judged{}, 0.1), started(t, Judged{}, 0.1)
	for range 7 {
		feed(t, good, 1, Scrape{Old: Counts{Requests: 3}, New: Counts{Requests: 1}})
		feed(t, bad, 1, Scrape{Old: Counts{Requests: 3, Errors: 3}, New: Counts{Requests: 1, Errors: 1}})
		if g, b := good.State().Open.New, bad.State().Open.New; g != b {
			t.Fatalf("open strata of %d and %d requests: errors decide when one closes", g, b)
		}
	}
	if got := good.State().Closed.Requests; got != 6 {
		t.Errorf("%d requests in closed strata, want 6: two strata of three scrapes", got)
	}
}

func TestAccuracy(t *testing.T) {
	limits := DefaultLimits()
	limits.Labels = 50
	for name, c := range map[string]struct {
		rows, newWrong, oldWrong int
		want                     Verdict
	}{
		"not enough": {rows: 40, want: Hold},
		"alike":      {rows: 60, newWrong: 5, oldWrong: 6, want: Pass},
		"worse":      {rows: 60, newWrong: 14, oldWrong: 1, want: Fail},
		"better":     {rows: 60, newWrong: 1, oldWrong: 14, want: Pass},
	} {
		t.Run(name, func(t *testing.T) {
			j, err := New(limits, Judged{Accuracy: true}, "blue", "green")
			if err != nil {
				t.Fatal(err)
			}
			if err := j.Step(0.1); err != nil {
				t.Fatal(err)
			}
			feed(t, j, 20, Scrape{Old: Counts{Requests: 90}, New: Counts{Requests: 10}, Elapsed: 5 * time.Second})
			if err := j.AddLabels(c.rows, c.newWrong, c.oldWrong); err != nil {
				t.Fatal(err)
			}
			if got := j.Report().Verdict; got != c.want {
				t.Errorf("got %s, want %s", got, c.want)
			}
		})
	}
}

func TestRefused(t *testing.T) {
	j := started(t, Judged{}, 0.1)
	for name, s := range map[string]Scrape{
		"old.errors":   {Old: Counts{Requests: 1, Errors: 2}},
		"new.slow":     {New: Counts{Requests: 1, Timed: 1, Slow: 2}},
		"new: want":    {New: Counts{Requests: -1}},
		"old.requests": {Old: Counts{Requests: 1 << 60}},
		"elapsed":      {Elapsed: -1},
	} {
		if err := j.Add(s); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%+v: got %v, want an error about %s", s, err, name)
		}
	}
	if j.State().Scrapes != 0 {
		t.Error("a refused scrape was counted")
	}
	for _, share := range []float64{0, -1, 1.1} {
		if err := j.Step(share); err == nil {
			t.Errorf("share %g: want an error", share)
		}
	}
	broken := DefaultLimits()
	broken.ErrorRate = 0
	if _, err := New(broken, Judged{}, "blue", "green"); err == nil {
		t.Error("an error rate of 0: want an error")
	}
}

func TestPlan(t *testing.T) {
	plan := Plan(DefaultLimits(), 10, []float64{0.1, 0.5, 1})
	if len(plan) != 3 || plan[0].Requests < 100 || plan[1].Requests < 100 || plan[2].Takes != 0 {
		t.Fatalf("got %+v, want at least 100 requests in two steps and nothing for the promotion", plan)
	}
	if want := time.Duration(plan[0].Requests) * time.Second; plan[0].Takes != want {
		t.Errorf("10 requests a second, a tenth of them: %d requests take %s, want %s", plan[0].Requests, plan[0].Takes, want)
	}
	if got := Plan(DefaultLimits(), 0, []float64{0.1})[0].Takes; got != longest {
		t.Errorf("without traffic: %s, want %s", got, longest)
	}
}
