package judge

import (
	"math"
	"math/rand/v2"
	"testing"
)

// TestHypergeometricSumsToOne holds the sum over a table to 1 where lgamma has lost its digits.
func TestHypergeometricSumsToOne(t *testing.T) {
	for _, c := range []table{
		{1, 1, 1}, {18, 2, 3}, {10, 30, 39}, {5000, 5000, 250}, {900_000, 100_000, 50_000}, {1e9, 1e9, 1e8}, {1e9, 1, 7}, {1e9, 1e9, 2e9 - 1},
	} {
		if got := c.logMean(1); math.Abs(got) > 1e-9 {
			t.Errorf("%v: the logarithm of the sum is %g, want 0", c, got)
		}
	}
}

func TestLogMeanIsTheSum(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for range 500 {
		c := table{old: float64(1 + random.IntN(60)), new: float64(1 + random.IntN(60))}
		c.bad = float64(1 + random.IntN(int(c.old+c.new)-1))
		for _, odds := range []float64{0.5, 1, 2, 256} {
			var logs []float64
			least, most := c.bounds()
			for x := least; x <= most; x++ {
				logs = append(logs, logChoose(c.new, x)+logChoose(c.old, c.bad-x)-logChoose(c.old+c.new, c.bad)+x*math.Log(odds))
			}
			near(t, "log mean", c.logMean(odds), logSum(logs))
		}
	}
}

func TestByHand(t *testing.T) {
	r := NewRelative(ErrorGrid)
	for range 3 {
		r.Add(Stratum{Old: 18, BadNew: 1, New: 2})
	}
	if got := math.Exp(r.Log()); got < 100 {
		t.Errorf("three errors on the new side alone at 10 %%: e-value %g, want at least 100", got)
	}
	for bad, want := range []int{175, 327, 443} {
		if got := needed(bad, bad, 0.02, 20) + bad; got != want {
			t.Errorf("%d errors: below reaches 20 at 2 %% after %d requests, want %d", bad, got, want)
		}
	}
}

func TestPairedStaysFinite(t *testing.T) {
	for _, c := range [][2]int{{0, 0}, {1, 0}, {0, 1_000_000}, {1_000_000, 0}, {1_000_000, 1_000_000}, {500_000, 400_000}} {
		got := Paired(c[0], c[1])
		if math.IsNaN(got) || math.IsInf(got, 0) {
			t.Errorf("%v: got %g, want a finite logarithm", c, got)
		}
		if more := Paired(c[0]+1, c[1]); more < got {
			t.Errorf("%v: one more against the new side lowers the evidence from %g to %g", c, got, more)
		}
	}
}

// TestDrawHasItsMean thins a side many times and compares the mean.
func TestDrawHasItsMean(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	for _, c := range []struct{ n, bad, most int }{{90, 9, 10}, {12, 11, 10}, {1_000_000, 50_000, 300}, {20, 20, 5}, {20, 0, 5}, {7, 3, 7}} {
		const times = 20_000
		sum := 0
		for range times {
			got := draw(random, c.n, c.bad, c.most)
			if got < 0 || got > min(c.bad, c.most) || c.most-got > c.n-c.bad {
				t.Fatalf("%+v: %d bad ones drawn", c, got)
			}
			sum += got
		}
		p := float64(c.bad) / float64(c.n)
		want, got := p*float64(c.most), float64(sum)/times
		if math.Abs(got-want) > 5*math.Sqrt(float64(c.most)*p*(1-p)/times)+1e-12 {
			t.Errorf("%+v: mean %g, want %g", c, got, want)
		}
	}
}

func BenchmarkRelative(b *testing.B) {
	b.ReportAllocs()
	r := NewRelative(ErrorGrid)
	for k := 0; b.Loop(); k++ {
		r.Add(Stratum{BadOld: k % 3, Old: 900 + k%100, BadNew: k % 2, New: 100})
	}
}

func BenchmarkReport(b *testing.B) {
	j, err := New(DefaultLimits(), Judged{Latency: true}, "blue", "green")
	if err != nil {
		b.Fatal(err)
	}
	if err := j.Step(0.1); err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if err := j.Add(Scrape{Old: Counts{Requests: 90, Errors: 1, Timed: 90, Slow: 4}, New: Counts{Requests: 10, Timed: 10, Slow: 1}}); err != nil {
			b.Fatal(err)
		}
		j.Report()
	}
}
