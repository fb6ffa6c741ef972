package canary_test

import (
	"os"
	"path/filepath"
	"testing"

	"ml-service/e2e"
)

const (
	goodImage   = "ml-service-e2e-canary:good"
	faultyImage = "ml-service-e2e-canary:" // and the fault
)

// images builds the service as it is, and once for each fault.
func images(t *testing.T, faults ...string) {
	t.Helper()
	dir := t.TempDir()
	e2e.ServiceBinary(t, filepath.Join(dir, "good"))
	e2e.BuildImage(t, goodImage, dir, e2e.ImageFile("good"))
	e2e.FaultyBinary(t, filepath.Join(dir, "faulty"))
	for _, fault := range faults {
		e2e.BuildImage(t, faultyImage+fault, dir, e2e.ImageFile("faulty", "FAULT="+fault))
	}
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
