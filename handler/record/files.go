package record

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"
)

// Files are a folder of rotating files of lines: <name>-<time>.jsonl.
type Files struct {
	dir, name string
	most      int64 // bytes of a file
	keep      int
	now       func() time.Time

	file    *os.File
	last    time.Time // in the newest file's name; names only ever rise, whatever the clock does
	written int64
}

// What a process keeps: so many files of so many bytes.
const (
	fileBytes = 16 << 20
	filesKept = 8
)

// NewFiles opens a folder, which is made if it is missing, and checks that it can be written to. name tells the files of
// several processes apart.
func NewFiles(dir, name string) (*Files, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	f := &Files{dir: dir, name: name, most: fileBytes, keep: filesKept, now: time.Now}
	return f, f.rotate()
}

// Write writes a line, into a new file where it does not fit any more.
func (f *Files) Write(line []byte) (int, error) {
	if f.written > 0 && f.written+int64(len(line)) > f.most {
		if err := f.rotate(); err != nil {
			return 0, err
		}
	}
	n, err := f.file.Write(line)
	f.written += int64(n)
	return n, err
}

// Close closes the file.
func (f *Files) Close() error { return f.file.Close() }

// rotate begins a file and removes the oldest ones.
func (f *Files) rotate() error {
	if f.file != nil {
		if err := f.file.Close(); err != nil {
			return err
		}
	}
	var err error
	if now := f.now().UTC(); now.After(f.last) {
		f.last = now
	} else {
		f.last = f.last.Add(1)
	}
	for try := 0; ; try++ {
		path := filepath.Join(f.dir, fmt.Sprintf("%s-%s.jsonl", f.name, f.last.Format("20060102T150405.000000000")))
		f.file, err = os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
		if err == nil || try == 100 || !errors.Is(err, os.ErrExist) {
			break
		}
		f.last = f.last.Add(1)
	}
	if err != nil {
		return fmt.Errorf("record: %w", err)
	}
	f.written = 0
	old, err := filepath.Glob(filepath.Join(f.dir, f.name+"-*.jsonl"))
	if err != nil {
		return err
	}
	slices.Sort(old) // the time is in the name
	for ; len(old) > f.keep; old = old[1:] {
		if err := os.Remove(old[0]); err != nil && !errors.Is(err, os.ErrNotExist) {
			return fmt.Errorf("record: %w", err)
		}
	}
	return nil
}
