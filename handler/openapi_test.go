package handler

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
)

// documentOf reads /openapi.json of a service.
func documentOf(t *testing.T, s *Service) map[string]any {
	t.Helper()
	w := ask(s, "GET", "/openapi.json", "")
	var document map[string]any
	if err := json.Unmarshal(w.Body.Bytes(), &document); err != nil || w.Code != http.StatusOK {
		t.Fatalf("got %d %.200s (%v), want a document", w.Code, w.Body, err)
	}
	return document
}

// in follows keys into nested objects.
func in(t *testing.T, v any, keys ...string) any {
	t.Helper()
	for _, key := range keys {
		o, ok := v.(map[string]any)
		if !ok || o[key] == nil {
			t.Fatalf("the document has no %s", strings.Join(keys, " > "))
		}
		v = o[key]
	}
	return v
}

func TestOpenAPITellsOfTheModel(t *testing.T) {
	document := documentOf(t, demo(t, Options{}))
	if got := in(t, document, "openapi"); got != "3.1.0" {
		t.Errorf("openapi: got %v, want 3.1.0", got)
	}
	row := in(t, document, "components", "schemas", "Row").(map[string]any)
	if row["minItems"] != 3.0 || row["maxItems"] != 3.0 {
		t.Errorf("width of a row: got %v to %v, want 3", row["minItems"], row["maxItems"])
	}
	var names []string
	for _, value := range row["prefixItems"].([]any) {
		names = append(names, in(t, value, "title").(string))
	}
	if got, want := strings.Join(names, ", "), "radius error, area error, mean smoothness"; got != want {
		t.Errorf("features: got %s, want %s", got, want)
	}
	label := in(t, document, "components", "schemas", "Prediction", "properties", "prediction").(map[string]any)
	if got, _ := json.Marshal(label["enum"]); string(got) != "[0,1]" || label["description"] != "0: malignant, 1: benign" {
		t.Errorf("classes: got %s %v, want [0,1] and their names", got, label["description"])
	}
	example := in(t, document, "paths", "/predict", "post", "requestBody", "content", "application/json", "examples", "one row", "value")
	if got, _ := json.Marshal(example); string(got) != `{"x":[0.4,-0.2,0.1]}` {
		t.Errorf("example: got %s, want the first golden row", got)
	}
}

func TestDocsAreSelfContained(t *testing.T) {
	s := demo(t, Options{})
	for _, test := range []struct{ path, kind string }{
		{"/docs", "text/html; charset=utf-8"},
		{"/docs/docs.css", "text/css; charset=utf-8"},
		{"/docs/docs.js", "text/javascript; charset=utf-8"},
	} {
		w := ask(s, "GET", test.path, "")
		if w.Code != http.StatusOK || w.Header().Get("Content-Type") != test.kind {
			t.Errorf("%s: got %d %s, want 200 %s", test.path, w.Code, w.Header().Get("Content-Type"), test.kind)
		}
		if got := w.Header().Get("Content-Security-Policy"); got != docsPolicy || strings.Contains(got, "unsafe") {
			t.Errorf("%s: Content-Security-Policy: got %q, want %q", test.path, got, docsPolicy)
		}
		for _, outside := range []string{"http:", "https:", "//cdn", "@import", "innerHTML", " style=", " onclick="} {
			if strings.Contains(w.Body.String(), outside) {
				t.Errorf("%s: holds %q", test.path, outside)
			}
		}
	}
}

// TestOpenAPIIsStable gives the same bytes for the same model, from each service anew.
func TestOpenAPIIsStable(t *testing.T) {
	for _, path := range []string{"/openapi.json", "/openapi-3.0.json"} {
		first := ask(demo(t, Options{}), "GET", path, "").Body.String()
		for range 5 {
			if got := ask(demo(t, Options{}), "GET", path, "").Body.String(); got != first {
				t.Errorf("%s: differs from one service to the next", path)
			}
		}
	}
}

// TestOpenAPI30 has no word that only 3.1 knows, and none that stops generators of clients in either.
func TestOpenAPI30(t *testing.T) {
	var check func(where string, v any, old bool)
	check = func(where string, v any, old bool) {
		switch v := v.(type) {
		case map[string]any:
			for key, child := range v {
				if _, ok := child.([]any); ok && (key == "type" && old || key == "const") {
					t.Errorf("%s: %s is a list", where, key)
				}
				if old && (key == "const" || key == "prefixItems" || key == "contentMediaType") || key == "items" && child == false {
					t.Errorf("%s: %s", where, key)
				}
				if old && v["type"] == "null" {
					t.Errorf("%s: the type null", where)
				}
				if key != "examples" && key != "example" && key != "x-model" {
					check(where+"/"+key, child, old)
				}
			}
		case []any:
			for _, child := range v {
				check(where, child, old)
			}
		}
	}
	s := demo(t, Options{})
	check("", documentOf(t, s), false)
	var document map[string]any
	if err := json.Unmarshal(ask(s, "GET", "/openapi-3.0.json", "").Body.Bytes(), &document); err != nil {
		t.Fatal(err)
	}
	if got := in(t, document, "openapi"); got != "3.0.3" {
		t.Errorf("openapi: got %v, want 3.0.3", got)
	}
	check("", document, true)
}
