package nginx

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"ml-service/rollout"
)

// What lies in the Saved folder while nginx.conf is changed, and afterwards.
const (
	beforeName = "nginx.conf.before"
	afterName  = "nginx.conf.after"
)

// save writes a file whole or not at all, and returns when the disk has it.
func save(path string, text string) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+"-*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name()) //nolint:errcheck // gone where the rename succeeded
	_, err = f.WriteString(text)
	err = errors.Join(err, f.Sync(), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return fmt.Errorf("save %s: %w", path, err)
	}
	return syncFolder(filepath.Dir(path))
}

func syncFolder(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// writeInPlace changes a file from one text to another in the inode it has: one positioned write of the bytes that
// differ, a truncate where it became shorter, fsync. Where the file is not `from` nothing is written.
func writeInPlace(path, from, to string) error {
	f, err := os.OpenFile(path, os.O_RDWR, 0) // not O_CREATE: a file that has gone is not made again
	if err != nil {
		return err
	}
	defer f.Close() //nolint:errcheck // fsync has said what there is to say
	now, err := io.ReadAll(f)
	if err != nil {
		return err
	}
	if string(now) != from {
		return &rollout.Fault{Outcome: rollout.ErrDrifted, Err: fmt.Errorf("%s was changed by somebody else a moment ago; look at it and try again", path)}
	}
	start, end := 0, len(to)
	for start < len(from) && start < len(to) && from[start] == to[start] {
		start++
	}
	if len(from) == len(to) {
		for end > start && from[end-1] == to[end-1] {
			end--
		}
	}
	if end > start {
		if _, err := f.WriteAt([]byte(to[start:end]), int64(start)); err != nil {
			return err
		}
	}
	if len(to) < len(from) {
		if err := f.Truncate(int64(len(to))); err != nil {
			return err
		}
	}
	return f.Sync()
}
