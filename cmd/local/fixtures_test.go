package main_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

const (
	fixtures = "../../onnx/testdata/models"
	models   = 259
	cases    = 3035
	within   = time.Minute // for one model; a service that hangs is killed then
)

// TestPredictFixtures starts the built binary with every tier-1 model as MODEL_DIR, sends each recorded case to
// POST /predict, and compares the answer with the record, in the form that README's "What it answers" describes.
func TestPredictFixtures(t *testing.T) {
	binary := filepath.Join(t.TempDir(), "ml-service")
	build := exec.Command("go", "build", "-trimpath", "-tags", "nomsgpack", "-o", binary, ".")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, out)
	}
	var index struct {
		Models []struct {
			Name        string
			Tier, Cases int
		}
	}
	read(t, filepath.Join(fixtures, "index.json"), &index)
	var (
		names []string
		mu    sync.Mutex
		count = map[string]int{}
		sum   int
	)
	for _, m := range index.Models {
		if m.Tier == 1 {
			names = append(names, m.Name)
			sum += m.Cases
		}
	}
	if len(names) != models || sum != cases {
		t.Fatalf("the index lists %d models and %d cases, want %d and %d", len(names), sum, models, cases)
	}
	t.Run("model", func(t *testing.T) {
		for _, name := range names {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				f := &fixture{}
				read(t, filepath.Join(fixtures, name, "cases.json"), f)
				url := serve(t, binary, name)
				tally := map[string]int{"model of kind " + f.kind(): 1}
				for _, c := range f.Cases {
					what, err := f.ask(url, c)
					if err != nil {
						t.Errorf("%s: %v", c.Name, err)
					}
					tally["case "+what]++
				}
				mu.Lock()
				defer mu.Unlock()
				for what, n := range tally {
					count[what] += n
				}
			})
		}
	})
	started, asked := 0, 0
	for _, what := range slices.Sorted(maps.Keys(count)) {
		t.Logf("%4d %s", count[what], what)
		if strings.HasPrefix(what, "model") {
			started += count[what]
		} else {
			asked += count[what]
		}
	}
	if started != models || asked != cases {
		t.Errorf("asked %d models and %d cases, want %d and %d", started, asked, models, cases)
	}
}

func read(t *testing.T, path string, into any) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, into); err != nil {
		t.Fatalf("%s: %v", path, err)
	}
}

// serve starts the binary with one model and gives the URL it listens on. The test's end stops it.
func serve(t *testing.T, binary, name string) string {
	t.Helper()
	model, err := os.ReadFile(filepath.Join(fixtures, name, "model.onnx"))
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "v1.0.0"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "v1.0.0", "model.onnx"), model, 0o644); err != nil {
		t.Fatal(err)
	}
	run := exec.Command(binary)
	run.Env = []string{"MODEL_DIR=" + dir, "MODEL_VERSION=v1.0.0", "HOST=127.0.0.1", "PORT=0"}
	logs, err := run.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := run.Start(); err != nil {
		t.Fatal(err)
	}
	hang := time.AfterFunc(within, func() { _ = run.Process.Kill() })
	lines := bufio.NewScanner(logs)
	t.Cleanup(func() {
		_ = run.Process.Signal(os.Interrupt)
		for lines.Scan() {
		}
		if err := run.Wait(); err != nil {
			t.Errorf("the service ended with %v", err)
		}
		hang.Stop()
	})
	for lines.Scan() {
		var line struct{ Msg, Address string }
		if err := json.Unmarshal(lines.Bytes(), &line); err != nil {
			t.Fatalf("the service says %s", lines.Bytes())
		}
		if line.Msg == "listening" {
			return "http://" + line.Address
		}
	}
	t.Fatal("the service does not listen")
	return ""
}

// ask sends one case and compares the answer; it says what the case was.
func (f *fixture) ask(url string, c testCase) (what string, err error) {
	body, sendable := f.body(c)
	if !sendable {
		return "with an infinity, which JSON cannot hold", nil
	}
	answer, err := http.Post(url+"/predict", "application/json", bytes.NewReader(body))
	if err != nil {
		return "lost", err
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		return "lost", err
	}
	if field, what := f.refused(c); what != "" {
		var got struct{ Error, Field string }
		if err := json.Unmarshal(text, &got); err != nil || answer.StatusCode != http.StatusUnprocessableEntity || got.Error == "" || got.Field != field {
			return what, fmt.Errorf("%s\ngot %s %s\nwant 422 at %s", body, answer.Status, text, field)
		}
		return what, nil
	}
	if answer.StatusCode != http.StatusOK {
		return "answered", fmt.Errorf("%s\ngot %s %s", body, answer.Status, text)
	}
	if err := f.check(c, text); err != nil {
		return "answered", fmt.Errorf("%s\ngot %s\n%w", body, text, err)
	}
	return "answered", nil
}
