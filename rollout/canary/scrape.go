package canary

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"

	"ml-service/rollout"
	"ml-service/rollout/judge"
)

// missedScrapes in a row are as bad as a container that is gone.
const missedScrapes = 3

// scrapeWithin is how long one side's counts may take.
const scrapeWithin = 5 * time.Second

// seen is what is known of one side's counts.
type seen struct {
	Side   rollout.Side   `json:"side"`
	Last   rollout.Counts `json:"last"`
	Known  bool           `json:"known"`  // Last is a reading
	Missed int            `json:"missed"` // scrapes in a row
}

// change is what a side had between two readings.
type change struct {
	counts judge.Counts
	fault  string // the process is another, or was started anew
	err    error  // this reading failed
}

// limits are the bucket limits by which a side's requests are slow, as indices; latency is not judged where there are none.
type limits struct {
	Seconds []float64 `json:"seconds"` // of all buckets, both sides alike
	Old     int       `json:"old"`     // above it a request of the old side is slow
	New     int       `json:"new"`
	Twice   int       `json:"twice"` // above it one of the new side is slower still
	Quick   float64   `json:"quick"` // seconds that the old side's own 95th percentile is at most, where that may be far below Old; 0: it is Old
}

// fewestTimed is from how many timed requests a side's 95th percentile is known.
const fewestTimed = 100

// limitsOf takes the old side's 95th percentile for the limit, and the new side's a factor above, at least floor; each is
// the next bucket's. The reason says why there are none.
func limitsOf(old, fresh []rollout.Bucket, slower, floor float64) (l *limits, reason string) {
	if len(old) < 2 || len(old) != len(fresh) {
		return nil, "the sides count time in different steps"
	}
	l = &limits{Old: -1, New: -1, Twice: -1}
	for k, b := range old {
		if math.IsInf(b.Seconds, 1) {
			break
		}
		if fresh[k].Seconds != b.Seconds {
			return nil, "the sides count time in different steps"
		}
		l.Seconds = append(l.Seconds, b.Seconds)
	}
	all := float64(old[len(old)-1].Count)
	if all < fewestTimed {
		return nil, fmt.Sprintf("the old side has timed %.0f requests, and its 95th percentile takes %d", all, fewestTimed)
	}
	for k, limit := range l.Seconds {
		if l.Old < 0 && float64(old[k].Count) >= 0.95*all {
			if limit < floor/slower*(1-1e-9) {
				if l.Quick == 0 {
					l.Quick = limit
				}
				continue
			}
			if l.Old = k; k == 0 { // nothing shorter is counted
				l.Quick = limit
			}
		}
		if l.Old < 0 {
			continue
		}
		if l.New < 0 && limit >= slower*l.Seconds[l.Old]*(1-1e-9) {
			l.New = k
		}
		if l.Twice < 0 && limit >= 2*slower*l.Seconds[l.Old]*(1-1e-9) {
			l.Twice = k
		}
	}
	if l.Twice < 0 {
		return nil, fmt.Sprintf("the old side's 95th percentile is so long that nothing counts above %g times it", 2*slower)
	}
	return l, ""
}

// read takes a reading of a side and gives what it had since the last one. A process that was replaced is a fault.
func (s *seen) read(ctx context.Context, counter rollout.Counter, l *limits, isNew bool) change {
	ctx, cancel := context.WithTimeout(ctx, scrapeWithin)
	defer cancel()
	now, err := counter.Count(ctx, s.Side)
	if err != nil {
		s.Missed++
		c := change{err: err}
		if s.Known && now.Instance != "" && now.FailedTries >= s.Last.FailedTries { // the tries are counted elsewhere
			failed := int(now.FailedTries - s.Last.FailedTries)
			s.Last.FailedTries += uint64(failed)
			s.Last.Errors += uint64(failed)
			c.counts = judge.Counts{Requests: failed, Errors: failed}
		}
		if fault := s.replaced(now); s.Known && now.Instance != "" && fault != "" {
			c.fault = fault
		}
		return c
	}
	s.Missed = 0
	if !s.Known {
		s.Last, s.Known = now, true
		return change{}
	}
	if fault := s.replaced(now); fault != "" {
		s.Last = now
		return change{fault: fault}
	}
	c, err := between(s.Last, now, l, isNew)
	s.Last = now
	if err != nil {
		return change{fault: fmt.Sprintf("%s: %v", s.Side, err)}
	}
	return change{counts: c}
}

// replaced says that the process behind the counts is another one.
func (s *seen) replaced(now rollout.Counts) string {
	switch {
	case now.Instance != s.Last.Instance:
		return fmt.Sprintf("%s was replaced: its container is %s and was %s", s.Side, now.Instance, s.Last.Instance)
	case now.Restarts != s.Last.Restarts:
		return fmt.Sprintf("%s was restarted: %d times, and %d before", s.Side, now.Restarts, s.Last.Restarts)
	}
	return ""
}

var errDown = errors.New("a counter went down: the process was started anew")

// between is what a side had between two readings of the same process.
func between(a, b rollout.Counts, l *limits, isNew bool) (judge.Counts, error) {
	if b.Requests < a.Requests || b.Errors < a.Errors || b.Refused < a.Refused || b.FailedTries < a.FailedTries {
		return judge.Counts{}, errDown
	}
	failed := b.FailedTries - a.FailedTries
	c := judge.Counts{
		Requests: int(b.Requests - a.Requests + failed), // the side itself has not counted a try that failed
		Errors:   int(b.Errors - a.Errors + b.Refused - a.Refused),
	}
	c.Errors = min(c.Errors, c.Requests) // a request may be counted while it is read
	if l == nil {
		return c, nil
	}
	timed, slow := above(a.Latency, b.Latency, -1), l.Old
	if isNew {
		slow = l.New
		c.Slower = above(a.Latency, b.Latency, l.Twice)
	}
	c.Timed, c.Slow = min(timed, c.Requests), above(a.Latency, b.Latency, slow)
	c.Slow = min(c.Slow, c.Timed)
	c.Slower = min(c.Slower, c.Slow)
	if timed < 0 {
		return c, errDown
	}
	return c, nil
}

// above is how many requests between two readings took longer than a bucket's limit; -1: all that were timed.
func above(a, b []rollout.Bucket, bucket int) int {
	more := func(buckets []rollout.Bucket) int {
		if len(buckets) == 0 {
			return 0
		}
		n := int(buckets[len(buckets)-1].Count)
		if bucket >= 0 && bucket < len(buckets) {
			n -= int(buckets[bucket].Count)
		}
		return n
	}
	return more(b) - more(a)
}
