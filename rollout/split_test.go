package rollout

import (
	"errors"
	"fmt"
	"strings"
	"testing"
)

func TestSplit(t *testing.T) {
	for _, c := range []struct {
		split Split
		text  string
		sole  Side
	}{
		{All("blue"), "blue 100 %", "blue"},
		{Between("green", 10, "blue"), "blue 90 %, green 10 %", ""},
		{Between("green", 0, "blue"), "blue 100 %", "blue"},
		{Between("green", 100, "blue"), "green 100 %", "green"},
		{Between("2", 2.5, "1"), "1 97.5 %, 2 2.5 %", ""},
		{Split{}, "nobody", ""},
	} {
		if got := c.split.String(); got != c.text {
			t.Errorf("got %q, want %q", got, c.text)
		}
		if got, _ := c.split.Sole(); got != c.sole {
			t.Errorf("%s: sole side %q, want %q", c.split, got, c.sole)
		}
	}
	if a, b := Between("green", 33.333, "blue"), Between("green", 33.33, "blue"); !a.Same(b) {
		t.Errorf("%v and %v are not the same", a, b)
	}
	if a, b := Between("green", 10, "blue"), Between("green", 10, "red"); a.Same(b) {
		t.Errorf("%v and %v are the same", a, b)
	}
}

func TestSplitCheck(t *testing.T) {
	for _, c := range []struct {
		shares map[Side]float64
		want   string // part of the error; "" is none
	}{
		{map[Side]float64{"blue": 90, "green": 10}, ""},
		{map[Side]float64{"blue": 100}, ""},
		{map[Side]float64{"blue": 90, "green": 20}, "got 110 %"},
		{map[Side]float64{"blue": 110, "green": -10}, "share of blue"},
		{map[Side]float64{"blue": 100, "green": 0}, "share of green"},
		{map[Side]float64{"": 100}, "no name"},
		{nil, "got 0 %"},
	} {
		err := Split{Shares: c.shares}.Check()
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%v: got error %v, want %q", c.shares, err, c.want)
		}
	}
}

func TestExitCode(t *testing.T) {
	for _, c := range []struct {
		err  error
		want int
	}{
		{nil, 0}, {errors.New("x"), 1}, {ErrUsage, 2}, {ErrHeld, 3}, {ErrRolledBack, 4}, {ErrLocked, 5}, {ErrDrifted, 5},
		{fmt.Errorf("shift: %w", &Fault{ErrDrifted, errors.New("the split is another")}), 5},
	} {
		if got := ExitCode(c.err); got != c.want {
			t.Errorf("%v: got %d, want %d", c.err, got, c.want)
		}
	}
}
