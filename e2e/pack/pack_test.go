// Package pack runs the Python package of pack/ as users do: from the wheel, on fitted estimators, with the service's own binary.
package pack

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"ml-service/e2e"
)

// line is what estimators.py prints of an estimator.
type line struct {
	Name, Want, Outcome, File, Detail string
	Seconds                           float64
}

// TestPack packs 51 estimators, each compared three ways over HTTP, and 3 that must be refused.
func TestPack(t *testing.T) {
	root, binary := e2e.Root(t), e2e.Binary(t, "./cmd/local")
	python := environment(t, root)
	work := t.TempDir()
	out := e2e.Command{Dir: filepath.Join(root, "e2e", "pack"), Env: []string{"OMP_NUM_THREADS=1"}, Limit: 6 * time.Minute}.
		Output(t, python, "estimators.py", binary, filepath.Join(work, "models"))
	same, refused, files := 0, 0, map[string]int{}
	for text := range bytes.Lines([]byte(out)) {
		var l line
		if err := json.Unmarshal(text, &l); err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		t.Logf("%-42s %-10s %-10s %5.2f s %s", l.Name, l.Outcome, l.File, l.Seconds, l.Detail)
		switch {
		case l.Outcome != l.Want:
			t.Errorf("%s: got %s, want %s: %s", l.Name, l.Outcome, l.Want, l.Detail)
		case l.Outcome == "same":
			same++
			files[l.File]++
		default:
			refused++
		}
	}
	if got, want := fmt.Sprint(same, refused, files), "51 3 map[model.cbm:4 model.onnx:36 model.txt:5 model.ubj:6]"; got != want {
		t.Errorf("packed, refused: got %s, want %s", got, want)
	}
	commandLine(t, root, python, binary, work)
}

// environment is a Python with what the estimators need and the package from its wheel.
func environment(t *testing.T, root string) string {
	t.Helper()
	folder := e2e.Cache(t, "e2e-pack")
	python := filepath.Join(folder, "bin", "python")
	requirements := filepath.Join(root, "e2e", "pack", "requirements.txt")
	want, err := os.ReadFile(requirements)
	if err != nil {
		t.Fatal(err)
	}
	installed := filepath.Join(folder, "installed")
	run := e2e.Command{Dir: root, Limit: 10 * time.Minute}
	if got, err := os.ReadFile(installed); err != nil || !bytes.Equal(got, want) {
		run.Output(t, "python3", "-m", "venv", "--clear", folder)
		run.Output(t, python, "-m", "pip", "install", "--quiet", "--requirement", requirements)
		if err := os.WriteFile(installed, want, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	run.Output(t, "make", "wheel", "PYTHON="+python)
	wheels, err := filepath.Glob(filepath.Join(root, "bin", "ml_service_pack-*.whl"))
	if err != nil || len(wheels) != 1 {
		t.Fatalf("make wheel left %d wheels (%v)", len(wheels), err)
	}
	run.Output(t, python, "-m", "pip", "install", "--quiet", "--no-deps", "--force-reinstall", wheels[0])
	return python
}

// commandLine packs a saved pipeline by the package and by its doorway, then checks and scores what came out.
func commandLine(t *testing.T, root, python, binary, work string) {
	t.Helper()
	const train = `
import joblib, numpy as np, pandas as pd
from sklearn.compose import ColumnTransformer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder
r = np.random.RandomState(0)
x = pd.DataFrame({"age": r.normal(40, 9, 90).round(1), "city": r.choice(["Bern", "Oslo"], 90)})
p = make_pipeline(ColumnTransformer([("t", OneHotEncoder(), ["city"])], remainder="passthrough"), LogisticRegression())
joblib.dump(p.fit(x, np.where((x.age > 40) ^ (x.city == "Oslo"), "yes", "no")), "model.joblib")
x.to_csv("rows.csv", index=False)
`
	in := e2e.Command{Dir: work, Env: []string{"ML_SERVICE=" + binary}, Limit: 2 * time.Minute}
	in.Output(t, python, "-c", train)
	for version, command := range map[string][]string{"v1": {"-m", "ml_service_pack"}, "v2": {filepath.Join(root, "models", "pack.py")}} {
		said := in.Output(t, python, append(command, "model.joblib", "--rows", "rows.csv", "--version", version, "--out", "packed", "--title", "Cities")...)
		if !strings.Contains(said, "library and service: the same") {
			t.Errorf("%s: got %s", version, said)
		}
	}
	if said := in.Output(t, binary, "check", "packed"); strings.Count(said, "50 rows answered as recorded from sklearn 1.9.1") != 2 || !strings.Contains(said, "title     Cities") {
		t.Errorf("check: got %s", said)
	}
	rows, err := os.ReadFile(filepath.Join(work, "rows.csv"))
	if err != nil {
		t.Fatal(err)
	}
	in.Stdin = string(rows)
	answers := in.Output(t, binary, "score", "--model", "packed/v1")
	if n := strings.Count(answers, "\n"); n != 91 || !strings.HasPrefix(answers, "prediction,confidence\n") {
		t.Errorf("score: got %d lines, want 91: %.200s", n, answers)
	}
	again, err := in.Run(python, "-m", "ml_service_pack", "model.joblib", "--rows", "rows.csv", "--version", "v1", "--out", "packed")
	if err != nil || again.Code != 2 || !strings.Contains(again.Stderr, "is there already: versions are not overwritten") {
		t.Errorf("a version that is there: got %+v, %v; want 2", again, err)
	}
}
