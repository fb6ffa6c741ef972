package rollout

import "math"

// Quantile estimates a quantile of the latencies counted between two scrapes, in seconds: by a straight line within
// the bucket where it falls. It is 0 where nothing was counted, and the last finite limit where it lies above all.
func Quantile(q float64, before, after []Bucket) float64 {
	earlier := map[float64]uint64{}
	for _, b := range before {
		earlier[b.Seconds] = b.Count
	}
	if len(after) == 0 {
		return 0
	}
	count := func(i int) float64 { return float64(after[i].Count) - float64(earlier[after[i].Seconds]) }
	rank := q * count(len(after)-1)
	if rank <= 0 {
		return 0
	}
	low, below := 0.0, 0.0
	for i, b := range after {
		if n := count(i); n >= rank {
			if math.IsInf(b.Seconds, 1) {
				return low
			}
			return low + (b.Seconds-low)*(rank-below)/max(n-below, 1)
		}
		low, below = b.Seconds, count(i)
	}
	return low
}
