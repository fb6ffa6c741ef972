package nginx

import (
	"fmt"
	"io"
	"os"

	"ml-service/rollout"
)

// What lies in the Saved folder while nginx.conf is changed, and afterwards.
const (
	beforeName = "nginx.conf.before"
	afterName  = "nginx.conf.after"
)

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
