package page

import (
	"cmp"
	"fmt"
	"io"
	"math"
	"strings"
	"text/tabwriter"
	"time"

	"ml-service/rollout"
)

// barWidth is how many letters the bar of the split has.
const barWidth = 60

// barLetters draw the sides in turn.
var barLetters = []string{"█", "░"}

// WriteText prints what the page shows of now, for terminals; what was done before is `rollout history`.
func (s Snapshot) WriteText(out io.Writer) error {
	var b strings.Builder
	fmt.Fprintf(&b, "%s  %s\n", s.At.Format(time.TimeOnly), now(s))
	b.WriteString(textBar(s))
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "SIDE\tSHARE\tHEALTH\tVERSION\tRUNS\tREQUESTS\tPER S\tERRORS\tP50\tP95\tP99\tOVER")
	for _, side := range s.Sides {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t", side.Side, rollout.Percent(side.Share), side.State, cmp.Or(side.Version, "–"), artifact(side.Artifact))
		if f := side.Figures; f != nil {
			fmt.Fprintf(w, "%d\t%.1f/s\t%d\t%s\t%s\t%s\t%s\n", f.Requests, float64(f.Requests)/max(f.Span.Seconds(), 1e-9), f.Errors, milliseconds(f.P50), milliseconds(f.P95), milliseconds(f.P99), f.Span.Round(time.Second))
		} else {
			fmt.Fprintln(w, "–\t–\t–\t–\t–\t–\t–")
		}
	}
	if err := w.Flush(); err != nil {
		return err
	}
	v := draw(s)
	if v.Report != nil {
		fmt.Fprintf(&b, "%s. %s\n", v.ReportTitle, v.ReportSays)
		for _, step := range v.Steps {
			sign := " "
			if step.Current {
				sign = ">"
			}
			fmt.Fprintf(&b, "%s %s  %s\n", sign, step.Share, step.Says)
		}
		if err := v.Report.WriteTable(&b); err != nil {
			return err
		}
	}
	if s.Busy != "" {
		fmt.Fprintf(&b, "at work: %s\n", s.Busy)
	}
	if v.Pending != "" {
		fmt.Fprintln(&b, v.Pending)
	}
	for _, wrong := range s.Wrong {
		fmt.Fprintf(&b, "wrong: %s\n", wrong)
	}
	_, err := io.WriteString(out, b.String())
	return err
}

// textBar is the bar of the split, with a line that says whose letters are whose.
func textBar(s Snapshot) string {
	var bar, names strings.Builder
	used, share := 0, 0.0
	for k, name := range namesOf(s.Split, s.Sides) {
		share += s.Split.Shares[name]
		upTo := int(math.Round(share / 100 * barWidth))
		letter := barLetters[k%len(barLetters)]
		bar.WriteString(strings.Repeat(letter, upTo-used))
		used = upTo
		fmt.Fprintf(&names, "  %s %s", letter, name)
	}
	return bar.String() + names.String() + "\n"
}
