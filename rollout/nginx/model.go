package nginx

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"ml-service/rollout"
)

// placeModel puts a folder into MODEL_DIR under its version, whole or not at all, readable by the container's user.
// A version that is there already must be the same, file by file; then the answer is "".
func (t *Target) placeModel(env string, what rollout.Artifact) (placed string, err error) {
	models := envValue(env, "MODEL_DIR")
	if !filepath.IsAbs(models) {
		models = filepath.Join(t.Dir, models)
	}
	files, err := modelFiles(what.Model)
	if err != nil {
		return "", err
	}
	to := filepath.Join(models, what.Version)
	if _, err := os.Stat(to); err == nil {
		there, err := modelFiles(to)
		if err != nil {
			return "", err
		}
		if !sameFiles(files, there) {
			return "", &rollout.Fault{Outcome: rollout.ErrUsage, Err: fmt.Errorf("%s is there already with other files: a version is never another model; choose another --version", to)}
		}
		return "", nil
	}
	if err := os.MkdirAll(models, 0o755); err != nil {
		return "", err
	}
	half, err := os.MkdirTemp(models, ".rollout-")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(half) //nolint:errcheck // gone where the rename succeeded
	for name, data := range files {
		path := filepath.Join(half, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return "", err
		}
		if err := rollout.SaveFile(path, data); err != nil {
			return "", err
		}
		if err := os.Chmod(path, 0o644); err != nil {
			return "", err
		}
	}
	if err := errors.Join(os.Chmod(half, 0o755), os.Rename(half, to), rollout.SyncFolder(models)); err != nil {
		return "", err
	}
	return to, nil
}

// modelFiles reads a folder of a model. What begins with a dot is not part of it.
func modelFiles(dir string) (map[string][]byte, error) {
	files := map[string][]byte{}
	root := os.DirFS(dir)
	err := fs.WalkDir(root, ".", func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case path != "." && d.Name()[0] == '.':
			if d.IsDir() {
				return fs.SkipDir
			}
			return nil
		case d.IsDir():
			return nil
		}
		files[path], err = fs.ReadFile(root, path)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("model %s: %w", dir, err)
	}
	if len(files) == 0 {
		return nil, &rollout.Fault{Outcome: rollout.ErrUsage, Err: fmt.Errorf("model %s: no file in it; want a folder with a model file, as model.onnx", dir)}
	}
	return files, nil
}

func sameFiles(a, b map[string][]byte) bool {
	if len(a) != len(b) {
		return false
	}
	for name, data := range a {
		other, ok := b[name]
		if !ok || !bytes.Equal(data, other) {
			return false
		}
	}
	return true
}

// Models is the folder of models of this machine that the colours see as /models.
func (t *Target) Models() (string, error) {
	env, err := readEnv(t.envPath())
	if err != nil {
		return "", err
	}
	models := envValue(env, "MODEL_DIR")
	if !filepath.IsAbs(models) {
		models = filepath.Join(t.Dir, models)
	}
	return models, nil
}
