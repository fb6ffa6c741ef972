package main

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
	"sync"
	"text/tabwriter"
	"time"

	"github.com/spf13/pflag"
)

func targetNames() []string { return slices.Sorted(maps.Keys(targets)) }

func targetFlags(flags *pflag.FlagSet) {
	for _, name := range targetNames() {
		if t := targets[name]; t.flags != nil {
			t.flags(flags)
		}
	}
}

// progress shows a step on stderr once it has taken longer than two seconds, and what has to be known at once.
type progress struct {
	w     io.Writer
	mu    sync.Mutex
	timer *time.Timer
}

const slow = 2 * time.Second

func newProgress(w io.Writer) *progress { return &progress{w: w} }

func (p *progress) step(what string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.timer != nil {
		p.timer.Stop()
	}
	p.timer = time.AfterFunc(slow, func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		fmt.Fprintf(p.w, "… %s\n", what)
	})
}

func (p *progress) tell(what string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	fmt.Fprintln(p.w, what)
}

func (p *progress) stop() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.timer != nil {
		p.timer.Stop()
	}
}

// table prints aligned columns.
func table(w io.Writer, rows ...[]string) {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, row := range rows {
		fmt.Fprintln(t, strings.TrimRight(strings.Join(row, "\t"), "\t "))
	}
	t.Flush() //nolint:errcheck // as every print to a terminal
}

// printJSON prints one object for machines.
func printJSON(w io.Writer, v any) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	return e.Encode(v)
}

// terminal says whether a writer is one: colour and live lines are for terminals alone.
func terminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	if !ok {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

// paint puts a colour around a text on a terminal, unless NO_COLOR is set.
func paint(w io.Writer, colour, text string) string {
	if !terminal(w) || os.Getenv("NO_COLOR") != "" {
		return text
	}
	return "\x1b[" + colour + "m" + text + "\x1b[0m"
}

const (
	red    = "31"
	green  = "32"
	yellow = "33"
)
