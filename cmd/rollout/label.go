package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/spf13/cobra"

	"ml-service/rollout"
	"ml-service/rollout/canary"
	"ml-service/rollout/compare"
)

// labelsFile is where joined labels are kept beside the journal, for compare and canary.
const labelsFile = "labels.jsonl"

// mostLabelLine is the longest line of labels or of the record that is read.
const mostLabelLine = 16 << 20

func newLabel(c *command) *cobra.Command {
	var record string
	cmd := &cobra.Command{
		Use:   "label --record DIR < labels.jsonl",
		Short: "Join right answers that came late with the record of requests",
		Long: `Join right answers that came late with the record of requests (RECORD_DIR). Lines on stdin:

  {"request_id":"4f2c…","y":1}

What is joined is appended to .rollout/` + labelsFile + `, once a request: rollout compare --rows takes the file, and a canary with
--labels N sends its rows to both sides and waits until there are N.`,
		Example: `  rollout label --record record/ < labels.jsonl
  rollout compare --to green --rows .rollout/labels.jsonl`,
		RunE: func(*cobra.Command, []string) error {
			if record == "" {
				return usage("where is the record? say --record, the folder that RECORD_DIR names")
			}
			return c.label(record)
		},
	}
	cmd.Flags().StringVar(&record, "record", "", "folder of the service's record")
	cmd.Flags().BoolVar(&c.json, "json", false, "print one JSON object")
	return cmd
}

// joined is what came of the labels.
type joined struct {
	Labels  int    `json:"labels"`
	Joined  int    `json:"joined"`
	Known   int    `json:"known"`   // joined by an earlier call
	Unknown int    `json:"unknown"` // their requests are not in the record, or without a body
	File    string `json:"file"`
}

func (c *command) label(record string) error {
	labels, err := readLabels(c.stdin)
	if err != nil {
		return fmt.Errorf("labels: %w", err)
	}
	files, err := filepath.Glob(filepath.Join(record, "*.jsonl"))
	if err != nil || len(files) == 0 {
		return usage("--record %s: no .jsonl file in it", record)
	}
	slices.Sort(files)
	out := filepath.Join(c.stateDir(), labelsFile)
	result := joined{Labels: len(labels), File: out}
	err = eachLine(out, func(text []byte) error {
		var one struct {
			RequestID string `json:"request_id"`
		}
		if err := json.Unmarshal(text, &one); err != nil {
			return err
		}
		if _, ok := labels[one.RequestID]; ok {
			result.Known++
			delete(labels, one.RequestID)
		}
		return nil
	})
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	var rows bytes.Buffer
	for _, name := range files {
		if err := eachLine(name, func(text []byte) error { return join(text, labels, &rows, &result) }); err != nil {
			return err
		}
	}
	result.Unknown = len(labels)
	if rows.Len() > 0 {
		if err := appendTo(out, rows.Bytes()); err != nil {
			return err
		}
	}
	if c.json {
		return printJSON(c.stdout, result)
	}
	fmt.Fprintf(c.stdout, "%d labels: %d joined, %d known already, %d without a request in the record; %s\n", result.Labels, result.Joined, result.Known, result.Unknown, out)
	return nil
}

// readLabels reads right answers by request.
func readLabels(r io.Reader) (map[string]json.RawMessage, error) {
	labels := map[string]json.RawMessage{}
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, mostLabelLine)
	for n := 1; lines.Scan(); n++ {
		text := bytes.TrimSpace(lines.Bytes())
		if len(text) == 0 {
			continue
		}
		var one struct {
			RequestID string          `json:"request_id"`
			Y         json.RawMessage `json:"y"`
		}
		if err := json.Unmarshal(text, &one); err != nil || one.RequestID == "" || one.Y == nil || bytes.Equal(one.Y, []byte("null")) {
			return nil, fmt.Errorf(`line %d: want {"request_id":"…","y":…}, got %.100s`, n, text)
		}
		labels[one.RequestID] = bytes.Clone(one.Y)
	}
	return labels, lines.Err()
}

// join writes a line of the record that a label belongs to, with it, and takes the label out.
func join(text []byte, labels map[string]json.RawMessage, rows *bytes.Buffer, result *joined) error {
	var one struct {
		RequestID string          `json:"request_id"`
		Route     string          `json:"route"`
		Body      json.RawMessage `json:"body"`
		Y         json.RawMessage `json:"y"`
	}
	if err := json.Unmarshal(text, &one); err != nil {
		return err
	}
	y, ok := labels[one.RequestID]
	if !ok || one.Body == nil || bytes.Equal(one.Body, []byte("null")) {
		return nil
	}
	one.Y = y
	line, err := json.Marshal(one)
	if err != nil {
		return err
	}
	rows.Write(append(line, '\n'))
	delete(labels, one.RequestID)
	result.Joined++
	return nil
}

// eachLine reads a file's lines; an error says which. The last one may be cut: who writes it is still at it.
func eachLine(path string, do func(text []byte) error) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close() //nolint:errcheck // it was only read
	lines := bufio.NewReaderSize(f, 64<<10)
	for n := 1; ; n++ {
		text, err := lines.ReadBytes('\n')
		switch {
		case err == io.EOF:
			return nil
		case err != nil:
			return fmt.Errorf("%s: %w", path, err)
		case len(text) > mostLabelLine:
			return fmt.Errorf("%s: line %d is longer than %d bytes", path, n, mostLabelLine)
		}
		if text = bytes.TrimSpace(text); len(text) == 0 {
			continue
		}
		if err := do(text); err != nil {
			return fmt.Errorf("%s: line %d: %w", path, n, err)
		}
	}
}

func appendTo(path string, text []byte) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(text)
	return errors.Join(err, f.Close())
}

// mostLabelled is how many rows a canary sends to both sides between two scrapes.
const mostLabelled = 200

// labelled sends rows whose answers have become known to both sides and counts who was wrong. from is where in the file
// the rows begin that were not counted yet.
func (c *command) labelled(asker rollout.Asker, old, fresh rollout.Side) func(context.Context, int64) (canary.Labels, error) {
	return func(ctx context.Context, from int64) (canary.Labels, error) {
		l := canary.Labels{Next: from}
		f, err := os.Open(filepath.Join(c.stateDir(), labelsFile))
		if errors.Is(err, fs.ErrNotExist) {
			return l, nil
		}
		if err != nil {
			return l, err
		}
		defer f.Close() //nolint:errcheck // it was only read
		if _, err := f.Seek(from, io.SeekStart); err != nil {
			return l, err
		}
		var text bytes.Buffer
		lines := bufio.NewReader(f)
		for range mostLabelled {
			one, err := lines.ReadBytes('\n')
			if err != nil {
				break // the end, or a line that is still being written
			}
			text.Write(one)
		}
		l.Next += int64(text.Len())
		rows, err := compare.Read(&text, labelsFile)
		if err != nil || len(rows) == 0 {
			return l, err
		}
		r, err := compare.Run(ctx, asker, rows, compare.Options{Old: old, New: fresh})
		if err != nil {
			return canary.Labels{Next: from}, err
		}
		if r.Labels != nil {
			l.Rows, l.NewWrong, l.OldWrong = r.Labels.Rows, r.Labels.NewWrong, r.Labels.OldWrong
		}
		return l, nil
	}
}
