package model

import (
	"os"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"google.golang.org/protobuf/encoding/protowire"
)

// withMetadata appends an entry of metadata_props to an ONNX file.
func withMetadata(file []byte, key, value string) []byte {
	entry := protowire.AppendString(protowire.AppendTag(nil, 1, protowire.BytesType), key)
	entry = protowire.AppendString(protowire.AppendTag(entry, 2, protowire.BytesType), value)
	return protowire.AppendBytes(protowire.AppendTag(slices.Clone(file), 14, protowire.BytesType), entry)
}

// A file that leaves the width of its input open takes rows of any width that suffices; feature_names say which it is.
func TestFeatureNamesFixTheWidth(t *testing.T) {
	file, err := os.ReadFile("../onnx/testdata/found/undeclared-width/model.onnx")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name  string
		data  []byte
		width int
	}{
		{"open", file, -1},
		{"named", withMetadata(file, "feature_names", `["a","b","c","d","e","f"]`), 6},
	} {
		t.Run(c.name, func(t *testing.T) {
			m, err := Load(fstest.MapFS{"v1/model.onnx": {Data: c.data}}, "v1")
			if err != nil {
				t.Fatal(err)
			}
			in := m.Inputs()[0]
			if in.Width != c.width || len(in.Features) != max(c.width, 0) {
				t.Errorf("got width %d and features %v, want width %d", in.Width, in.Features, c.width)
			}
		})
	}
	_, err = Load(fstest.MapFS{"v1/model.onnx": {Data: withMetadata(file, "feature_names", `{}`)}}, "v1")
	if err == nil || !strings.Contains(err.Error(), "feature_names") {
		t.Errorf("got %v, want an error that names feature_names", err)
	}
}

// class_names are read where the width is open too.
func TestClassNamesOfAnOpenWidth(t *testing.T) {
	file, err := os.ReadFile("../onnx/testdata/found/undeclared-width/model.onnx")
	if err != nil {
		t.Fatal(err)
	}
	_, err = Load(fstest.MapFS{"v1/model.onnx": {Data: withMetadata(file, "class_names", `["only"]`)}}, "v1")
	if err == nil || !strings.Contains(err.Error(), "want one for each of the 2 classes, got 1") {
		t.Errorf("got %v, want the number of classes", err)
	}
}
