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

// TestPack packs 64 estimators, each compared three ways over HTTP and asked by the names of its frame, and 4 that must be refused.
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
	if got, want := fmt.Sprint(same, refused, files), "64 4 map[model.cbm:5 model.onnx:45 model.txt:7 model.ubj:7]"; got != want {
		t.Errorf("packed, refused: got %s, want %s", got, want)
	}
	commandLine(t, root, python, binary, work)
	renamed(t, python, work)
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

// renamed gives the inputs of a graph other names: one that a branch reads, and one that a value inside has already.
func renamed(t *testing.T, python, work string) {
	t.Helper()
	const rename = `
import numpy as np, onnx, onnxruntime
from ml_service_pack.graph import rename_inputs
m = onnx.parser.parse_model("""<ir_version: 10, opset_import: ["": 21]>
g (float[N, 1] a_b, float[N, 1] a_b1, bool[] yes) => (float[N, 1] out) {
  sum = Add(a_b, a_b1)
  out = If (yes) <
    then_branch = yes_branch () => (float[N, 1] more) { twice = Add(sum, sum) more = Sub(twice, a_b) },
    else_branch = no_branch () => (float[N, 1] less) { less = Sub(sum, a_b1) }>
}""")
names = ["a b", "twice", "out"]
rename_inputs(m, names)
session = onnxruntime.InferenceSession(m.SerializeToString())
ask = lambda yes: session.run(None, dict(zip(names, (np.float32([[3]]), np.float32([[5]]), np.array(yes)))))[0].item()
print([i.name for i in session.get_inputs()], [o.name for o in session.get_outputs()], ask(True), ask(False))
`
	said := e2e.Command{Dir: work, Limit: time.Minute}.Output(t, python, "-c", rename)
	if want := "['a b', 'twice', 'out'] ['out_1'] 13.0 3.0\n"; said != want {
		t.Errorf("renamed: got %s, want %s", said, want)
	}
}
