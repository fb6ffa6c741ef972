// Command models measures the model alone, one thread: this repository's onnx package against ONNX Runtime through its C API,
// XGBoost's own predict and tl2cgen's C, on the models that prepare.py lays out.
//
//	models [-rounds 41] [-slice 10ms] [-only xgb100_d6] WORK
//
// Each round gives every contender one slice of time, one after another; what is printed is the median over the rounds of the processor
// time of a call and of its ratio to ours in the same round, with the 10th and 90th percentile.
package main

import (
	"encoding/binary"
	"flag"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"
)

func main() {
	if err := run(os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "models:", err)
		os.Exit(1)
	}
}

const width = 30

func run(args []string, out io.Writer) error {
	flags := flag.NewFlagSet("models", flag.ContinueOnError)
	rounds := flags.Int("rounds", 41, "rounds a model and size")
	slice := flags.Duration("slice", 10*time.Millisecond, "time each contender gets in a round")
	only := flags.String("only", "", "one model")
	if err := flags.Parse(args); err != nil {
		return err
	}
	work := flags.Arg(0)
	raw, err := os.ReadFile(filepath.Join(work, "libraries"))
	if err != nil {
		return err
	}
	libraries := strings.Split(string(raw), "\n")
	if len(libraries) < 3 {
		return fmt.Errorf("%s/libraries: want two paths and the versions", work)
	}
	runtime.LockOSThread()
	fmt.Fprintf(out, "%s, %s, %s\n\n", cpu(), runtime.Version(), libraries[2])
	fmt.Fprintln(out, "| model | rows | ours | ONNX Runtime | XGBoost | tl2cgen, gcc -O3 | ONNX Runtime / ours | best of XGBoost and C / ours |")
	fmt.Fprintln(out, "|---|---|---|---|---|---|---|---|")
	names := []string{"logistic30", "xgb100_d3", "xgb100_d6", "xgb1000_d6", "forest100_d8", "forest100_full"}
	if *only != "" {
		names = []string{*only}
	}
	for _, name := range names {
		for _, size := range []int{1, 1000} {
			line, err := measure(work, name, libraries, size, *rounds, *slice)
			if err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
			fmt.Fprintln(out, line)
		}
	}
	fmt.Fprintln(out, "\n| model | file | loads in, ours | ONNX Runtime | held once loaded, of the file |")
	fmt.Fprintln(out, "|---|---|---|---|---|")
	for _, name := range names {
		line, err := load(work, name, libraries, 9)
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		fmt.Fprintln(out, line)
	}
	return nil
}

// The contenders, in the order of the columns.
const (
	us = iota
	runtimeORT
	xgb
	compiled
	contenders
)

func measure(work, name string, libraries []string, size, rounds int, slice time.Duration) (string, error) {
	all, err := open(filepath.Join(work, name), libraries, size)
	if err != nil {
		return "", err
	}
	answers := make([]float32, size)
	calls := [contenders]int{}
	for i, c := range all {
		if c == nil {
			continue
		}
		// Warm up, and find how many calls fill a slice: whole turns round the 512 rows where one call is one row.
		unit := 1
		if size == 1 {
			unit = 512
		}
		for n := unit; calls[i] == 0; n *= 2 {
			took, err := spent(func() error { return c.run(n, answers) })
			if err != nil {
				return "", err
			}
			if took > slice/2 {
				calls[i] = max(unit, int(float64(n)*float64(slice)/float64(took))/unit*unit)
			}
		}
	}
	var times, ratios [contenders][]float64
	var best []float64
	for round := range rounds {
		var per [contenders]float64
		for k := range all {
			i := k
			if round%2 == 1 {
				i = contenders - 1 - k
			}
			if all[i] == nil {
				continue
			}
			took, err := spent(func() error { return all[i].run(calls[i], answers) })
			if err != nil {
				return "", err
			}
			per[i] = float64(took) / float64(calls[i])
		}
		rival := math.Inf(1)
		for i := range all {
			if all[i] != nil {
				times[i], ratios[i] = append(times[i], per[i]), append(ratios[i], per[i]/per[us])
				if i > runtimeORT {
					rival = min(rival, per[i])
				}
			}
		}
		if !math.IsInf(rival, 1) {
			best = append(best, rival/per[us])
		}
	}
	cells := []string{name, fmt.Sprint(size)}
	for i := range all {
		cells = append(cells, spread(times[i], duration))
	}
	cells = append(cells, spread(ratios[runtimeORT], ratio), spread(best, ratio))
	return "| " + strings.Join(cells, " | ") + " |", nil
}

// open makes the contenders and checks that they agree on every row.
func open(folder string, libraries []string, size int) (all [contenders]contender, err error) {
	model, err := os.ReadFile(filepath.Join(folder, "model.onnx"))
	if err != nil {
		return all, err
	}
	rows, err := floats(filepath.Join(folder, "rows.f32"))
	if err != nil {
		return all, err
	}
	want, err := floats(filepath.Join(folder, "answers.f32"))
	if err != nil {
		return all, err
	}
	c := newRows(rows, width)
	if all[us], err = openOurs(model, rows, width, size); err != nil {
		return all, err
	}
	if all[runtimeORT], err = openONNXRuntime(libraries[0], model, c, size); err != nil {
		return all, err
	}
	if path := filepath.Join(folder, "model.ubj"); exists(path) {
		if all[xgb], err = openXGBoost(libraries[1], path, c, size); err != nil {
			return all, err
		}
	}
	if path := filepath.Join(folder, "compiled.so"); exists(path) {
		if all[compiled], err = openCompiled(path, c, size); err != nil {
			return all, err
		}
	}
	answer := make([]float32, size)
	for i := range all {
		for first := 0; all[i] != nil && first < len(rows)/width; first += size {
			if err := all[i].run(1, answer); err != nil {
				return all, err
			}
			for k, got := range answer {
				if row := (first + k) % (len(rows) / width); math.Abs(float64(got-want[2*row+1])) > 1e-5 {
					return all, fmt.Errorf("contender %d answers %v for row %d, want %v", i, got, row, want[2*row+1])
				}
			}
		}
	}
	return all, nil
}

func exists(path string) bool { _, err := os.Stat(path); return err == nil }

func floats(path string) ([]float32, error) {
	raw, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	f := make([]float32, len(raw)/4)
	for i := range f {
		f[i] = math.Float32frombits(binary.LittleEndian.Uint32(raw[4*i:]))
	}
	return f, nil
}

// spread prints the median and, in brackets, the 10th and 90th percentile.
func spread(v []float64, print func(float64) string) string {
	if len(v) == 0 {
		return ""
	}
	v = slices.Sorted(slices.Values(v))
	at := func(q float64) float64 { return v[int(q*float64(len(v)-1)+.5)] }
	return fmt.Sprintf("%s (%s-%s)", print(at(.5)), print(at(.1)), print(at(.9)))
}

func duration(ns float64) string {
	switch {
	case ns < 1e3:
		return fmt.Sprintf("%.0f ns", ns)
	case ns < 1e6:
		return fmt.Sprintf("%.3g us", ns/1e3)
	}
	return fmt.Sprintf("%.3g ms", ns/1e6)
}

func ratio(v float64) string { return fmt.Sprintf("%.3g", v) }

// cpu names the processor.
func cpu() string {
	raw, _ := os.ReadFile("/proc/cpuinfo")
	for line := range strings.Lines(string(raw)) {
		if name, ok := strings.CutPrefix(line, "model name"); ok {
			return strings.Trim(name, "\t\n :")
		}
	}
	return runtime.GOARCH
}
