package clients

import (
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"ml-service/e2e"
)

// schemathesis makes requests out of /openapi.json, valid ones and broken ones, and checks every answer against it.
func TestSchemathesis(t *testing.T) {
	st := filepath.Join(filepath.Dir(python(t)), "schemathesis")
	for _, model := range []string{"v1.0.0", "titanic_logreg_zipmap_strings", "forest_regressor_multi_output"} {
		t.Run(model, func(t *testing.T) {
			s := startModel(t, model)
			run := e2e.Command{Dir: t.TempDir(), Limit: 3 * time.Minute, Env: []string{"NO_COLOR=1", "SCHEMATHESIS_HOOKS=", "COLUMNS=120"}}
			config := filepath.Join(e2e.Root(t), "e2e", "clients", "schemathesis.toml")
			r, err := run.Run(st, "--config-file", config, "run", "--url", s.URL, s.URL+"/openapi.json")
			if err != nil || r.Code != 0 {
				t.Fatalf("status %d (%v)\n%s%s", r.Code, err, r.Stdout, r.Stderr)
			}
			i := strings.Index(r.Stdout, "SUMMARY")
			if i < 0 || !regexp.MustCompile(`[1-9]\d* generated`).MatchString(r.Stdout) {
				t.Fatalf("no summary of generated cases in\n%s", r.Stdout)
			}
			t.Log(r.Stdout[i:])
		})
	}
}
