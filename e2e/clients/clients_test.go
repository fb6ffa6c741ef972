// Package clients runs the real clients of the Open Inference Protocol, generated clients, schemathesis and a browser
// against the service. It needs Python 3.11 with venv, Node with npm, and Chromium (Debian: chromium); the packages of
// Python and Node are installed by the tests.
package clients

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"syscall"
	"testing"
	"time"

	"ml-service/e2e"
)

// python returns the interpreter of a virtual environment that holds requirements.txt, made once a machine.
func python(t *testing.T) string {
	t.Helper()
	requirements := filepath.Join(e2e.Root(t), "e2e", "clients", "requirements.txt")
	text, err := os.ReadFile(requirements)
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(text)
	dir := e2e.Cache(t, "clients-"+hex.EncodeToString(sum[:6]))
	lock, err := os.Create(filepath.Join(dir, "lock"))
	if err != nil {
		t.Fatal(err)
	}
	defer lock.Close()
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX); err != nil {
		t.Fatalf("lock %s: %v", lock.Name(), err)
	}
	path, done := filepath.Join(dir, "venv", "bin", "python"), filepath.Join(dir, "installed")
	if _, err := os.Stat(done); err == nil {
		return path
	}
	install := e2e.Command{Limit: 10 * time.Minute}
	install.Output(t, "python3", "-m", "venv", "--clear", filepath.Join(dir, "venv"))
	install.Output(t, path, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps", "--requirement", requirements)
	if err := os.WriteFile(done, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

// models are the fixtures the clients are run against: every datatype of the fixtures, ZipMap with string labels,
// missing values, several inputs, several outputs.
var models = []string{
	"titanic_logreg_zipmap_strings", // BYTES, FP32 and INT64 in; BYTES and a ZipMap out; NaN is a missing value
	"onehot_logreg_string",          // BYTES [N,3]
	"label_encoder",                 // BYTES [N]
	"logreg_multinomial_double",     // FP64 in and out
	"linear_regression_int64_input", // INT64
	"op_cast_float_to_bool",         // BOOL out
	"ml_label_encoder_v1",           // BYTES out of INT64
	"xgb_multiclass_digits",         // 64 features, 10 classes
}

// serve starts the service with a fixture and returns its address and the record of its answers.
func serve(t *testing.T, model string) (s *e2e.Server, cases string) {
	t.Helper()
	dir := filepath.Join(e2e.Root(t), "onnx", "testdata", "models")
	return e2e.Start(t, "MODEL_DIR="+dir, "MODEL_VERSION="+model, "MODEL_NAME=tabular", "DRAIN_DELAY=0s"), filepath.Join(dir, model, "cases.json")
}

func TestClients(t *testing.T) {
	for _, model := range models {
		s, cases := serve(t, model)
		for _, client := range []struct{ script, address string }{
			{"triton_client.py", strings.TrimPrefix(s.URL, "http://")},
			{"kserve_client.py", s.URL},
		} {
			t.Run(model+"/"+strings.TrimSuffix(client.script, "_client.py"), func(t *testing.T) {
				run := e2e.Command{Dir: filepath.Join(e2e.Root(t), "e2e", "clients"), Env: []string{"PYTHONDONTWRITEBYTECODE=1"}, Limit: 2 * time.Minute}
				out := run.Output(t, python(t), client.script, client.address, "tabular", model, cases)
				t.Log(counts(t, out))
			})
		}
		s.Stop(t)
	}
}

// counts reads what a client printed last: how often each check held.
func counts(t *testing.T, out string) string {
	t.Helper()
	lines := strings.Split(strings.TrimSpace(out), "\n")
	held := map[string]int{}
	if err := json.Unmarshal([]byte(lines[len(lines)-1]), &held); err != nil {
		t.Fatalf("the client printed no counts: %v\n%s", err, out)
	}
	var text []string
	all := -held["cases"]
	for name, n := range held {
		text = append(text, fmt.Sprintf("%s %d", name, n))
		all += n
	}
	if held["cases"] == 0 || all < held["cases"] {
		t.Fatalf("got %v, want checks for every case", held)
	}
	sort.Strings(text)
	return fmt.Sprintf("%d cases, %d checks held: %s", held["cases"], all, strings.Join(text, ", "))
}
