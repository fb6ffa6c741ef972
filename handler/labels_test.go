package handler

import (
	"fmt"
	"slices"
	"testing"

	"ml-service/model"
)

// The class labels that /openapi.json lists are those that the fixtures are recorded to answer.
func TestDocumentedClassesAreThoseAnswered(t *testing.T) {
	classifiers, rows := 0, 0
	var unlisted []string
	for _, f := range tierOne(t) {
		m := f.load(t)
		if m.Kind() != model.Classifier {
			continue
		}
		documented, ok := labelSchema(m)["enum"].(list)
		if !ok {
			unlisted = append(unlisted, f.Name)
			continue
		}
		classifiers++
		label := m.Outputs()[m.LabelOutput()].Name
		for _, c := range f.Cases {
			for _, v := range c.Outputs[label].Data {
				rows++
				if !slices.ContainsFunc(documented, func(d any) bool { return fmt.Sprint(d) == fmt.Sprint(v) }) {
					t.Errorf("%s, %s: answers %v, documented are %v", f.Name, c.Name, v, documented)
				}
			}
		}
	}
	t.Logf("%d labels of %d classifiers; the document lists no labels for %v", rows, classifiers, unlisted)
	if rows == 0 {
		t.Error("no label was compared")
	}
}
