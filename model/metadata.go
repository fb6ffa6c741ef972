package model

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"
)

// metadataKeys are those that metadata.json may have. What only people read is among them: it is shown at /docs.
var metadataKeys = []string{"title", "description", "version", "feature_names", "class_names", "class_labels", "missing_values", "training_ranges", "training_data", "held_out",
	"feature_means", "feature_scales"}

// metadataBeside reads <version>/metadata.json, which says of any model file what ONNX files say in themselves, and class_labels: an
// object of strings and lists. It is nil where there is none.
func metadataBeside(fsys fs.FS, version string) (map[string]string, error) {
	data, err := fs.ReadFile(fsys, path.Join(version, "metadata.json"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	if !json.Valid(data) {
		err := json.Unmarshal(data, new(any))
		return nil, fmt.Errorf("metadata.json: want a JSON object: %w", err)
	}
	d := json.NewDecoder(bytes.NewReader(data))
	if token, _ := d.Token(); token != json.Delim('{') {
		return nil, errors.New("metadata.json: want a JSON object")
	}
	metadata := make(map[string]string)
	for d.More() {
		token, err := d.Token()
		if err != nil {
			return nil, fmt.Errorf("metadata.json: %w", err)
		}
		key, _ := token.(string) // the key of an object is one
		if !slices.Contains(metadataKeys, key) {
			return nil, fmt.Errorf("metadata.json: no such key %q, want %s", key, strings.Join(metadataKeys, ", "))
		}
		if _, twice := metadata[key]; twice {
			return nil, fmt.Errorf("metadata.json: the key %q is there twice", key)
		}
		var value json.RawMessage
		if err := d.Decode(&value); err != nil {
			return nil, fmt.Errorf("metadata.json: %s: %w", key, err)
		}
		var text string
		if json.Unmarshal(value, &text) == nil {
			metadata[key] = text
			continue
		}
		var compact bytes.Buffer
		if err := json.Compact(&compact, value); err != nil {
			return nil, fmt.Errorf("metadata.json: %s: %w", key, err)
		}
		metadata[key] = compact.String()
	}
	return metadata, nil
}

// merged is what a file says of itself, and what is said beside it, which wins.
func merged(file, beside map[string]string) map[string]string {
	if len(beside) == 0 {
		return file
	}
	all := maps.Clone(file)
	if all == nil {
		all = make(map[string]string)
	}
	maps.Copy(all, beside)
	return all
}
