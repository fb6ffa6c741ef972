package compare

import (
	_ "embed" // the page's template
	"fmt"
	"html/template"
	"io"
	"math"
	"strings"
)

//go:embed report.html
var page string

var report = template.Must(template.New("report").Funcs(template.FuncMap{
	"percent": percent, "short": func(text []byte) string { return shortened(string(text), 200) }, "ms": func(s float64) string { return fmt.Sprintf("%.3g", 1e3*s) },
	"shade": shade, "number": func(v float64) string { return fmt.Sprintf("%.5g", v) },
}).Parse(page))

// WriteHTML writes the result as one file that needs no other: its pictures are inline SVG. title names the run; limit is
// the share of changes that was allowed, NaN for none.
func (r *Result) WriteHTML(out io.Writer, title string, limit float64) error {
	verdict := ""
	if !math.IsNaN(limit) {
		verdict = fmt.Sprintf("at most %s allowed", percent(limit))
		if r.Share > limit {
			verdict = "above the allowed " + percent(limit)
		}
	}
	return report.Execute(out, struct {
		*Result
		Title, Verdict string
		Bad            bool
		Scatter, Times template.HTML
		LabelRows      [][3]string
	}{r, title, verdict, !math.IsNaN(limit) && r.Share > limit, scatter(r.Points), steps(r.OldTimes, r.NewTimes), r.labelRows()})
}

func (r *Result) labelRows() [][3]string {
	if r.Labels == nil {
		return nil
	}
	return r.Labels.rows()
}

// shade is how dark a cell of the table is, 0 to 1.
func shade(n int, of []int) string {
	sum := 0
	for _, k := range of {
		sum += k
	}
	if sum == 0 {
		return "0"
	}
	return fmt.Sprintf("%.2f", math.Sqrt(float64(n)/float64(sum))*0.6)
}

// The pictures are as wide as high, with room for the axes.
const (
	size   = 320.0
	margin = 44.0
)

// axis maps values to the picture.
type axis struct{ least, most float64 }

func axisOf(values ...float64) axis {
	a := axis{math.Inf(1), math.Inf(-1)}
	for _, v := range values {
		a.least, a.most = min(a.least, v), max(a.most, v)
	}
	if !(a.most > a.least) {
		a.least, a.most = a.least-0.5, a.most+0.5
	}
	return a
}

func (a axis) at(v float64) float64 { return margin + (v-a.least)/(a.most-a.least)*(size-margin-10) }

// frame begins a picture with its axes; format prints the values on them.
func frame(b *strings.Builder, label string, x, y axis, xName, yName string, format func(float64) string) {
	fmt.Fprintf(b, `<svg viewBox="0 0 %g %g" role="img" aria-label=%q>`, size, size, label)
	fmt.Fprintf(b, `<path class="axis" d="M%g 10V%gH%g"/>`, margin, size-margin, size-10)
	for k := range 5 {
		share := float64(k) / 4
		vx, vy := x.least+share*(x.most-x.least), y.least+share*(y.most-y.least)
		fmt.Fprintf(b, `<text x="%.1f" y="%.1f" text-anchor="middle">%s</text>`, x.at(vx), size-margin+14, format(vx))
		fmt.Fprintf(b, `<text x="%.1f" y="%.1f" text-anchor="end">%s</text>`, margin-4, size-y.at(vy)+4, format(vy))
	}
	fmt.Fprintf(b, `<text x="%g" y="%g" text-anchor="middle">%s</text><text x="12" y="%g" transform="rotate(-90 12 %g)" text-anchor="middle">%s</text>`,
		(margin+size)/2, size-8, template.HTMLEscapeString(xName), size/2-margin/2, size/2-margin/2, template.HTMLEscapeString(yName))
}

// scatter draws the old side's value against the new side's: what did not change lies on the line.
func scatter(points [][2]float64) template.HTML {
	if len(points) == 0 {
		return ""
	}
	var values []float64
	for _, p := range points {
		values = append(values, p[0], p[1])
	}
	a := axisOf(values...)
	var b strings.Builder
	frame(&b, "old against new", a, a, "old", "new", func(v float64) string { return fmt.Sprintf("%.3g", v) })
	fmt.Fprintf(&b, `<path class="line" d="M%.1f %.1fL%.1f %.1f"/>`, a.at(a.least), size-a.at(a.least), a.at(a.most), size-a.at(a.most))
	for _, p := range points {
		fmt.Fprintf(&b, `<circle cx="%.1f" cy="%.1f" r="2.5"/>`, a.at(p[0]), size-a.at(p[1]))
	}
	b.WriteString("</svg>")
	return template.HTML(b.String()) //nolint:gosec // numbers and our own words
}

// steps draws the share of requests answered within a time, for both sides.
func steps(old, fresh []float64) template.HTML {
	if len(old) == 0 || len(fresh) == 0 {
		return ""
	}
	logs := func(values []float64) []float64 {
		all := make([]float64, len(values))
		for k, v := range values {
			all[k] = math.Log10(max(v, 1e-6) * 1e3)
		}
		return all
	}
	o, n := logs(old), logs(fresh)
	x, y := axisOf(append(append([]float64{}, o...), n...)...), axis{0, 1}
	var b strings.Builder
	frame(&b, "share of requests answered within a time", x, y, "milliseconds", "share of requests", func(v float64) string {
		if v >= 0 && v <= 1 && (v == 0 || v == 0.25 || v == 0.5 || v == 0.75 || v == 1) {
			return fmt.Sprintf("%.3g", v)
		}
		return fmt.Sprintf("%.2g", math.Pow(10, v))
	})
	for _, side := range []struct {
		class  string
		values []float64
	}{{"old", o}, {"new", n}} {
		fmt.Fprintf(&b, `<path class=%q d="M%.1f %.1f`, side.class, x.at(side.values[0]), size-y.at(0))
		step := max(1, len(side.values)/400)
		for k := 0; k < len(side.values); k += step {
			fmt.Fprintf(&b, "L%.1f %.1f", x.at(side.values[k]), size-y.at(float64(k+1)/float64(len(side.values))))
		}
		fmt.Fprintf(&b, `L%.1f %.1f"/>`, x.at(side.values[len(side.values)-1]), size-y.at(1))
	}
	b.WriteString("</svg>")
	return template.HTML(b.String()) //nolint:gosec // numbers and our own words
}
