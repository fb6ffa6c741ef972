package main

import (
	"fmt"
	"io"
	"time"
)

// progress is a line on a terminal; elsewhere nothing.
type progress struct {
	to          io.Writer
	began, last time.Time
	rows        int64
}

const progressEvery = 500 * time.Millisecond

func startProgress(w io.Writer) *progress {
	p := &progress{began: time.Now()}
	if isTerminal(w) {
		p.to = w
	}
	return p
}

// at says how many rows are answered.
func (p *progress) at(rows int64) {
	if p.rows = rows; p.to != nil && time.Since(p.last) >= progressEvery {
		p.last = time.Now()
		p.write("\r")
	}
}

func (p *progress) write(before string) {
	took := time.Since(p.began)
	fmt.Fprintf(p.to, "%s%d rows in %s, %.0f a second ", before, p.rows, took.Round(100*time.Millisecond), float64(p.rows)/took.Seconds())
}

// end writes the last line.
func (p *progress) end() {
	if p.to != nil {
		p.write("\r")
		fmt.Fprintln(p.to)
	}
}
