package judge

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"time"
)

// Cell is a situation to simulate many times: what is wrong with the new side, and how much traffic there is.
type Cell struct {
	Name     string
	Share    float64       // the new side's share of the traffic
	Errors   float64       // both sides' rate of errors
	More     float64       // how much more the new side's is
	Shock    float64       // how many times more errors both have in one scrape of twenty; 0: none
	Slower   float64       // how many times slower the new side is; 0: latency is not judged
	Spells   float64       // how often a side, alone, is three times slower for a scrape
	Dead     bool          // every request of the new side fails, and Nginx tries it once a scrape
	PerTick  float64       // requests of both sides between two scrapes
	Tick     time.Duration // between two scrapes
	Requests int           // the new side's, after which a run ends
}

// spread is of the simulated latencies: lognormal, so that 95 % are below e^(1.645 spread) times the median.
const spread, p95 = 0.6, 1.6448536269514722

// Outcome is what became of a cell.
type Outcome struct {
	Cell
	Runs     int
	Failed   float64 // the share of runs that failed
	Within   float64 // the share that failed within 500 requests of the new side
	Passed   float64 // the share whose step passed at some time before it failed
	Requests int     // the median of the new side's requests at the failure; 0: less than half failed
	Scrapes  int     // the largest number of scrapes at a failure
	Takes    time.Duration
}

// within is up to how many requests of the new side a failure counts as soon.
const within = 500

// Simulate runs a cell so many times. The same seed gives the same outcome.
func Simulate(l Limits, c Cell, runs int, seed uint64) (Outcome, error) {
	out := Outcome{Cell: c, Runs: runs}
	if c.PerTick <= 0 || c.Requests <= 0 || c.Tick <= 0 || runs <= 0 {
		return out, fmt.Errorf("simulate %s: want requests, ticks and runs above 0", c.Name)
	}
	var failedAt []int
	for run := range runs {
		random := rand.New(rand.NewPCG(seed, uint64(run)))
		j, err := New(l, Judged{Latency: c.Slower > 0}, "old", "new")
		if err == nil {
			err = j.Step(c.Share)
		}
		if err != nil {
			return out, fmt.Errorf("simulate %s: %w", c.Name, err)
		}
		failed, passed := false, false
		for !failed && j.s.NewAll.Requests < c.Requests && j.s.Scrapes < 100*c.Requests {
			if err := j.Add(c.scrape(random)); err != nil {
				return out, fmt.Errorf("simulate %s: %w", c.Name, err)
			}
			failed = j.fails()
			passed = passed || !failed && j.passes()
		}
		if passed {
			out.Passed++
		}
		if failed {
			out.Failed++
			failedAt = append(failedAt, j.s.NewAll.Requests)
			out.Scrapes = max(out.Scrapes, j.s.Scrapes)
			if j.s.NewAll.Requests <= within {
				out.Within++
			}
		}
	}
	if 2*len(failedAt) >= runs {
		slices.Sort(failedAt)
		out.Requests = failedAt[(runs-1)/2]
		perSecond := c.PerTick * c.Share / c.Tick.Seconds()
		if c.Dead {
			perSecond = 1 / c.Tick.Seconds()
		}
		out.Takes = time.Duration(float64(out.Requests) / perSecond * float64(time.Second))
	}
	for _, share := range []*float64{&out.Failed, &out.Within, &out.Passed} {
		*share /= float64(runs)
	}
	return out, nil
}

// fails and passes are the verdict of Report without its words.
func (j *Judge) fails() bool {
	s, alarm := &j.s, j.s.alarm()
	return s.MostRelative >= alarm && s.MostAbove >= alarm ||
		s.Judged.Latency && s.MostLatency >= alarm && s.MostWindows >= math.Log(s.Limits.WindowsAt)
}

func (j *Judge) passes() bool {
	s, at := &j.s, math.Log(j.s.Limits.PassAt)
	return s.InStep.Requests >= s.Limits.Requests && s.StepAge.Seconds() >= s.Limits.StepSpan &&
		Below(s.NewAll.Errors, s.NewAll.Requests, s.limit(s.OldAll.Errors, s.OldAll.Requests)) >= at &&
		(!s.Judged.Latency || !s.suspect() && Below(s.NewAll.Slower, s.NewAll.Timed, s.limit(s.OldAll.Slow, s.OldAll.Timed)) >= at)
}

// scrape draws what both sides had between two scrapes.
func (c Cell) scrape(random *rand.Rand) Scrape {
	errors := c.Errors
	if c.Shock > 0 && random.IntN(20) == 0 {
		errors = min(errors*c.Shock, mostRate)
	}
	side := func(requests, errors, slower, limit float64) Counts {
		n := poisson(random, requests)
		counts := Counts{Requests: n, Errors: binomial(random, n, errors), Timed: n}
		if c.Slower > 0 {
			if c.Spells > 0 && random.Float64() < c.Spells {
				slower *= 3
			}
			slow, twice := above(limit/slower), above(2*limit/slower)
			counts.Slow = binomial(random, n, slow)
			counts.Slower = binomial(random, counts.Slow, twice/slow)
		}
		return counts
	}
	s := Scrape{Elapsed: c.Tick}
	if c.Dead { // Nginx tries it once, then sends everything to the old side
		s.Old = side(c.PerTick, errors, 1, 1)
		s.New = Counts{Requests: 1, Errors: 1}
		return s
	}
	s.Old = side(c.PerTick*(1-c.Share), errors, 1, 1)
	s.New = side(c.PerTick*c.Share, min(errors+c.More, 1), max(c.Slower, 1), DefaultLimits().Slower)
	return s
}

// above is the share of latencies that are more than times the 95th percentile.
func above(times float64) float64 {
	return math.Erfc((p95+math.Log(times)/spread)/math.Sqrt2) / 2
}

// binomial draws how many of n are bad, going from one bad one to the next.
func binomial(random *rand.Rand, n int, p float64) int {
	switch {
	case p <= 0:
		return 0
	case p >= 1:
		return n
	case p > 0.5:
		return n - binomial(random, n, 1-p)
	}
	bad, rest := 0, math.Log1p(-p)
	for k := 0.0; ; bad++ {
		if k += 1 + math.Floor(math.Log(1-random.Float64())/rest); k > float64(n) {
			return bad
		}
	}
}

// poisson draws a number of requests.
func poisson(random *rand.Rand, mean float64) int {
	if mean > 30 {
		return max(0, int(math.Round(mean+math.Sqrt(mean)*random.NormFloat64())))
	}
	n := 0
	for t := random.ExpFloat64(); t < mean; t += random.ExpFloat64() {
		n++
	}
	return n
}
