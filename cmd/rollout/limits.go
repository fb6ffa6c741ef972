package main

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/spf13/pflag"

	"ml-service/rollout/judge"
)

// limitFlags declares what a release is held to.
func limitFlags(flags *pflag.FlagSet, l *judge.Limits) {
	*l = judge.DefaultLimits()
	flags.Var((*share)(&l.Alpha), "alpha", "chance of a verdict against two equal sides, over the whole rollout")
	flags.Var((*share)(&l.ErrorRate), "error-rate", "up to this rate of errors no difference counts")
	flags.Var((*share)(&l.MarginSmall), "margin-small", "how far above the old side's errors a step of up to --small-share passes")
	flags.Var((*share)(&l.Margin), "margin", "the same for steps above --small-share")
	flags.Var((*share)(&l.SmallShare), "small-share", "the largest share of the traffic that --margin-small holds for")
	flags.Var((*share)(&l.FloorAlpha), "floor-alpha", "chance that the lower bound of the old side's errors, which the margins count from, is too high")
	flags.Float64Var(&l.Slower, "slower", l.Slower, "how many times slower the new side may be")
	flags.Float64Var(&l.PassAt, "pass-at", l.PassAt, "the e-value at which a margin counts as kept: wrong once in so many steps at most")
	flags.Float64Var(&l.WindowsAt, "windows-at", l.WindowsAt, "the e-value that the windows of the latency check must reach as well before it fails")
	flags.IntVar(&l.WindowNew, "window-requests", l.WindowNew, "fewest requests of the new side in a window of the latency check")
	flags.Float64Var(&l.WindowSpan, "window-time", l.WindowSpan, "shortest window of the latency check, in seconds")
	flags.IntVar(&l.Requests, "requests", l.Requests, "fewest requests of the new side in a step that passes")
	flags.Float64Var(&l.StepSpan, "step-time", l.StepSpan, "shortest step that passes, in seconds")
	flags.IntVar(&l.Labels, "labels", l.Labels, "fewest rows with a known answer before a step passes; 0: none are waited for")
}

// share is a flag of a share, as 1% or 0.01.
type share float64

func (s *share) String() string {
	return strconv.FormatFloat(math.Round(float64(*s)*1e8)/1e6, 'f', -1, 64) + "%"
}

func (s *share) Set(text string) error {
	number, inPercent := strings.CutSuffix(strings.TrimSpace(text), "%")
	v, err := strconv.ParseFloat(strings.TrimSpace(number), 64)
	if inPercent {
		v /= 100
	}
	if err != nil || !(v >= 0 && v <= 1) {
		return errors.New("want a share as 1% or 0.01")
	}
	*s = share(v)
	return nil
}

func (s *share) Type() string { return "share" }

// rate is a flag of requests a second, as 40/min.
type rate float64

var rateUnits = map[string]float64{"s": 1, "min": 60, "h": 3600}

func (r *rate) String() string { return fmt.Sprintf("%g/s", float64(*r)) }

func (r *rate) Set(text string) error {
	number, unit, found := strings.Cut(strings.TrimSpace(text), "/")
	if !found {
		unit = "s"
	}
	v, err := strconv.ParseFloat(strings.TrimSpace(number), 64)
	seconds := rateUnits[strings.TrimSpace(unit)]
	if err != nil || seconds == 0 || !(v > 0 && v <= 1e9) {
		return errors.New("want requests as 40/min, 5/s or 100/h")
	}
	*r = rate(v / seconds)
	return nil
}

func (r *rate) Type() string { return "rate" }
