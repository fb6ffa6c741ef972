package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"ml-service/handler"
	"ml-service/model"
)

// place is a version on disk.
type place struct {
	fsys    fs.FS
	version string
}

// places finds the versions that a path means: a folder of versions, the folder of one, or a model file.
func places(path string) ([]place, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	info, err := os.Stat(path)
	if err != nil {
		return nil, handler.Usage(err)
	}
	if !info.IsDir() {
		p, err := placeOfFile(path)
		return []place{p}, err
	}
	parent := os.DirFS(filepath.Dir(path))
	versions, err := model.Versions(parent)
	if err != nil && !errors.Is(err, fs.ErrPermission) {
		return nil, err
	}
	if slices.Contains(versions, filepath.Base(path)) {
		return []place{{parent, filepath.Base(path)}}, nil
	}
	fsys := os.DirFS(path)
	if versions, err = model.Versions(fsys); err != nil {
		return nil, err
	}
	if len(versions) == 0 {
		return nil, handler.Usage(fmt.Errorf("%s: want a model file, its folder, or a folder of such folders; model files are called %s", path, strings.Join(model.Files(), ", ")))
	}
	var all []place
	for _, v := range versions {
		all = append(all, place{fsys, v})
	}
	return all, nil
}

// placeOfFile is a model file of any name, with what lies beside it.
func placeOfFile(path string) (place, error) {
	name := filepath.Base(path)
	for _, file := range model.Files() {
		if filepath.Ext(name) == filepath.Ext(file) {
			version := strings.TrimSuffix(name, filepath.Ext(name))
			return place{alone{os.DirFS(filepath.Dir(path)), version, name, file}, version}, nil
		}
	}
	return place{}, handler.Usage(fmt.Errorf("%s: want a file that ends as one of %s", path, strings.Join(model.Files(), ", ")))
}

// alone shows a file as the only model of a version's folder.
type alone struct {
	folder              fs.FS
	version, name, file string // in that folder the file is called name
}

func (a alone) Open(path string) (fs.File, error) {
	inside, ok := strings.CutPrefix(path, a.version+"/")
	switch {
	case !ok:
		return nil, &fs.PathError{Op: "open", Path: path, Err: fs.ErrNotExist}
	case inside == a.file:
		return a.folder.Open(a.name)
	case slices.Contains(model.Files(), inside):
		return nil, &fs.PathError{Op: "open", Path: path, Err: fs.ErrNotExist}
	}
	return a.folder.Open(inside)
}
