package model

import (
	"os"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
)

const fixtures = "../onnx/testdata/models"

func load(t testing.TB, dir, version string) *Model {
	t.Helper()
	m, err := Load(os.DirFS(dir), version)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func TestDescribe(t *testing.T) {
	m := load(t, "../models", "v1.1.0")
	in := m.Inputs()
	if len(in) != 1 || in[0].Name != "x" || in[0].Width != 3 || in[0].Rank != 2 || in[0].Missing ||
		!slices.Equal(in[0].Features, []string{"radius error", "area error", "mean smoothness"}) {
		t.Errorf("got %+v", in)
	}
	if !slices.Equal(m.Classes(), []string{"0", "1"}) || !slices.Equal(m.ClassNames(), []string{"malignant", "benign"}) {
		t.Errorf("got classes %q named %q", m.Classes(), m.ClassNames())
	}
	if m.Title() == "" || len(m.SHA256()) != 64 || m.Version() != "v1.1.0" || m.Targets() != 0 || m.LabelOutput() != 0 || m.ScoresOutput() != 1 {
		t.Errorf("got title %q, sha256 %q, version %q, targets %d, label %d, scores %d",
			m.Title(), m.SHA256(), m.Version(), m.Targets(), m.LabelOutput(), m.ScoresOutput())
	}
	if !load(t, fixtures, "xgb_binary_nan").Inputs()[0].Missing {
		t.Error("xgb_binary_nan: want it to take missing values")
	}
}

func demoFile(t *testing.T, name string) *fstest.MapFile {
	t.Helper()
	data, err := os.ReadFile("../models/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return &fstest.MapFile{Data: data}
}

func TestLoadRefuses(t *testing.T) {
	if _, err := Load(fstest.MapFS{"v1/model.onnx": {Data: []byte("text")}}, "v1"); err == nil || !strings.HasPrefix(err.Error(), "model v1: ") {
		t.Errorf("no model: got %v", err)
	}
}

// TestLabelsAreText refuses a class label in Latin-1, which no answer could spell.
func TestLabelsAreText(t *testing.T) {
	data, err := os.ReadFile("../onnx/testdata/found/label-latin1/model.onnx")
	if err != nil {
		t.Fatal(err)
	}
	_, err = Load(fstest.MapFS{"v1/model.onnx": {Data: data}}, "v1")
	if err == nil || !strings.Contains(err.Error(), "is not UTF-8") || strings.Contains(err.Error(), "\n") {
		t.Errorf("got %v, want one line that says the label is not UTF-8", err)
	}
}
