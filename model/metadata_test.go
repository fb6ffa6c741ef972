package model

import (
	"os"
	"strings"
	"testing"
	"testing/fstest"
)

// TestMetadataBeside refuses what a person may have meant otherwise, by the name of its key.
func TestMetadataBeside(t *testing.T) {
	data, err := os.ReadFile("../models/v1.0.0/model.onnx")
	if err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string]string{
		`{"title":"T","feature_names":["a","b","c"],"training_ranges":{"a":[0,1]}}`: "",
		`{}`:            "",
		`{"titel":"T"}`: `metadata.json: no such key "titel", want title, `,
		`{"title":"T","class_names":["a","b"],"title":"U"}`: `metadata.json: the key "title" is there twice`,
		`["title"]`:               "metadata.json: want a JSON object",
		`{"title":"T"} {}`:        "metadata.json: want a JSON object: invalid character",
		`{"title":`:               "metadata.json: want a JSON object: unexpected end of JSON input",
		``:                        "metadata.json: want a JSON object",
		`{"feature_names":["a"]}`: "metadata feature_names: want one for each of the 3 values of a row, got 1",
	} {
		_, err := Load(fstest.MapFS{"v1/model.onnx": {Data: data}, "v1/metadata.json": {Data: []byte(text)}}, "v1")
		switch {
		case want == "" && err != nil:
			t.Errorf("%s: %v", text, err)
		case want != "" && (err == nil || !strings.Contains(err.Error(), want)):
			t.Errorf("%s: got %v, want %s", text, err, want)
		}
	}
}
