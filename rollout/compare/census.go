package compare

import (
	"cmp"
	"encoding/json"
	"fmt"
	"math"
	"slices"

	"ml-service/rollout/judge"
)

// census counts while the answers come in.
type census struct {
	Options
	result  *Result
	classes map[string]int // label to its place in the table
	order   []string
	table   map[[2]int]int
	numbers bool // the predictions are a regressor's

	differences []float64
	scores      float64 // sum of absolute changes of the confidence
	scored      int

	rows, oldRight, newRight, oldWrong, newWrong int
	oldLoss, newLoss                             float64
	losses                                       int
	oldSquares, newSquares                       float64
}

// add takes the answers to one request.
func (c *census) add(row Row, old, fresh answer) error {
	r := c.result
	r.Requests++
	r.OldVersion, r.NewVersion = cmp.Or(r.OldVersion, old.version), cmp.Or(r.NewVersion, fresh.version)
	r.OldTimes, r.NewTimes = append(r.OldTimes, old.seconds), append(r.NewTimes, fresh.seconds)
	if old.warned {
		r.OldWarnings++
	}
	if fresh.warned {
		r.NewWarnings++
	}
	switch {
	case old.refused != "" && fresh.refused != "":
		r.Refused.Both++
		return nil
	case fresh.refused != "":
		r.Refused.NewAlone++
		r.Refused.First = cmp.Or(r.Refused.First, row.Where+": "+fresh.refused)
		r.Rows += len(old.rows)
		r.Changed += len(old.rows)
		return nil
	case old.refused != "":
		r.Refused.OldAlone++
		return nil
	}
	if len(old.rows) != len(fresh.rows) {
		return fmt.Errorf("%d predictions of %s and %d of %s", len(old.rows), c.Old, len(fresh.rows), c.New)
	}
	if row.Known != nil && len(row.Known) != len(old.rows) {
		return fmt.Errorf("y has %d answers, want one for each of the %d rows", len(row.Known), len(old.rows))
	}
	for k := range old.rows {
		r.Rows++
		by, changed := c.pair(old.rows[k], fresh.rows[k])
		if changed {
			r.Changed++
			r.Most = append(r.Most, Change{Where: row.Where, Body: row.Body, Old: old.rows[k].String(), New: fresh.rows[k].String(), By: by})
			if len(r.Most) > 4*mostChanges {
				r.trim()
			}
		}
		if row.Known != nil {
			c.label(row.Known[k], old.rows[k], fresh.rows[k])
		}
	}
	return nil
}

func (r *Result) trim() {
	slices.SortStableFunc(r.Most, func(a, b Change) int { return cmp.Compare(b.By, a.By) })
	r.Most = r.Most[:min(len(r.Most), mostChanges)]
}

// mostPoints is how many dots the picture gets.
const mostPoints = 2000

// pair compares two predictions of a row: whether it changed, and by how much.
func (c *census) pair(old, fresh prediction) (by float64, changed bool) {
	a, aNumber := number(old.Prediction)
	b, bNumber := number(fresh.Prediction)
	if old.Confidence == nil && fresh.Confidence == nil && aNumber && bNumber { // a regressor, or a classifier without scores
		by = math.Abs(b - a)
		c.differences = append(c.differences, b-a)
		c.numbers = true
		c.point(a, b, "prediction")
		c.flip(a, b)
		return by, by > c.tolerance(a)
	}
	c.count(label(old.Prediction), label(fresh.Prediction))
	changed = label(old.Prediction) != label(fresh.Prediction)
	if old.Confidence != nil && fresh.Confidence != nil {
		p, q := *old.Confidence, *fresh.Confidence
		if changed && len(c.classes) <= 2 { // of the same class, so that 0.2 and 0.8 are 0.6 apart
			q = 1 - q
		}
		by = math.Abs(q - p)
		c.scores += by
		c.scored++
		if x, y, ok := c.positive(old, fresh); ok {
			c.point(x, y, "score of the class "+c.order[c.last()])
			c.flip(x, y)
		}
	}
	if changed {
		by = max(by, 1e-9)
	}
	return by, changed
}

func (c *census) tolerance(value float64) float64 {
	return cmp.Or(c.Tolerance, DefaultTolerance) * max(1, math.Abs(value))
}

// positive gives both scores of the last class of two; labels sort as they print.
func (c *census) positive(old, fresh prediction) (x, y float64, ok bool) {
	if len(c.classes) > 2 || len(c.classes) == 0 {
		return 0, 0, false
	}
	last := c.order[c.last()]
	of := func(p prediction) float64 {
		if label(p.Prediction) == last {
			return *p.Confidence
		}
		return 1 - *p.Confidence
	}
	return of(old), of(fresh), true
}

func (c *census) last() int {
	last := 0
	for k := range c.order {
		if c.order[k] > c.order[last] {
			last = k
		}
	}
	return last
}

func (c *census) point(x, y float64, what string) {
	if len(c.result.Points) < mostPoints {
		c.result.Points = append(c.result.Points, [2]float64{x, y})
		c.result.What = what
	}
}

func (c *census) flip(x, y float64) {
	if math.IsNaN(c.Threshold) {
		return
	}
	if c.result.Flips == nil {
		c.result.Flips = new(int)
	}
	if (x >= c.Threshold) != (y >= c.Threshold) {
		*c.result.Flips++
	}
}

// mostClasses is how many classes the table has; the others are one.
const mostClasses = 20

func (c *census) count(old, fresh string) {
	if c.table == nil {
		c.table = map[[2]int]int{}
	}
	c.table[[2]int{c.class(old), c.class(fresh)}]++
}

func (c *census) class(name string) int {
	k, ok := c.classes[name]
	if !ok {
		if len(c.order) >= mostClasses {
			name = "others"
			if k, ok = c.classes[name]; ok {
				return k
			}
		}
		k = len(c.order)
		c.classes[name] = k
		c.order = append(c.order, name)
	}
	return k
}

// label counts a row whose right answer is known.
func (c *census) label(known json.RawMessage, old, fresh prediction) {
	c.rows++
	want, isNumber := number(known)
	a, aNumber := number(old.Prediction)
	b, bNumber := number(fresh.Prediction)
	if c.numbers && isNumber && aNumber && bNumber {
		c.oldSquares += (a - want) * (a - want)
		c.newSquares += (b - want) * (b - want)
		switch oldOff, newOff := math.Abs(a-want), math.Abs(b-want); {
		case math.Abs(newOff-oldOff) <= c.tolerance(want):
		case newOff > oldOff:
			c.newWrong++
		default:
			c.oldWrong++
		}
		return
	}
	right := label(known)
	oldRight, newRight := label(old.Prediction) == right, label(fresh.Prediction) == right
	if oldRight {
		c.oldRight++
	}
	if newRight {
		c.newRight++
	}
	switch {
	case oldRight && !newRight:
		c.newWrong++
	case newRight && !oldRight:
		c.oldWrong++
	}
	if old.Confidence != nil && fresh.Confidence != nil {
		c.oldLoss += loss(*old.Confidence, oldRight)
		c.newLoss += loss(*fresh.Confidence, newRight)
		c.losses++
	}
}

// loss is the log loss of a score that the service has rounded to three decimals; of two classes.
func loss(confidence float64, right bool) float64 {
	if !right {
		confidence = 1 - confidence
	}
	return -math.Log(min(max(confidence, 0.0005), 1))
}

func (c *census) end() *Result {
	r := c.result
	if r.Rows > 0 {
		r.Share = float64(r.Changed) / float64(r.Rows)
	}
	r.trim()
	if c.scored > 0 {
		r.Score = c.scores / float64(c.scored)
	}
	if len(c.differences) > 0 {
		s := spread(c.differences)
		r.Differences = &s
	}
	if len(c.order) > 0 {
		places := make([]int, len(c.order))
		for k := range places {
			places[k] = k
		}
		slices.SortFunc(places, func(a, b int) int { return cmp.Compare(c.order[a], c.order[b]) })
		for _, p := range places {
			r.Classes = append(r.Classes, c.order[p])
			counts := make([]int, len(places))
			for k, q := range places {
				counts[k] = c.table[[2]int{p, q}]
			}
			r.Table = append(r.Table, counts)
		}
	}
	r.OldSeconds, r.NewSeconds = spread(r.OldTimes), spread(r.NewTimes)
	if c.rows > 0 {
		r.Labels = &Labels{Rows: c.rows, OldRight: c.oldRight, NewRight: c.newRight, NewWrong: c.newWrong, OldWrong: c.oldWrong,
			Log10EValue: judge.Paired(c.newWrong, c.oldWrong) / math.Ln10}
		mean := func(sum float64, n int) *float64 { v := sum / float64(n); return &v }
		if c.losses == c.rows && len(c.order) <= 2 {
			r.Labels.OldLogLoss, r.Labels.NewLogLoss = mean(c.oldLoss, c.rows), mean(c.newLoss, c.rows)
		}
		if c.numbers {
			old, fresh := math.Sqrt(c.oldSquares/float64(c.rows)), math.Sqrt(c.newSquares/float64(c.rows))
			r.Labels.OldRMSE, r.Labels.NewRMSE = &old, &fresh
		}
	}
	return r
}

// spread sorts its values.
func spread(values []float64) Spread {
	slices.Sort(values)
	s := Spread{Count: len(values)}
	if s.Count == 0 {
		return s
	}
	for _, v := range values {
		s.Mean += v / float64(s.Count)
	}
	at := func(q float64) float64 { return values[min(s.Count-1, int(q*float64(s.Count)))] }
	s.Least, s.P5, s.P50, s.P95, s.Most = values[0], at(0.05), at(0.5), at(0.95), values[s.Count-1]
	return s
}

func number(text json.RawMessage) (float64, bool) {
	var v float64
	err := json.Unmarshal(text, &v)
	return v, err == nil && len(text) > 0 && text[0] != 'n'
}

// label is a class as it prints: 1 and 1.0 are one class.
func label(text json.RawMessage) string {
	if v, ok := number(text); ok {
		return fmt.Sprintf("%g", v)
	}
	var word string
	if json.Unmarshal(text, &word) == nil {
		return word
	}
	return string(text)
}
