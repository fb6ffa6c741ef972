package main

import (
	"math"
	"sort"
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus"
)

// mostBuckets is the most bucket limits that a tally has.
const mostBuckets = 16

// tally is a histogram of prediction scores that takes a whole batch at once: a row costs a search and an addition,
// a batch a few atomic operations.
type tally struct {
	description *prometheus.Desc
	limits      []float64
	counts      [mostBuckets + 1]atomic.Uint64
	sum         atomic.Uint64 // the bits of a float64
}

// scored are the scores of one batch.
type scored struct {
	counts [mostBuckets + 1]uint32
	sum    float64
}

func newTally(limits []float64) *tally {
	return &tally{
		description: prometheus.NewDesc("ml_prediction_score", "Score of the predicted class (confidence), by row.", nil, nil),
		limits:      limits,
	}
}

func (s *scored) add(t *tally, score float64) {
	s.counts[sort.SearchFloat64s(t.limits, score)]++
	s.sum += score
}

func (t *tally) end(s *scored) {
	if t == nil {
		return
	}
	for k, n := range s.counts {
		if n > 0 {
			t.counts[k].Add(uint64(n))
		}
	}
	for s.sum != 0 {
		old := t.sum.Load()
		if t.sum.CompareAndSwap(old, math.Float64bits(math.Float64frombits(old)+s.sum)) {
			return
		}
	}
}

// Describe is prometheus.Collector's.
func (t *tally) Describe(out chan<- *prometheus.Desc) { out <- t.description }

// Collect is prometheus.Collector's.
func (t *tally) Collect(out chan<- prometheus.Metric) {
	buckets, total := make(map[float64]uint64, len(t.limits)), uint64(0)
	for k, limit := range t.limits {
		total += t.counts[k].Load()
		buckets[limit] = total
	}
	total += t.counts[len(t.limits)].Load()
	out <- prometheus.MustNewConstHistogram(t.description, total, math.Float64frombits(t.sum.Load()), buckets)
}
