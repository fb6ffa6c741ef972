package model

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
)

// ErrVersion is a version that a folder of models does not have.
var ErrVersion = errors.New("unknown model version")

// Versions lists the folders of fsys that hold a model file, sorted, and those that cannot be looked into: loading one says
// why not. Names that begin with a dot are passed over, as a mounted ConfigMap has them.
func Versions(fsys fs.FS) ([]string, error) {
	entries, err := fs.ReadDir(fsys, ".")
	if err != nil {
		return nil, err
	}
	var versions []string
	for _, e := range entries {
		if !strings.HasPrefix(e.Name(), ".") && holdsModel(fsys, e.Name()) {
			versions = append(versions, e.Name())
		}
	}
	return versions, nil
}

// missing says why fsys has no model file of a version: an ErrVersion with what is there.
func missing(fsys fs.FS, version string) error {
	versions, err := Versions(fsys)
	if err != nil {
		return fmt.Errorf("list models: %w", err)
	}
	files := strings.Join(Files(), " or ")
	holds, err := content(fsys, version)
	switch {
	case errors.Is(err, fs.ErrNotExist) && len(versions) > 0:
		return fmt.Errorf("%w %q: there are %s", ErrVersion, version, listed(versions))
	case errors.Is(err, fs.ErrNotExist):
		if holds, err = content(fsys, "."); err != nil {
			return fmt.Errorf("list models: %w", err)
		}
		return fmt.Errorf("%w %q: there is none: want a folder named as the version with %s in it, in this one, which %s", ErrVersion, version, files, holds)
	case err != nil:
		return err
	}
	return fmt.Errorf("%w %q: want %s in its folder, which %s", ErrVersion, version, files, holds)
}

// content says what a folder has.
func content(fsys fs.FS, folder string) (string, error) {
	entries, err := fs.ReadDir(fsys, folder)
	if err != nil {
		return "", err
	}
	if len(entries) == 0 {
		return "is empty", nil
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return "holds " + listed(names), nil
}

// listed joins the first names of a list.
func listed(names []string) string {
	const most = 20
	if more := len(names) - most; more > 0 {
		names = append(slices.Clone(names[:most]), fmt.Sprintf("%d more", more))
	}
	return strings.Join(names, ", ")
}

// Files are the names that a model file may have.
func Files() []string {
	names := make([]string, len(formats))
	for i, f := range formats {
		names[i] = f.file
	}
	return names
}

// holdsModel says whether a version's folder has a model file, or cannot be looked into.
func holdsModel(fsys fs.FS, version string) bool {
	for _, f := range formats {
		info, err := fs.Stat(fsys, path.Join(version, f.file))
		if err == nil && !info.IsDir() || errors.Is(err, fs.ErrPermission) {
			return true
		}
	}
	return false
}
