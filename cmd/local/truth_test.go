package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"ml-service/handler"
)

// Labels that are truth values are true and false in Python's JSON, and 1 and 0 in the file.
func TestGoldenTruth(t *testing.T) {
	file, err := os.ReadFile("../../models/v1.0.0/model.onnx")
	if err != nil {
		t.Fatal(err)
	}
	for label, want := range map[string]int{"true": handler.ExitDone, "false": handler.ExitError} {
		dir := t.TempDir()
		for name, text := range map[string]string{"model.onnx": string(file), "golden.json": `{"rows":[{"x":[0.4,-0.2,0.1]}],"answers":[{"prediction":` + label + `}]}`} {
			if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		var stdout, stderr bytes.Buffer
		code := run(t.Context(), []string{"check", dir}, env(), strings.NewReader(""), &stdout, &stderr)
		if code != want || code != handler.ExitDone && !strings.Contains(stdout.String()+stderr.String(), "prediction: want false, got") {
			t.Errorf("%s: exit code %d, want %d\n%s%s", label, code, want, stdout.String(), stderr.String())
		}
	}
}
