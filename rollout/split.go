package rollout

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
)

// Split says which share of the traffic each side has.
type Split struct {
	Shares   map[Side]float64 `json:"shares"`             // percent, in all 100; a side without traffic is left out
	Revision string           `json:"revision,omitempty"` // of the reading; a write names the one it is made against
	Mark     Mark             `json:"mark,omitzero"`
	Back     bool             `json:"-"` // of a write: a rollback, so that what loses the traffic is no place to return to
}

// Mark is what a target that can (an alias has a description) keeps beside its split, so that another machine can roll back.
type Mark struct {
	Release  string `json:"release,omitempty"` // id of the release under way
	Baseline Side   `json:"baseline,omitempty"`
}

// All is the split that gives everything to one side.
func All(side Side) Split { return Split{Shares: map[Side]float64{side: 100}} }

// Between gives percent to one side and the rest to the other; a share of 0 is left out.
func Between(to Side, percent float64, rest Side) Split {
	s := Split{Shares: map[Side]float64{}}
	if percent > 0 {
		s.Shares[to] = percent
	}
	if percent < 100 {
		s.Shares[rest] = 100 - percent
	}
	return s
}

// Sole is the side that has all the traffic, if one has.
func (s Split) Sole() (Side, bool) {
	if len(s.Shares) != 1 {
		return "", false
	}
	for side := range s.Shares {
		return side, true
	}
	return "", false
}

// Sides are the sides with traffic, by name.
func (s Split) Sides() []Side { return slices.Sorted(maps.Keys(s.Shares)) }

// Same says whether both give every side the same share, to a hundredth of a percent. Revisions and marks do not matter.
func (s Split) Same(other Split) bool {
	return maps.EqualFunc(s.Shares, other.Shares, func(a, b float64) bool { return math.Abs(a-b) < 0.01 })
}

// Check says what is wrong with a split that is to be written.
func (s Split) Check() error {
	sum := 0.0
	for _, side := range s.Sides() {
		share := s.Shares[side]
		if side == "" {
			return fmt.Errorf("split %s: a side has no name", s)
		}
		if !(share > 0 && share <= 100) {
			return fmt.Errorf("share of %s: want more than 0 and at most 100 percent, got %s", side, Percent(share))
		}
		sum += share
	}
	if math.Abs(sum-100) > 0.01 {
		return fmt.Errorf("split %s: want 100 %% in all, got %s", s, Percent(sum))
	}
	return nil
}

// String is the split for people: "blue 90 %, green 10 %".
func (s Split) String() string {
	if len(s.Shares) == 0 {
		return "nobody"
	}
	var parts []string
	for _, side := range s.Sides() {
		parts = append(parts, fmt.Sprintf("%s %s", side, Percent(s.Shares[side])))
	}
	return strings.Join(parts, ", ")
}

// Percent prints a share with at most two decimals.
func Percent(share float64) string {
	return strconv.FormatFloat(math.Round(share*100)/100, 'f', -1, 64) + " %"
}
