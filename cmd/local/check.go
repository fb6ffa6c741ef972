package main

import (
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"path"
	"strings"

	"ml-service/handler"
	"ml-service/model"
	"ml-service/onnx"
)

// check says of each version that a path means what it is and whether it can be served. The error is that of those that cannot.
func check(args []string, stdout io.Writer) error {
	if len(args) != 1 || strings.HasPrefix(args[0], "-") {
		return handler.Usage(fmt.Errorf("check: want one folder or model file, as ml-service check models/v1.0.0"))
	}
	all, err := places(args[0])
	if err != nil {
		return err
	}
	failed := 0
	for i, p := range all {
		if i > 0 {
			fmt.Fprintln(stdout)
		}
		if err := checkOne(p, stdout); err != nil {
			failed++
			fmt.Fprintf(stdout, "%s\n  cannot be served: %v\n", p.version, err)
		}
	}
	if failed > 0 {
		return fmt.Errorf("%d of %d cannot be served", failed, len(all))
	}
	return nil
}

func checkOne(p place, stdout io.Writer) error {
	o, err := handler.OpenVersion(p.fsys, p.version)
	if err != nil {
		return err
	}
	m := o.Model
	golden := "none"
	if o.Example != nil {
		if golden, err = goldenRows(p); err != nil {
			return err
		}
	}
	line := func(name, format string, values ...any) {
		fmt.Fprintf(stdout, "  %-9s %s\n", name, fmt.Sprintf(format, values...))
	}
	fmt.Fprintln(stdout, p.version)
	line("file", "%s (%s), sha256 %s", m.File(), m.Platform(), m.SHA256())
	if m.Title() != "" {
		line("title", "%s", m.Title())
	}
	line("kind", "%s", m.Kind())
	for _, in := range m.Inputs() {
		line("input", "%s", inputText(in))
	}
	for _, v := range m.Outputs() {
		line("output", "%s %s %s", v.Name, v.DType, shapeOf(v))
	}
	if classes := m.Classes(); classes != nil {
		line("classes", "%s", strings.Join(first(classes, 20), ", "))
	}
	line("golden", "%s", golden)
	line("result", "can be served")
	return nil
}

func goldenRows(p place) (string, error) {
	data, err := fs.ReadFile(p.fsys, path.Join(p.version, "golden.json"))
	if err != nil {
		return "", err
	}
	var g struct {
		Runtime string
		Rows    []json.RawMessage
	}
	if err := json.Unmarshal(data, &g); err != nil {
		return "", err
	}
	text := fmt.Sprintf("%d rows answered as recorded", len(g.Rows))
	if g.Runtime != "" {
		text += " from " + g.Runtime
	}
	return text, nil
}

func inputText(in model.Input) string {
	text := fmt.Sprintf("%s %s %s", in.Name, in.DType, shapeText(in.Shape))
	if in.Missing {
		text += ", may be missing"
	}
	if in.Features != nil {
		text += ": " + strings.Join(first(in.Features, 20), ", ")
	}
	if in.Categories != nil {
		text += fmt.Sprintf(": %q", first(in.Categories, 20))
	}
	return text
}

func shapeOf(v onnx.Value) string { return shapeText(v.Shape) }

// shapeText writes the rows as N and what is not known as ?.
func shapeText(shape []int) string {
	if shape == nil {
		return "[?]"
	}
	var dims []string
	for i, d := range shape {
		switch {
		case d >= 0:
			dims = append(dims, fmt.Sprint(d))
		case i == 0:
			dims = append(dims, "N")
		default:
			dims = append(dims, "?")
		}
	}
	return "[" + strings.Join(dims, ", ") + "]"
}

// first shortens a list.
func first(list []string, most int) []string {
	if len(list) <= most {
		return list
	}
	return append(append([]string(nil), list[:most]...), fmt.Sprintf("%d more", len(list)-most))
}
