package aws

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"ml-service/e2e"
)

const (
	buildLine  = "GOARCH=amd64 sam build --parameter-overrides Architecture=x86_64"
	firstLine  = buildLine + " && sam deploy --parameter-overrides Architecture=x86_64"
	againLine  = buildLine + " && sam deploy" // the stack remembers Architecture
	weightLine = "sam deploy --parameter-overrides LiveVersion=1 NextVersion=2 NextWeight=0.1"
	promote    = "sam deploy --parameter-overrides LiveVersion=2 NextWeight=0"
	back       = "sam deploy --parameter-overrides LiveVersion=1 NextWeight=0"
	removeLine = "sam delete --no-prompts"
)

// TestTranscript is the README's section, in order: deploy twice, shift, promote, deploy a model of one's own, go back,
// remove. The alias is read back after each step.
func TestTranscript(t *testing.T) {
	m := start(t)

	m.run(t, firstLine)
	s := m.stack(t)
	m.wantAlias(t, s, "live", "1", nil)
	m.wantAlias(t, s, "next", "1", nil)
	curl(t, m, s.url, "v1.0.0", "1")
	m.wantDirect(t, s)

	m.export(t, "MODEL_VERSION=v1.1.0")
	m.run(t, againLine)
	m.wantNewest(t, "2")
	m.wantAlias(t, s, "live", "1", nil)
	m.wantAlias(t, s, "next", "2", nil)
	m.wantServed(t, s, 20, "1 v1.0.0", "")

	m.release(t, s)

	m.run(t, weightLine)
	m.wantAlias(t, s, "live", "1", map[string]float64{"2": 0.1})
	m.wantServed(t, s, 300, "1 v1.0.0", "2 v1.1.0")

	m.run(t, promote)
	m.wantAlias(t, s, "live", "2", nil)
	m.wantServed(t, s, 20, "2 v1.1.0", "")

	mine := filepath.Join(m.dir, "mine")
	copyFile(t, filepath.Join(m.dir, "models", "v1.0.0", "model.onnx"), filepath.Join(mine, "v1.2.0", "model.onnx"))
	m.export(t, "MODEL_DIR=mine")
	m.export(t, "MODEL_VERSION=v1.2.0")
	m.run(t, againLine)
	m.wantNewest(t, "3")
	m.wantAlias(t, s, "live", "2", nil)
	m.wantAnswer(t, s, "next", `"version":"v1.2.0"`)

	// The same version with another file is another version of the function.
	copyFile(t, filepath.Join(m.dir, "models", "v1.1.0", "model.onnx"), filepath.Join(mine, "v1.2.0", "model.onnx"))
	m.run(t, againLine)
	m.wantNewest(t, "4")
	m.wantAlias(t, s, "live", "2", nil)

	m.run(t, back)
	m.wantAlias(t, s, "live", "1", nil)
	m.wantServed(t, s, 20, "1 v1.0.0", "")

	m.run(t, removeLine)
	r, err := e2e.Command{Dir: m.dir, Env: m.env}.Run("env", "aws", "cloudformation", "describe-stacks", "--stack-name", "ml-service") // env looks on the PATH of m.env
	if err != nil || r.Code == 0 || !strings.Contains(r.Stderr, "does not exist") {
		t.Errorf("after sam delete: %v, status %d, %s%s", err, r.Code, r.Stdout, r.Stderr)
	}
}

// stack is what the outputs of the deployed stack say.
type stack struct{ url, function string }

func (m *machine) outputs(t *testing.T) map[string]string {
	t.Helper()
	var d struct {
		Stacks []struct {
			Outputs []struct{ OutputKey, OutputValue string }
		}
	}
	m.ask(t, &d, "cloudformation describe-stacks --stack-name ml-service")
	out := map[string]string{}
	for _, o := range d.Stacks[0].Outputs {
		out[o.OutputKey] = o.OutputValue
	}
	return out
}

// stack reads the outputs. The emulator answers for an API below a path of its own.
func (m *machine) stack(t *testing.T) stack {
	t.Helper()
	out := m.outputs(t)
	for _, alias := range []string{"Live", "Next"} {
		if arn := out[alias+"AliasArn"]; !strings.HasSuffix(arn, ":"+out["FunctionName"]+":"+strings.ToLower(alias)) {
			t.Errorf("%sAliasArn is %q", alias, arn)
		}
	}
	id, _, _ := strings.Cut(strings.TrimPrefix(out["Url"], "https://"), ".")
	var endpoint string
	for _, v := range m.env {
		if after, ok := strings.CutPrefix(v, "AWS_ENDPOINT_URL="); ok {
			endpoint = after
		}
	}
	if id == "" || endpoint == "" {
		t.Fatalf("Url %q, endpoint %q", out["Url"], endpoint)
	}
	return stack{url: endpoint + "/_aws/execute-api/" + id + "/$default", function: out["FunctionName"]}
}

func (m *machine) wantNewest(t *testing.T, want string) {
	t.Helper()
	if got := m.outputs(t)["NewestVersion"]; got != want {
		t.Errorf("NewestVersion is %s, want %s", got, want)
	}
}

// wantAlias reads an alias back.
func (m *machine) wantAlias(t *testing.T, s stack, name, version string, weights map[string]float64) {
	t.Helper()
	var a struct {
		FunctionVersion string
		RoutingConfig   struct{ AdditionalVersionWeights map[string]float64 }
	}
	m.ask(t, &a, "lambda get-alias --function-name "+s.function+" --name "+name)
	got := a.RoutingConfig.AdditionalVersionWeights
	t.Logf("         %s -> version %s, weights %v", name, a.FunctionVersion, got)
	if a.FunctionVersion != version || !maps.Equal(got, weights) && len(got)+len(weights) > 0 {
		t.Errorf("alias %s is at version %s with weights %v, want %s with %v", name, a.FunctionVersion, got, version, weights)
	}
}

// wantAnswer asks an alias for /health without the API.
func (m *machine) wantAnswer(t *testing.T, s stack, alias, want string) {
	t.Helper()
	dir := t.TempDir()
	event, out := filepath.Join(dir, "event.json"), filepath.Join(dir, "out.json")
	health := `{"version":"2.0","rawPath":"/health","requestContext":{"http":{"method":"GET"},"stage":"$default"}}`
	if err := os.WriteFile(event, []byte(health), 0o600); err != nil {
		t.Fatal(err)
	}
	m.run(t, fmt.Sprintf("aws lambda invoke --function-name %s:%s --payload fileb://%s %s", s.function, alias, event, out))
	answer, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	var a struct{ Body string }
	if err := json.Unmarshal(answer, &a); err != nil || !strings.Contains(a.Body, want) {
		t.Errorf("%s answered %s, %v; want %s", alias, answer, err, want)
	}
}

// wantDirect invokes live without a request around the rows, as a batch does: the result is the body that /predict answers, and
// where that is no prediction the invocation fails with the status for its type.
func (m *machine) wantDirect(t *testing.T, s stack) {
	t.Helper()
	const rows = `{"x":[[0.4,-0.2,0.1],[1,2,3]]}`
	invoke := func(payload string) string {
		m.run(t, fmt.Sprintf("echo '%s' >rows.json && aws lambda invoke --function-name %s:live --payload fileb://rows.json direct.json >said.json", payload, s.function))
		return m.run(t, "cat direct.json")
	}
	want := m.run(t, fmt.Sprintf("curl -sSf -H 'Content-Type: application/json' -d '%s' '%s/predict'", rows, s.url))
	got := invoke(rows)
	var direct, answered map[string]any // the emulator writes the same JSON with other spaces
	if err := errors.Join(json.Unmarshal([]byte(got), &direct), json.Unmarshal([]byte(want), &answered)); err != nil || !reflect.DeepEqual(direct, answered) || direct["version"] != "v1.0.0" {
		t.Errorf("invoked with %s: got %s, %v, want what /predict answers, %s", rows, got, err, want)
	}
	refused := invoke(`{"x":[1]}`)
	var failure struct{ ErrorType, ErrorMessage string }
	if err := json.Unmarshal([]byte(refused), &failure); err != nil || failure.ErrorType != "HTTP422" || !strings.Contains(failure.ErrorMessage, `"field":"x"`) {
		t.Errorf("invoked with a row of one number: got %s, %v, want an error of type HTTP422 that names x", refused, err)
	}
	wantSaid(t, m.run(t, "cat said.json"), `"FunctionError": "Unhandled"`)
}

// wantServed sends n requests through the HTTP API and counts them by "<function version> <model version>". With most
// alone all are most's; with few, few has a tenth of them. The draw is the emulator's as we patched it, so this shows
// that the API reaches the alias and the answers tell the versions apart.
func (m *machine) wantServed(t *testing.T, s stack, n int, most, few string) {
	t.Helper()
	const clients = 4
	var mu sync.Mutex
	var work sync.WaitGroup
	served := map[string]int{}
	client := http.Client{Timeout: 30 * time.Second}
	for c := range clients {
		work.Go(func() {
			for i := c; i < n; i += clients {
				resp, err := client.Post(s.url+"/predict", "application/json", strings.NewReader(`{"x":[0.4,-0.2,0.1]}`))
				if err != nil {
					t.Errorf("request %d: %v", i, err)
					return
				}
				_ = resp.Body.Close() // only the headers count
				who := resp.Header.Get("X-Function-Version") + " " + resp.Header.Get("X-Model-Version")
				if resp.StatusCode != http.StatusOK {
					who = resp.Status
				}
				mu.Lock()
				served[who]++
				mu.Unlock()
			}
		})
	}
	work.Wait()
	t.Logf("         %d requests through the HTTP API: %v", n, served)
	// 300 draws at 0.1 fall outside 3 to 20 percent once in millions of runs.
	if few == "" && served[most] != n || few != "" && (served[few] < n*3/100 || served[few] > n*20/100 || served[most] != n-served[few]) {
		t.Errorf("served by %v, want %q and a tenth %q", slices.Sorted(maps.Keys(served)), most, few)
	}
}
