package main

import (
	"math"
	"sort"
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus"
)

// mostBuckets is the most bucket limits that a tally has.
const mostBuckets = 16

// tally is a histogram of prediction scores by predicted class that takes a whole batch at once: a row costs a search and
// an addition, a batch a few atomic operations. By class, because the winner's score alone does not see a class's 0.2 become 0.8.
type tally struct {
	description *prometheus.Desc
	classes     []string // labels, in the order of the model's classes; one for all where there are too many
	limits      []float64
	of          [fewClasses]classTally
}

type classTally struct {
	counts [mostBuckets + 1]atomic.Uint64
	sum    atomic.Uint64 // the bits of a float64
}

// scored are the scores of one batch.
type scored [fewClasses]struct {
	counts [mostBuckets + 1]uint32
	sum    float64
	any    bool
}

// anyClass is the label of a model's scores whose classes are too many for a label each, or not known.
const anyClass = "any"

func newTally(limits []float64, classes []string) *tally {
	if len(classes) == 0 {
		classes = []string{anyClass}
	}
	return &tally{
		description: prometheus.NewDesc("ml_prediction_score", "Score of the predicted class (confidence), by row and predicted class.", []string{"class"}, nil),
		classes:     classes,
		limits:      limits,
	}
}

// class is where the scores of a column are counted; -1: nowhere.
func (t *tally) class(column int) int {
	switch {
	case t.classes[0] == anyClass && len(t.classes) == 1:
		return 0
	case column >= len(t.classes):
		return -1
	}
	return column
}

// one counts a single row.
func (t *tally) one(column int, score float64) {
	class := t.class(column)
	if class < 0 {
		return
	}
	of := &t.of[class]
	of.counts[sort.SearchFloat64s(t.limits, score)].Add(1)
	of.add(score)
}

func (s *scored) add(t *tally, column int, score float64) {
	if class := t.class(column); class >= 0 {
		of := &s[class]
		of.counts[sort.SearchFloat64s(t.limits, score)]++
		of.sum += score
		of.any = true
	}
}

func (t *tally) end(s *scored) {
	if t == nil {
		return
	}
	for class := range t.classes {
		if !s[class].any {
			continue
		}
		for k, n := range s[class].counts {
			if n > 0 {
				t.of[class].counts[k].Add(uint64(n))
			}
		}
		t.of[class].add(s[class].sum)
	}
}

func (c *classTally) add(sum float64) {
	for sum != 0 {
		old := c.sum.Load()
		if c.sum.CompareAndSwap(old, math.Float64bits(math.Float64frombits(old)+sum)) {
			return
		}
	}
}

// Describe is prometheus.Collector's.
func (t *tally) Describe(out chan<- *prometheus.Desc) { out <- t.description }

// Collect is prometheus.Collector's.
func (t *tally) Collect(out chan<- prometheus.Metric) {
	for class, label := range t.classes {
		of := &t.of[class]
		buckets, total := make(map[float64]uint64, len(t.limits)), uint64(0)
		for k, limit := range t.limits {
			total += of.counts[k].Load()
			buckets[limit] = total
		}
		total += of.counts[len(t.limits)].Load()
		out <- prometheus.MustNewConstHistogram(t.description, total, math.Float64frombits(of.sum.Load()), buckets, label)
	}
}
