package page

import (
	"cmp"
	"fmt"
	"html/template"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"ml-service/rollout"
)

// All charts are inline SVG without a style of their own: numbers, class names of the style sheet, and escaped words.

// picture collects one.
type picture struct{ strings.Builder }

func newPicture(class, label string, width, height float64, more string) *picture {
	p := &picture{}
	fmt.Fprintf(p, `<svg class="%s" viewBox="0 0 %g %g" role="img" aria-label="%s"%s>`, class, width, height, template.HTMLEscapeString(label), more)
	return p
}

func (p *picture) text(x, y float64, more, text string) {
	fmt.Fprintf(p, `<text x="%.1f" y="%.1f"%s>%s</text>`, x, y, more, template.HTMLEscapeString(text))
}

func (p *picture) end() template.HTML {
	p.WriteString("</svg>")
	return template.HTML(p.String()) //nolint:gosec // numbers, our own names and escaped words
}

// splitBar is who has which share, from the left to the right.
func splitBar(split rollout.Split, sides []Side) template.HTML {
	names := namesOf(split, sides)
	p := newPicture("split", "Traffic: "+split.String(), 100, 8, ` preserveAspectRatio="none"`)
	x := 0.0
	for k, name := range names {
		share := split.Shares[name]
		fmt.Fprintf(p, `<rect class="s%d" x="%.2f" y="0" width="%.2f" height="8"/>`, k%2, x, share)
		x += share
	}
	return p.end()
}

// namesOf are the sides in the order in which they have their colours.
func namesOf(split rollout.Split, sides []Side) []rollout.Side {
	var names []rollout.Side
	for _, s := range sides {
		names = append(names, s.Side)
	}
	for _, name := range split.Sides() {
		if !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names
}

// Room around what is drawn.
const (
	chartWidth = 400.0
	leftRoom   = 44.0
	rightRoom  = 10.0
)

// rateLines draws requests a second over the window; readings with errors have a mark.
func rateLines(at time.Time, sides []Side) template.HTML {
	const height, bottom, top = 150.0, 128.0, 10.0
	most, some := 1.0, false
	for _, s := range sides {
		for _, r := range s.Series {
			most, some = max(most, r.Requests), true
		}
	}
	if !some {
		return ""
	}
	most = round(most)
	p := newPicture("rates", "Requests a second of both sides over the last five minutes; the table has the figures", chartWidth, height, "")
	at64 := func(t time.Time) float64 {
		return leftRoom + (chartWidth-leftRoom-rightRoom)*(1-min(max(at.Sub(t).Seconds(), 0), Window.Seconds())/Window.Seconds())
	}
	y := func(v float64) float64 { return bottom - (bottom-top)*v/most }
	fmt.Fprintf(p, `<path class="axis" d="M%g %gV%gH%g"/>`, leftRoom, top, bottom, chartWidth-rightRoom)
	for _, share := range []float64{0, 0.5, 1} {
		p.text(leftRoom-5, y(share*most)+4, ` text-anchor="end" class="soft"`, strconv.FormatFloat(share*most, 'g', 4, 64))
	}
	for _, minutes := range []float64{5, 4, 3, 2, 1} {
		p.text(at64(at.Add(-time.Duration(minutes*float64(time.Minute)))), bottom+15, ` text-anchor="middle" class="soft"`, fmt.Sprintf("−%g min", minutes))
	}
	p.text(chartWidth-rightRoom, bottom+15, ` text-anchor="end" class="soft"`, "now")
	for k, s := range sides {
		var line strings.Builder
		for i, r := range s.Series {
			fmt.Fprintf(&line, "%c%.1f %.1f", "ML"[min(i, 1)], at64(r.At), y(r.Requests))
		}
		if line.Len() > 0 {
			fmt.Fprintf(p, `<path class="l%d" d="%s"/>`, k%2, line.String())
		}
		for _, r := range s.Series {
			if r.Errors > 0 {
				fmt.Fprintf(p, `<rect class="e%d" x="%.1f" y="%.1f" width="5" height="5"/>`, k%2, at64(r.At)-2.5, y(r.Requests)-2.5)
			}
		}
	}
	return p.end()
}

// round is the next number of 1, 2 or 5 times a power of ten.
func round(v float64) float64 {
	ten := math.Pow(10, math.Floor(math.Log10(v)))
	for _, k := range []float64{1, 2, 5} {
		if k*ten >= v {
			return k * ten
		}
	}
	return 10 * ten
}

// quantileBars draws p50, p95 and p99 of both sides.
func quantileBars(sides []Side) template.HTML {
	most := 0.0
	for _, s := range sides {
		if s.Figures != nil {
			most = max(most, s.Figures.P99, s.Figures.P95)
		}
	}
	if most == 0 {
		return ""
	}
	const bar, gap = 13.0, 10.0
	height := 3*(float64(len(sides))*bar+gap) + 4
	p := newPicture("quantiles", "Latency of both sides; the table has the figures", chartWidth, height, "")
	y := 4.0
	for _, q := range []struct {
		name string
		of   func(*Figures) float64
	}{{"p50", func(f *Figures) float64 { return f.P50 }}, {"p95", func(f *Figures) float64 { return f.P95 }}, {"p99", func(f *Figures) float64 { return f.P99 }}} {
		p.text(leftRoom-8, y+float64(len(sides))*bar/2+4, ` text-anchor="end"`, q.name)
		for k, s := range sides {
			if s.Figures != nil && q.of(s.Figures) > 0 {
				v := q.of(s.Figures)
				width := (chartWidth - leftRoom - 110) * v / most
				fmt.Fprintf(p, `<rect class="s%d" x="%g" y="%.1f" width="%.1f" height="%g"/>`, k%2, leftRoom, y+1, width, bar-2)
				p.text(leftRoom+width+5, y+bar-3, "", fmt.Sprintf("%s %s", s.Side, milliseconds(v)))
			}
			y += bar
		}
		y += gap
	}
	return p.end()
}

// mostClasses is how many classes are drawn; the table has as many.
const mostClasses = 8

// score is one row of the table of classes and confidences: a share of each side's rows.
type score struct {
	Class  string
	Bin    string
	Shares []float64
	Counts []uint64
	le     float64
}

// scores are what both sides predicted within the window, by class and bucket of the confidence.
func scores(sides []Side) (rows []score, left int) {
	totals := make([]uint64, len(sides))
	all := map[string]*score{}
	for k, s := range sides {
		if s.Figures == nil {
			continue
		}
		for name, n := range s.Figures.Scores {
			cut := strings.LastIndexByte(name, ' ')
			le, err := strconv.ParseFloat(name[cut+1:], 64)
			if cut < 0 || err != nil {
				continue
			}
			if all[name] == nil {
				all[name] = &score{Class: name[:cut], Bin: "≤ " + name[cut+1:], le: le, Shares: make([]float64, len(sides)), Counts: make([]uint64, len(sides))}
			}
			all[name].Counts[k] += n
			totals[k] += n
		}
	}
	classes := map[string]bool{}
	for _, name := range slices.SortedFunc(maps.Keys(all), func(a, b string) int {
		return cmp.Or(strings.Compare(all[a].Class, all[b].Class), cmp.Compare(all[a].le, all[b].le))
	}) {
		row := all[name]
		if !classes[row.Class] && len(classes) == mostClasses {
			left++
			continue
		}
		classes[row.Class] = true
		for k, n := range row.Counts {
			if totals[k] > 0 {
				row.Shares[k] = float64(n) / float64(totals[k])
			}
		}
		rows = append(rows, *row)
	}
	return rows, left
}

// scoreBars draws them, both sides of a row beside each other.
func scoreBars(sides []Side, rows []score) template.HTML {
	if len(rows) == 0 {
		return ""
	}
	const bar, gap, left = 9.0, 6.0, 120.0
	most := 0.0
	for _, r := range rows {
		most = max(most, slices.Max(r.Shares))
	}
	if most == 0 {
		return ""
	}
	height := float64(len(rows))*(float64(len(sides))*bar+gap) + 4
	p := newPicture("scores", "Predicted classes by confidence, a share of each side's predictions; the table has the figures", chartWidth, height, "")
	y := 2.0
	for _, r := range rows {
		name := fmt.Sprintf("class %s, %s", r.Class, r.Bin)
		if letters := []rune(name); len(letters) > 22 {
			name = string(letters[:21]) + "…"
		}
		p.text(left-6, y+float64(len(sides))*bar/2+4, ` text-anchor="end"`, name)
		for k, share := range r.Shares {
			width := (chartWidth - left - 60) * share / most
			fmt.Fprintf(p, `<rect class="s%d" x="%g" y="%.1f" width="%.1f" height="%g"/>`, k%2, left, y+0.5, width, bar-1)
			y += bar
		}
		p.text(left+(chartWidth-left-60)*slices.Max(r.Shares)/most+5, y-float64(len(sides))*bar/2+4, ` class="soft"`, rollout.Percent(100*slices.Max(r.Shares)))
		y += gap
	}
	return p.end()
}

func milliseconds(seconds float64) string {
	if seconds == 0 {
		return "–"
	}
	return fmt.Sprintf("%.3g ms", 1000*seconds)
}
