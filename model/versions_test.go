package model

import (
	"errors"
	"io/fs"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
)

func TestVersions(t *testing.T) {
	own := fstest.MapFS{"v2/model.onnx": demoFile(t, "v1.1.0/model.onnx"), "v3/other.txt": {}, "README": {}, "..data/model.onnx": {}}
	if got, err := Versions(own); err != nil || !slices.Equal(got, []string{"v2"}) {
		t.Errorf("got %q, %v, want v2", got, err)
	}
}

// TestNoSuchVersion says what was looked for and what is there.
func TestNoSuchVersion(t *testing.T) {
	files := strings.Join(Files(), " or ")
	for _, c := range []struct {
		fsys          fstest.MapFS
		version, want string
	}{
		{fstest.MapFS{"v2/model.onnx": {}, "v1/model.onnx": {}}, "v9", `unknown model version "v9": there are v1, v2`},
		{fstest.MapFS{}, "v1", `unknown model version "v1": there is none: want a folder named as the version with model.onnx or model.ubj or model.json or model.txt or model.cbm in it, in this one, which is empty`},
		{fstest.MapFS{"classifier.onnx": {}, "notes/a.txt": {}}, "v1", `unknown model version "v1": there is none: want a folder named as the version with model.onnx or model.ubj or model.json or model.txt or model.cbm in it, in this one, which holds classifier.onnx, notes`},
		{fstest.MapFS{"v1/clf.pkl": {}, "v1/notes.txt": {}}, "v1", `unknown model version "v1": want ` + files + ` in its folder, which holds clf.pkl, notes.txt`},
	} {
		_, err := Load(c.fsys, c.version)
		if !errors.Is(err, ErrVersion) || err.Error() != c.want {
			t.Errorf("got %v, want %s", err, c.want)
		}
	}
}

// TestUnreadableVersion is listed and says why it cannot be loaded, rather than being passed over.
func TestUnreadableVersion(t *testing.T) {
	fsys := refusing{fstest.MapFS{"v1/model.onnx": {}}}
	if got, err := Versions(fsys); err != nil || !slices.Equal(got, []string{"v1"}) {
		t.Errorf("got %q, %v, want v1", got, err)
	}
	if _, err := Load(fsys, "v1"); !errors.Is(err, fs.ErrPermission) {
		t.Errorf("got %v, want permission denied", err)
	}
}

// refusing is a file system whose folders can be listed and whose files can be neither opened nor asked about.
type refusing struct{ fstest.MapFS }

func (r refusing) Open(name string) (fs.File, error) {
	if name == "." {
		return r.MapFS.Open(name)
	}
	return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrPermission}
}

func (r refusing) Stat(name string) (fs.FileInfo, error) {
	return nil, &fs.PathError{Op: "stat", Path: name, Err: fs.ErrPermission}
}

func (r refusing) ReadFile(name string) ([]byte, error) {
	return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrPermission}
}
