package judge

import (
	"fmt"
	"math"
)

// Watched judges a side that already has all the traffic, so that there is nobody left to compare with at the same time: by
// what the old side had before. The new side fails where the evidence says that its errors are more than l.Margin above the old
// side's rate, or above l.ErrorRate where that is more; the chance that a side within that limit ever fails is at most l.Alpha.
func Watched(old, fresh Counts, l Limits) Check {
	rate := l.ErrorRate
	if old.Requests > 0 {
		rate = max(rate, float64(old.Errors)/float64(old.Requests))
	}
	limit := min(rate+l.Margin, mostRate)
	alarm := -math.Log(l.Alpha)
	above := Above(fresh.Errors, fresh.Requests, limit)
	c := Check{Name: "errors", Old: fraction(old.Errors, old.Requests), New: fraction(fresh.Errors, fresh.Requests), Verdict: Pass, Limit: limit,
		Evidence: decimal(map[string]float64{"above": above}), Alarm: alarm / math.Ln10}
	switch {
	case above >= alarm:
		c.Verdict, c.Why = Fail, fmt.Sprintf("more than %s of the requests fail", percent(limit))
	case fresh.Requests == 0:
		c.Verdict, c.Why = Hold, "no request yet"
	default:
		c.Why = fmt.Sprintf("nothing says that more than %s fail", percent(limit))
	}
	return c
}
