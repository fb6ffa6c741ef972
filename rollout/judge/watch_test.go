package judge

import (
	"math/rand/v2"
	"testing"
)

func TestWatched(t *testing.T) {
	l := DefaultLimits()
	for _, c := range []struct {
		name       string
		old, fresh Counts
		want       Verdict
	}{
		{"nothing yet", Counts{Requests: 1000}, Counts{}, Hold},
		{"as good", Counts{Requests: 1000}, Counts{Requests: 1000, Errors: 3}, Pass},
		{"one error of few", Counts{Requests: 1000}, Counts{Requests: 5, Errors: 1}, Pass},
		{"one in ten", Counts{Requests: 1000}, Counts{Requests: 200, Errors: 20}, Fail},
		{"all", Counts{Requests: 1000}, Counts{Requests: 4, Errors: 4}, Fail},
		{"as bad as the old one", Counts{Requests: 1000, Errors: 100}, Counts{Requests: 1000, Errors: 105}, Pass},
		{"an old one without requests", Counts{}, Counts{Requests: 200, Errors: 20}, Fail},
	} {
		if got := Watched(c.old, c.fresh, l); got.Verdict != c.want {
			t.Errorf("%s: got %+v, want %s", c.name, got, c.want)
		}
	}
}

// A side at its limit fails in at most one watch of a hundred, looked at after every request.
func TestWatchedIsRarelyWrong(t *testing.T) {
	l, random := DefaultLimits(), rand.New(rand.NewPCG(1, 2))
	old := Counts{Requests: 10_000}
	limit := Watched(old, Counts{}, l).Limit
	wrong := 0
	const watches = 400
	for range watches {
		var c Counts
		for range 1000 {
			c.Requests++
			if random.Float64() < limit {
				c.Errors++
				if Watched(old, c, l).Verdict == Fail {
					wrong++
					break
				}
			}
		}
	}
	if wrong > 12 { // 4 are expected at most; more than 12 come once in some 3,000 runs
		t.Errorf("%d of %d watches of a side at its limit failed, want at most 1 %%", wrong, watches)
	}
}
