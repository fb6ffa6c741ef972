package api

import (
	"context"
	"os"
	"path/filepath"
	"strings"

	"ml-service/rollout"
)

// recorded copies what a side has recorded to a folder of this machine; "" where it records nothing, or nothing that can be read,
// which stops no deployment.
func (w *worker) recorded(ctx context.Context, s *rollout.Session, side rollout.Side) (folder string, done func()) {
	inspector, ok := s.Target.(rollout.Inspector)
	if !ok {
		return "", nil
	}
	sides, err := inspector.Sides(ctx)
	if err != nil {
		return "", nil
	}
	for _, one := range sides {
		if one.Side != side {
			continue
		}
		env, _, err := w.images.docker.Run(ctx, nil, "container", "inspect", "--format", "{{range .Config.Env}}{{println .}}{{end}}", one.Instance)
		if err != nil {
			return "", nil
		}
		for line := range strings.Lines(env) {
			folder, found := strings.CutPrefix(strings.TrimSpace(line), "RECORD_DIR=")
			if !found || folder == "" {
				continue
			}
			dir, err := os.MkdirTemp("", "rollout-record-")
			if err != nil {
				return "", nil
			}
			done := func() { _ = os.RemoveAll(dir) } // a temporary folder
			copied := filepath.Join(dir, "record")
			if _, _, err := w.images.docker.Run(ctx, nil, "cp", one.Instance+":"+folder, copied); err != nil {
				done()
				return "", nil
			}
			return copied, done
		}
	}
	return "", nil
}
