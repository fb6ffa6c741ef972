package model

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path"
)

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
	var members map[string]json.RawMessage
	if err := json.Unmarshal(data, &members); err != nil {
		return nil, fmt.Errorf("metadata.json: want a JSON object: %w", err)
	}
	metadata := make(map[string]string, len(members))
	for key, value := range members {
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
