package clients

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"syscall"
	"testing"
	"time"

	"ml-service/e2e"
)

// generators make a client in dir of the document api.json that lies there, compile it with what testdata holds, and
// have it predict.
var generators = []struct {
	name, source string
	predict      func(t *testing.T, dir, url, rows string) (answers string)
}{
	{"oapi-codegen", "go", oapiCodegen},
	{"openapi-python-client", "python", openapiPythonClient},
	{"openapi-typescript", "typescript", openapiTypescript},
}

func TestGeneratedClients(t *testing.T) {
	for _, test := range []struct {
		model string
		rows  string // the first is sent alone as well
		want  []any
	}{
		{"v1.0.0", `[[0.4,-0.2,0.1],[-1,2,0.5]]`, []any{1.0, 0.0}},
		// Rows 0, 1 and 4 of the record; the age of the last is missing.
		{"titanic_logreg_zipmap_strings", `[{"sex":"female","age":37.9,"fare":5.79,"embarked":"Q","pclass":3,"sibsp":0},
			{"sex":"male","age":7.4,"fare":6.79,"embarked":"S","pclass":3,"sibsp":0},
			{"sex":"female","age":null,"fare":11.33,"embarked":"S","pclass":2,"sibsp":1}]`, []any{"survived", "died", "survived"}},
	} {
		s := startModel(t, test.model)
		want := plainAnswers(t, s.URL, test.rows)
		if got := predictions(want); !reflect.DeepEqual(got, append(test.want[:1:1], test.want...)) {
			t.Fatalf("%s: the service answers %v, want %v", test.model, got, test.want)
		}
		for _, g := range generators {
			for _, path := range []string{"/openapi.json", "/openapi-3.0.json"} {
				t.Run(test.model+"/"+g.name+path, func(t *testing.T) {
					dir := t.TempDir()
					if err := os.CopyFS(dir, os.DirFS(filepath.Join(e2e.Root(t), "e2e", "clients", "testdata", g.source))); err != nil {
						t.Fatal(err)
					}
					status, document := send(t, http.MethodGet, s.URL+path, "")
					if status != http.StatusOK {
						t.Fatalf("GET %s: got %d, want 200", path, status)
					}
					write(t, filepath.Join(dir, "api.json"), string(document))
					var got []any
					out := g.predict(t, dir, s.URL, test.rows)
					if err := json.Unmarshal([]byte(out), &got); err != nil {
						t.Fatalf("the client printed no answers: %v\n%s", err, out)
					}
					if !reflect.DeepEqual(got, want) {
						t.Errorf("got  %v\nwant %v", got, want)
					}
				})
			}
		}
		s.Stop(t)
	}
}

// plainAnswers are what the service answers to the first row and to all rows.
func plainAnswers(t *testing.T, url, rows string) []any {
	t.Helper()
	var each []json.RawMessage
	if err := json.Unmarshal([]byte(rows), &each); err != nil {
		t.Fatal(err)
	}
	var answers []any
	for _, x := range []string{string(each[0]), rows} {
		status, body := send(t, http.MethodPost, url+"/predict?probabilities=true", `{"x":`+x+`}`)
		var answer any
		if err := json.Unmarshal(body, &answer); err != nil || status != http.StatusOK {
			t.Fatalf("POST /predict: %d %s", status, body)
		}
		answers = append(answers, answer)
	}
	return answers
}

// predictions lists the prediction for the first row alone and those for all rows.
func predictions(answers []any) []any {
	found := []any{at(answers[0], "prediction")}
	several, _ := at(answers[1], "predictions").([]any)
	for _, p := range several {
		found = append(found, at(p, "prediction"))
	}
	return found
}

func oapiCodegen(t *testing.T, dir, url, rows string) string {
	t.Helper()
	if err := os.Mkdir(filepath.Join(dir, "api"), 0o755); err != nil {
		t.Fatal(err)
	}
	run := e2e.Command{Dir: dir, Env: []string{"CGO_ENABLED=0"}, Limit: 5 * time.Minute}
	run.Output(t, "go", "run", "github.com/oapi-codegen/oapi-codegen/v2/cmd/oapi-codegen@v2.8.2",
		"-generate", "types,client", "-package", "api", "-o", filepath.Join("api", "api.go"), "api.json")
	logLines(t, filepath.Join(dir, "api"))
	run.Output(t, "go", "build", "-o", "predict", ".")
	return run.Output(t, filepath.Join(dir, "predict"), url, rows)
}

func openapiPythonClient(t *testing.T, dir, url, rows string) string {
	t.Helper()
	python := python(t)
	// It calls ruff, which lies beside it.
	run := e2e.Command{Dir: dir, Env: []string{"PATH=" + filepath.Dir(python) + ":" + os.Getenv("PATH")}, Limit: 2 * time.Minute}
	run.Output(t, python, "-m", "openapi_python_client", "generate", "--path", "api.json", "--output-path", "api", "--meta", "none", "--fail-on-warning")
	logLines(t, filepath.Join(dir, "api"))
	run.Output(t, python, "-W", "error", "-m", "compileall", "-q", "api")
	return run.Output(t, python, "predict.py", url, rows)
}

func openapiTypescript(t *testing.T, dir, url, rows string) string {
	t.Helper()
	modules := nodeModules(t, dir)
	if err := os.Symlink(modules, filepath.Join(dir, "node_modules")); err != nil {
		t.Fatal(err)
	}
	run := e2e.Command{Dir: dir, Limit: 2 * time.Minute}
	run.Output(t, "node", filepath.Join(modules, "openapi-typescript", "bin", "cli.js"), "api.json", "-o", "api.ts")
	write(t, filepath.Join(dir, "rows.ts"), fmt.Sprintf("import type { components } from \"./api.js\";\n\n"+
		"export const url = %q;\nexport const rows: components[\"schemas\"][\"Row\"][] = %s;\n", url, rows))
	logLines(t, filepath.Join(dir, "api.ts"))
	run.Output(t, "node", filepath.Join(modules, "typescript", "bin", "tsc"))
	return run.Output(t, "node", filepath.Join("out", "predict.js"))
}

// nodeModules returns the folder of what package-lock.json in dir lists, installed once a machine.
func nodeModules(t *testing.T, dir string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(dir, "package-lock.json"))
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(text)
	cache := e2e.Cache(t, "clients-node-"+hex.EncodeToString(sum[:6]))
	lock, err := os.Create(filepath.Join(cache, "lock"))
	if err != nil {
		t.Fatal(err)
	}
	defer lock.Close()
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX); err != nil {
		t.Fatalf("lock %s: %v", lock.Name(), err)
	}
	modules, done := filepath.Join(cache, "node_modules"), filepath.Join(cache, "installed")
	if _, err := os.Stat(done); err == nil {
		return modules
	}
	for _, name := range []string{"package.json", "package-lock.json"} {
		text, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		write(t, filepath.Join(cache, name), string(text))
	}
	e2e.Command{Dir: cache, Limit: 5 * time.Minute}.Output(t, "npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund")
	write(t, done, "")
	return modules
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// logLines logs how many files and lines were generated.
func logLines(t *testing.T, path string) {
	t.Helper()
	files, lines := 0, 0
	err := filepath.WalkDir(path, func(name string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := os.ReadFile(name)
		files++
		lines += strings.Count(string(text), "\n")
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d files, %d lines", files, lines)
}
