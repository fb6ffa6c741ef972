package onnx_test

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"ml-service/onnx"
)

// TestDocumentedOperators compares the table of docs/supported.md with what is supported.
func TestDocumentedOperators(t *testing.T) {
	text, err := os.ReadFile("../docs/supported.md")
	if err != nil {
		t.Fatal(err)
	}
	_, table, _ := strings.Cut(string(text), "## Operators")
	table, _, _ = strings.Cut(table, "Element types")
	var got, want []string
	for _, m := range regexp.MustCompile("`([A-Z][A-Za-z]+)`").FindAllStringSubmatch(table, -1) {
		got = append(got, m[1])
	}
	for _, op := range onnx.Operators() {
		want = append(want, op[strings.LastIndex(op, ".")+1:])
	}
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("docs/supported.md lists\n%v\nwant\n%v", got, want)
	}
}
