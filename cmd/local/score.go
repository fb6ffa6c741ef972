package main

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"runtime"
	"strconv"

	"ml-service/handler"
	"ml-service/handler/table"
	"ml-service/model"
)

// scorer answers a piece of the input.
type scorer interface {
	// score appends the answers to a piece and says to how many rows. It counts the categories that the model does not know, unless
	// the answers themselves name them.
	score(dst []byte, p piece, met unknowns) (answers []byte, rows int64, err error)
}

// piece is some whole lines of the input, and how many lines came before.
type piece struct {
	text  []byte
	lines int64
}

const pieceBytes = 256 << 10

// score answers rows from stdin, of CSV with a header or of JSON lines, in constant memory, on all cores, in order.
func score(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) error {
	flags := flag.NewFlagSet("score", flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	path := flags.String("model", "", "")
	format := flags.String("format", "", "")
	cores := flags.Int("cores", runtime.GOMAXPROCS(0), "")
	if err := flags.Parse(args); err != nil {
		return handler.Usage(fmt.Errorf("score: %w", err))
	}
	switch {
	case flags.NArg() > 0:
		return handler.Usage(fmt.Errorf("score: unexpected argument %q: rows come from standard input", flags.Arg(0)))
	case *path == "":
		return handler.Usage(errors.New("score: want --model DIR, as ml-service score --model models/v1.0.0 < rows.csv > answers.csv"))
	case *format != "" && *format != "csv" && *format != "jsonl":
		return handler.Usage(fmt.Errorf("score: --format: want csv or jsonl, got %q", *format))
	case *cores < 1:
		return handler.Usage(fmt.Errorf("score: --cores: want at least 1, got %d", *cores))
	}
	all, err := places(*path)
	if err != nil {
		return err
	}
	if len(all) != 1 {
		return handler.Usage(fmt.Errorf("score: --model %s: want one version, got %d", *path, len(all)))
	}
	o, err := handler.OpenVersion(all[0].fsys, all[0].version)
	if err != nil {
		return err
	}
	in := &reader{from: stdin}
	s, err := scorerOf(o.Model, *format, in, stdout, stderr)
	if err != nil {
		return fmt.Errorf("score: %w", err)
	}
	if s == nil {
		return errors.New("score: the input is empty: want CSV with a header, or JSON lines")
	}
	progress := startProgress(stderr)
	met := make(unknowns)
	err = work(ctx, s, in, stdout, *cores, progress, met)
	progress.end()
	if c, ok := s.(csvRows); ok && len(met) > 0 {
		fmt.Fprintf(stderr, "ml-service: score: values that are not categories of the model, answered all the same: %s\n", met.text(c.Table))
	}
	if err != nil {
		return fmt.Errorf("score: %w", err)
	}
	return nil
}

// scorerOf looks at the first line to choose the format, and writes the header of the answers; nil: there is nothing.
func scorerOf(m *model.Model, format string, in *reader, stdout, stderr io.Writer) (scorer, error) {
	first, err := in.line()
	if err != nil || first == nil {
		return nil, err
	}
	if format == "" {
		format = "csv"
		if start := bytes.TrimLeft(first, " \t"); len(start) > 0 && (start[0] == '{' || start[0] == '[') {
			format = "jsonl"
		}
	}
	if format == "jsonl" {
		in.unread(first)
		return newJSONLines(m), nil
	}
	c, ignored, err := table.Named(m, first)
	if err != nil {
		return nil, fmt.Errorf("line 1: %w; got the header %s", err, quotedStart(bytes.TrimRight(first, "\r\n")))
	}
	if len(ignored) > 0 {
		fmt.Fprintf(stderr, "ml-service: score: columns that the model does not have: %s\n", table.QuotedList(ignored))
	}
	if absent := c.Absent(); len(absent) > 0 {
		fmt.Fprintf(stderr, "ml-service: score: columns that the input does not have, missing in every row: %s\n", table.QuotedList(absent))
	}
	in.quotes = true
	_, err = stdout.Write(c.Header())
	return csvRows{m, c}, err
}

// quotedStart is a line for a message, cut off where it is long.
func quotedStart(line []byte) string {
	const most = 200
	if len(line) <= most {
		return strconv.Quote(string(line))
	}
	return strconv.Quote(string(line[:most])) + fmt.Sprintf(" and %d more bytes", len(line)-most)
}

// job is a piece on its way: its answers come in order, however the cores take them.
type job struct {
	piece  piece
	answer []byte
	rows   int64
	met    unknowns
	err    error
	done   chan struct{}
}

// work has pieces answered by so many cores, and writes the answers in order. At most two pieces a core are in memory. met counts the
// unknown categories of what was written.
func work(ctx context.Context, s scorer, in *reader, stdout io.Writer, cores int, progress *progress, met unknowns) error {
	ctx, cancel := context.WithCancel(ctx)
	todo, order := make(chan *job), make(chan *job, 2*cores)
	free := make(chan *job, 2*cores) // whose memory is used again
	for range cap(free) {
		free <- &job{met: make(unknowns)}
	}
	defer cancel() // whoever still reads or answers is left behind: the input may never end
	for range cores {
		go func() {
			for j := range todo {
				j.answer, j.rows, j.err = s.score(j.answer[:0], j.piece, j.met)
				close(j.done)
			}
		}()
	}
	var failed error // of reading; read after order is closed
	go func() {
		defer close(todo)
		defer close(order)
		for {
			var j *job
			select {
			case j = <-free:
			case <-ctx.Done():
				return
			}
			p, err := in.piece(j.piece.text)
			if failed = err; err != nil || p.text == nil {
				return
			}
			j.piece, j.done = p, make(chan struct{})
			select {
			case order <- j:
			case <-ctx.Done():
				return
			}
			select {
			case todo <- j:
			case <-ctx.Done():
				return
			}
		}
	}()
	var answered int64
	for j := range order {
		select {
		case <-j.done:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
		if _, err := stdout.Write(j.answer); err != nil {
			return err
		}
		met.take(j.met)
		if j.err != nil {
			return j.err
		}
		answered += j.rows
		progress.at(answered)
		free <- j
	}
	return failed
}

// isTerminal says whether a person reads w.
func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	if !ok {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}
