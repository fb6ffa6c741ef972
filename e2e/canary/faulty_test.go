package canary_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"ml-service/e2e"
)

const (
	goodImage   = "ml-service-e2e-canary:good"
	faultyImage = "ml-service-e2e-canary:" // and the fault
)

// images builds the service as it is, and once around its real handler with a fault that FAULT picks: the route of
// POST /predict goes through testdata/faulty.go.txt, by an overlay of the compiler, so that no fault is in the product.
func images(t *testing.T, faults ...string) {
	t.Helper()
	dir := t.TempDir()
	binary := func(name string, flags ...string) string {
		t.Helper()
		path := filepath.Join(dir, name)
		args := append([]string{"build", "-tags", e2e.Tags, "-trimpath", "-o", path}, flags...)
		e2e.Command{Dir: e2e.Root(t), Env: []string{"CGO_ENABLED=0", "GOOS=linux"}, Limit: 5 * time.Minute}.Output(t, "go", append(args, "./cmd/local")...)
		return name
	}
	image := func(name, binary, fault string) {
		t.Helper()
		file := "FROM scratch\nCOPY " + binary + " /ml-service\nUSER 65532:65532\nENV FAULT=" + fault + "\nENTRYPOINT [\"/ml-service\"]\n"
		write(t, filepath.Join(dir, "Dockerfile"), file)
		e2e.Command{Dir: dir, Limit: 2 * time.Minute}.Output(t, "docker", "build", "--quiet", "--tag", name, ".")
	}
	image(goodImage, binary("good"), `""`)
	faulty := binary("faulty", "-overlay", overlay(t, dir))
	for _, fault := range faults {
		image(faultyImage+fault, faulty, fault)
	}
}

// overlay replaces the route of POST /predict, wherever the router is, and adds the handler with faults.
func overlay(t *testing.T, dir string) string {
	t.Helper()
	handler := filepath.Join(e2e.Root(t), "handler")
	files, err := filepath.Glob(filepath.Join(handler, "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	const route = `"/predict", predict)`
	replace := map[string]string{filepath.Join(handler, "faulty.go"): filepath.Join(dir, "faulty.go")}
	for _, file := range files {
		if text := read(t, file); !strings.HasSuffix(file, "_test.go") && strings.Contains(text, route) {
			replace[file] = filepath.Join(dir, filepath.Base(file))
			write(t, replace[file], strings.Replace(text, route, `"/predict", s.faulty)`, 1))
		}
	}
	if len(replace) != 2 {
		t.Fatalf("%d files of %s have the route %s, want one", len(replace)-1, handler, route)
	}
	write(t, filepath.Join(dir, "faulty.go"), read(t, filepath.Join("testdata", "faulty.go.txt")))
	list, err := json.Marshal(map[string]map[string]string{"Replace": replace})
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "overlay.json")
	write(t, path, string(list))
	return path
}

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}
