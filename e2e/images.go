package e2e

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// ServiceBinary builds the service for a container. More arguments go to `go build` as they are.
func ServiceBinary(t testing.TB, path string, flags ...string) {
	t.Helper()
	args := append([]string{"build", "-tags", Tags, "-trimpath", "-o", path}, flags...)
	Command{Dir: Root(t), Env: []string{"CGO_ENABLED=0", "GOOS=linux"}, Limit: 5 * time.Minute}.Output(t, "go", append(args, "./cmd/local")...)
}

// FaultyBinary builds the service around its real handler with a fault that the environment's FAULT picks: the route of POST
// /predict goes through testdata/faulty.go.txt, by an overlay of the compiler, so that no fault is in the product.
func FaultyBinary(t testing.TB, path string) {
	t.Helper()
	root, dir := Root(t), t.TempDir()
	fault, err := os.ReadFile(filepath.Join(root, "e2e", "testdata", "faulty.go.txt"))
	if err != nil {
		t.Fatal(err)
	}
	replace := map[string]string{}
	overlay := func(file string, text string) {
		t.Helper()
		replace[file] = filepath.Join(dir, filepath.Base(file))
		if err := os.WriteFile(replace[file], []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	handler := filepath.Join(root, "handler")
	overlay(filepath.Join(handler, "faulty.go"), string(fault))
	files, err := filepath.Glob(filepath.Join(handler, "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	const route = `"/predict", predict)`
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.HasSuffix(file, "_test.go") && strings.Contains(string(text), route) {
			overlay(file, strings.Replace(string(text), route, `"/predict", s.faulty)`, 1))
		}
	}
	if len(replace) != 2 {
		t.Fatalf("%d files of %s have the route %s, want one", len(replace)-1, handler, route)
	}
	list, err := json.Marshal(map[string]map[string]string{"Replace": replace})
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "overlay.json")
	if err := os.WriteFile(file, list, 0o600); err != nil {
		t.Fatal(err)
	}
	ServiceBinary(t, path, "-overlay", file)
}

// ImageFile is a Dockerfile of an image that holds a binary beside it and nothing else. env are NAME=value.
func ImageFile(binary string, env ...string) string {
	file := "FROM scratch\nCOPY " + binary + " /ml-service\nUSER 65532:65532\n"
	for _, e := range env {
		file += "ENV " + e + "\n"
	}
	return file + "ENTRYPOINT [\"/ml-service\"]\n"
}

// BuildImage gives the image of a Dockerfile, with dir as its context, a tag.
func BuildImage(t testing.TB, tag, dir, file string) {
	t.Helper()
	Command{Dir: dir, Stdin: file, Limit: 2 * time.Minute}.Output(t, "docker", "build", "--quiet", "--tag", tag, "--file", "-", ".")
}
