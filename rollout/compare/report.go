package compare

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
)

// WriteText prints the result for people.
func (r *Result) WriteText(out io.Writer) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintf(w, "changed\t%d of %d predictions\t%s\n", r.Changed, r.Rows, percent(r.Share))
	if r.Score > 0 {
		fmt.Fprintf(w, "scores\tmoved by %.4f on average\t\n", r.Score)
	}
	if r.Flips != nil {
		fmt.Fprintf(w, "flips\t%d at the threshold\t%s\n", *r.Flips, percent(float64(*r.Flips)/float64(max(r.Rows, 1))))
	}
	if r.Refused != (Refusals{}) {
		fmt.Fprintf(w, "refused\tby %s alone %d, by %s alone %d, by both %d\t\n", r.Old, r.Refused.OldAlone, r.New, r.Refused.NewAlone, r.Refused.Both)
	}
	if r.OldWarnings+r.NewWarnings > 0 {
		fmt.Fprintf(w, "warnings\t%s %d, %s %d\t\n", r.Old, r.OldWarnings, r.New, r.NewWarnings)
	}
	if err := w.Flush(); err != nil {
		return err
	}
	if r.Refused.First != "" {
		fmt.Fprintf(out, "  first: %s\n", r.Refused.First)
	}
	if len(r.Table) > 0 {
		fmt.Fprintf(w, "\n%s \\ %s\t%s\n", r.Old, r.New, strings.Join(r.Classes, "\t"))
		for k, counts := range r.Table {
			fmt.Fprint(w, r.Classes[k])
			for _, n := range counts {
				fmt.Fprintf(w, "\t%d", n)
			}
			fmt.Fprintln(w)
		}
	}
	const spreads = "\n%s\tmean\tleast\t5 %%\tmedian\t95 %%\tmost\n"
	if d := r.Differences; d != nil {
		fmt.Fprintf(w, spreads, "difference")
		fmt.Fprintf(w, "%s - %s\t%.5g\t%.5g\t%.5g\t%.5g\t%.5g\t%.5g\n", r.New, r.Old, d.Mean, d.Least, d.P5, d.P50, d.P95, d.Most)
	}
	fmt.Fprintf(w, spreads, "latency, ms")
	for _, side := range []struct {
		name string
		s    Spread
	}{{fmt.Sprintf("%s %s", r.Old, r.OldVersion), r.OldSeconds}, {fmt.Sprintf("%s %s", r.New, r.NewVersion), r.NewSeconds}} {
		fmt.Fprintf(w, "%s\t%.3g\t%.3g\t%.3g\t%.3g\t%.3g\t%.3g\n", side.name, 1e3*side.s.Mean, 1e3*side.s.Least, 1e3*side.s.P5, 1e3*side.s.P50, 1e3*side.s.P95, 1e3*side.s.Most)
	}
	if l := r.Labels; l != nil {
		fmt.Fprintf(w, "\n%d known answers\t%s\t%s\n", l.Rows, r.Old, r.New)
		for _, row := range l.rows() {
			fmt.Fprintf(w, "%s\t%s\t%s\n", row[0], row[1], row[2])
		}
	}
	if len(r.Most) > 0 {
		fmt.Fprintf(w, "\nchanged most\t%s\t%s\n", r.Old, r.New)
		for _, c := range r.Most {
			fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", c.Where, c.Old, c.New, shortened(string(c.Body), 80))
		}
	}
	return w.Flush()
}

// rows are name, old and new side.
func (l *Labels) rows() [][3]string {
	var all [][3]string
	pair := func(name string, old, fresh *float64, format string) {
		if old != nil && fresh != nil {
			all = append(all, [3]string{name, fmt.Sprintf(format, *old), fmt.Sprintf(format, *fresh)})
		}
	}
	if l.OldRMSE == nil {
		all = append(all, [3]string{"accuracy", fmt.Sprintf("%.4f", float64(l.OldRight)/float64(l.Rows)), fmt.Sprintf("%.4f", float64(l.NewRight)/float64(l.Rows))})
	}
	pair("log loss", l.OldLogLoss, l.NewLogLoss, "%.4f")
	pair("RMSE", l.OldRMSE, l.NewRMSE, "%.5g")
	name := "wrong alone"
	if l.OldRMSE != nil {
		name = "further off"
	}
	return append(all, [3]string{name, fmt.Sprint(l.OldWrong), fmt.Sprintf("%d   e-value against the new side 1e%+.1f", l.NewWrong, l.Log10EValue)})
}

func percent(share float64) string { return fmt.Sprintf("%.3g %%", 100*share) }

func shortened(text string, most int) string {
	if len(text) > most {
		return text[:most] + "…"
	}
	return text
}
