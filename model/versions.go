package model

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
)

// ErrVersion is a version that no place has.
var ErrVersion = errors.New("unknown model version")

// Versions lists the folders of fsys that hold a model file, sorted.
func Versions(fsys fs.FS) ([]string, error) {
	entries, err := fs.ReadDir(fsys, ".")
	if err != nil {
		return nil, err
	}
	var versions []string
	for _, e := range entries {
		if holdsModel(fsys, e.Name()) {
			versions = append(versions, e.Name())
		}
	}
	return versions, nil
}

// Find gives the first of the places that has the version. Where none has, the error is an ErrVersion that names the
// versions there are.
func Find(version string, places ...fs.FS) (fs.FS, error) {
	var all []string
	for _, fsys := range places {
		versions, err := Versions(fsys)
		if err != nil {
			return nil, fmt.Errorf("list models: %w", err)
		}
		if slices.Contains(versions, version) {
			return fsys, nil
		}
		all = append(all, versions...)
	}
	slices.Sort(all)
	all = slices.Compact(all)
	if len(all) == 0 {
		return nil, fmt.Errorf("%w %q: there is none", ErrVersion, version)
	}
	return nil, fmt.Errorf("%w %q: there are %s", ErrVersion, version, strings.Join(all, ", "))
}
