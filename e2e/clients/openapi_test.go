package clients

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"ml-service/e2e"
)

// described are models of each kind: a classifier with names, one with strings and a ZipMap, a regressor, several
// targets, and one that is neither.
var described = []string{"v1.0.0", "titanic_logreg_zipmap_strings", "titanic_fare_regressor", "forest_regressor_multi_output",
	"onehot_string", "op_cast_float_to_bool", "xgb_multiclass_digits"}

// document is /openapi.json, whose schemas are compiled where they stand.
type document struct {
	url      string
	value    any
	compiler *jsonschema.Compiler
}

func readDocument(t *testing.T, url string) document {
	t.Helper()
	_, body := send(t, http.MethodGet, url+"/openapi.json", "")
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	d := document{url: url, value: value, compiler: jsonschema.NewCompiler()}
	d.compiler.DefaultDraft(jsonschema.Draft2020)
	if err := d.compiler.AddResource("openapi.json", value); err != nil {
		t.Fatal(err)
	}
	return d
}

// check validates a body against the schema that stands at the end of keys.
func (d document) check(t *testing.T, what string, body []byte, keys ...string) {
	t.Helper()
	pointer := ""
	for _, key := range keys {
		pointer += "/" + strings.NewReplacer("~", "~0", "/", "~1").Replace(key)
	}
	schema, err := d.compiler.Compile("openapi.json#" + pointer)
	if err != nil {
		t.Fatal(err)
	}
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(body))
	if err == nil {
		err = schema.Validate(value)
	}
	if err != nil {
		t.Errorf("%s: %v\n%s", what, err, body)
	}
}

// at follows keys into nested objects; nil where one is missing.
func at(value any, keys ...string) any {
	for _, key := range keys {
		o, _ := value.(map[string]any)
		value = o[key]
	}
	return value
}

func send(t *testing.T, method, url, body string) (status int, answer []byte) {
	t.Helper()
	r, err := http.NewRequest(method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	answer, err = io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, answer
}

// Every documented route is asked, every documented example is sent, and every answer fits the documented schema.
func TestDocumentedExamplesFitTheirSchemas(t *testing.T) {
	for _, model := range described {
		t.Run(model, func(t *testing.T) {
			s := startModel(t, model)
			d := readDocument(t, s.URL)
			asked, examples, refused := 0, 0, 0
			for path, methods := range at(d.value, "paths").(map[string]any) {
				ok := []string{"responses", "200", "content", "application/json", "schema"}
				if at(methods, "get") != nil {
					status, answer := send(t, http.MethodGet, s.URL+path, "")
					if status != http.StatusOK {
						t.Errorf("GET %s: got %d, want 200", path, status)
					}
					d.check(t, "GET "+path, answer, append([]string{"paths", path, "get"}, ok...)...)
					asked++
					continue
				}
				named, _ := at(methods, "post", "requestBody", "content", "application/json", "examples").(map[string]any)
				if len(named) != 2 {
					t.Errorf("POST %s: got %d examples, want one row and two rows", path, len(named))
				}
				for name := range named {
					body, err := json.Marshal(at(named, name, "value"))
					if err != nil {
						t.Fatal(err)
					}
					d.check(t, "request of POST "+path, body, "paths", path, "post", "requestBody", "content", "application/json", "schema")
					status, answer := send(t, http.MethodPost, s.URL+path, string(body))
					if status != http.StatusOK {
						t.Errorf("POST %s: %s: got %d %s, want 200", path, name, status, answer)
					}
					d.check(t, "POST "+path, answer, append([]string{"paths", path, "post"}, ok...)...)
					examples++
				}
				if strings.HasSuffix(path, "/index") {
					continue // lists the model, whatever is asked
				}
				for _, body := range []string{"", "{}", "[]", `{"x":"a"}`, `{"inputs":[{"":0}]}`} {
					status, answer := send(t, http.MethodPost, s.URL+path, body)
					if status != http.StatusBadRequest && status != http.StatusUnprocessableEntity {
						t.Errorf("POST %s: %q: got %d, want 400 or 422", path, body, status)
					}
					d.check(t, "refusal of POST "+path, answer, "components", "schemas", "Error")
					refused++
				}
			}
			t.Logf("%d GET routes, %d examples, %d refusals fit their schemas", asked, examples, refused)
			if asked != 17 || examples != 12 {
				t.Errorf("got %d GET routes and %d examples, want 17 and 12", asked, examples)
			}
		})
	}
}

// startModel starts the service with a fixture, or with an embedded version.
func startModel(t *testing.T, model string) *e2e.Server {
	t.Helper()
	if strings.HasPrefix(model, "v") {
		return e2e.Start(t, "MODEL_VERSION="+model, "DRAIN_DELAY=0s")
	}
	s, _ := serve(t, model)
	return s
}
