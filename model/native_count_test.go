package model

import (
	"archive/zip"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
)

// TestNativeFilesAreCounted loads every recorded model of the libraries: those that are refused are the five of this list, and the documents count the others.
func TestNativeFilesAreCounted(t *testing.T) {
	refused := map[string]string{
		"xgb176_deprecated_binary": "old binary format",
		"xgb214_deprecated_binary": "old binary format",
		"xgb305_deprecated_binary": "old binary format",
		"xgb_cats_unicode_broken":  "not all ASCII",
		"cat_text":                 "text features are not supported",
	}
	files, rows := 0, 0
	perRoom := map[string]int{}
	for _, room := range []string{"xgboost", "lightgbm", "catboost"} {
		z, err := zip.OpenReader("../" + room + "/testdata/models.zip")
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = z.Close() }()
		dirs, err := fs.ReadDir(z, "formats")
		if err != nil {
			t.Fatal(err)
		}
		for _, dir := range dirs {
			files++
			err := loadRecorded(t, z, path.Join("formats", dir.Name()))
			want, refuse := refused[dir.Name()]
			switch {
			case refuse:
				delete(refused, dir.Name())
				if err == nil || !strings.Contains(err.Error(), want) {
					t.Errorf("%s: got %v, want it refused: %s", dir.Name(), err, want)
				}
			case err != nil:
				t.Errorf("%s: %v", dir.Name(), err)
			default:
				perRoom[room]++
				rows += recordedRows(t, z, path.Join("formats", dir.Name(), "cases.json"))
			}
		}
	}
	for name := range refused {
		t.Errorf("%s is not there", name)
	}
	answered := perRoom["xgboost"] + perRoom["lightgbm"] + perRoom["catboost"]
	text, err := os.ReadFile("../docs/supported.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		fmt.Sprintf("%d of %d files", answered, files),
		fmt.Sprintf("%d,%03d rows", rows/1000, rows%1000),
		fmt.Sprintf("| %d and 25 older ones |", perRoom["xgboost"]),
		fmt.Sprintf("| %d and 16 older ones |", perRoom["lightgbm"]),
		fmt.Sprintf("| %d | symmetric", perRoom["catboost"]),
	} {
		if !strings.Contains(string(text), want) {
			t.Errorf("docs/supported.md does not say %q", want)
		}
	}
	t.Logf("%d of %d files, %d rows, %v", answered, files, rows, perRoom)
}

// loadRecorded loads each form of a recorded model.
func loadRecorded(t *testing.T, z fs.FS, dir string) error {
	t.Helper()
	entries, err := fs.ReadDir(z, dir)
	if err != nil {
		t.Fatal(err)
	}
	loaded := 0
	for _, e := range entries {
		name := e.Name()
		if name == "model.deprecated" {
			name = "model.ubj"
		}
		if !slices.ContainsFunc(formats, func(f format) bool { return f.file == name }) {
			continue
		}
		data, err := fs.ReadFile(z, path.Join(dir, e.Name()))
		if err != nil {
			t.Fatal(err)
		}
		loaded++
		if _, err := Load(fstest.MapFS{"v/" + name: {Data: data}}, "v"); err != nil {
			return err
		}
	}
	if loaded == 0 {
		t.Errorf("%s has no model file", dir)
	}
	return nil
}

// recordedRows counts the rows that the library answered.
func recordedRows(t *testing.T, z fs.FS, name string) (rows int) {
	t.Helper()
	data, err := fs.ReadFile(z, name)
	if err != nil {
		t.Fatal(err)
	}
	var record struct {
		Cases []struct {
			Kind string
			Rows []json.RawMessage
		}
	}
	if err := json.Unmarshal(data, &record); err != nil {
		t.Fatal(err)
	}
	for _, c := range record.Cases {
		if c.Kind != "refused" {
			rows += len(c.Rows)
		}
	}
	return rows
}
