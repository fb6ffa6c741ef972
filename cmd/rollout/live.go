package main

import (
	"fmt"
	"io"
	"strings"

	"ml-service/rollout/api"
)

// liveLines prints lines: one below the other in a log; on a terminal the next takes the place of one that says what is running.
type liveLines struct {
	w    io.Writer
	live bool
	open bool // the last line may be replaced
}

const terminalWidth = 79 // a line that wraps could not be replaced

func (l *liveLines) say(line string) {
	if !l.live {
		fmt.Fprintln(l.w, line)
		return
	}
	if l.open {
		fmt.Fprint(l.w, "\r\x1b[K")
	}
	l.open = strings.HasPrefix(line, api.Running)
	if !l.open {
		fmt.Fprintln(l.w, line)
		return
	}
	if r := []rune(line); len(r) > terminalWidth {
		line = string(r[:terminalWidth-1]) + "…"
	}
	fmt.Fprint(l.w, line)
}

func (l *liveLines) end() {
	if l.open {
		fmt.Fprintln(l.w)
	}
}
