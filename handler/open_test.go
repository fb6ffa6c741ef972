package handler_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"ml-service/handler"
)

// folder makes a MODEL_DIR of the demo version v1.0.0 under the names given.
func folder(t *testing.T, versions ...string) string {
	t.Helper()
	data, err := os.ReadFile("../models/v1.0.0/model.onnx")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for _, version := range versions {
		if err := os.Mkdir(filepath.Join(dir, version), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, version, "model.onnx"), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestOpen(t *testing.T) {
	embedded := os.DirFS("../models")
	own, several := folder(t, "mine"), folder(t, "mine", "v1.0.0")
	for _, c := range []struct {
		name    string
		cfg     handler.Config
		want    string // the version
		example string
	}{
		{"nothing configured", handler.Config{}, "v1.0.0", `{"x":[0.4,-0.2,0.1]}`},
		{"an embedded version", handler.Config{ModelVersion: "v1.1.0"}, "v1.1.0", `{"x":[0.4,-0.2,0.1]}`},
		{"the only version of a folder", handler.Config{ModelDir: own}, "mine", ""},
		{"a version of a folder", handler.Config{ModelDir: several, ModelVersion: "mine"}, "mine", ""},
		{"the stamped version of a folder of several", handler.Config{ModelDir: several}, "v1.0.0", ""},
	} {
		got, err := handler.Open(c.cfg, embedded)
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		if got.Model.Version() != c.want || strings.ReplaceAll(string(got.Example), " ", "") != c.example {
			t.Errorf("%s: got %s, example %s, want %s, %s", c.name, got.Model.Version(), got.Example, c.want, c.example)
		}
	}
}

// TestOpenUnreadable is not run as root, who reads everything; model's tests hold the same on a file system that refuses.
func TestOpenUnreadable(t *testing.T) {
	dir := folder(t, "v1.0.0")
	if err := os.Chmod(filepath.Join(dir, "v1.0.0"), 0); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.Chmod(filepath.Join(dir, "v1.0.0"), 0o700) })
	_, err := handler.Open(handler.Config{ModelDir: dir}, os.DirFS("../models"))
	if os.Geteuid() == 0 {
		if err != nil {
			t.Errorf("as root: got %v, want the version", err)
		}
		return
	}
	if !errors.Is(err, fs.ErrPermission) || handler.ExitCode(err) != handler.ExitUsage || !strings.Contains(err.Error(), dir) || !strings.Contains(err.Error(), "chmod -R a+rX") {
		t.Errorf("got %v, exit code %d, want permission denied with the folder and chmod, %d", err, handler.ExitCode(err), handler.ExitUsage)
	}
}
