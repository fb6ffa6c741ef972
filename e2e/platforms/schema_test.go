// Package platforms holds the manifests of deploy/ against the schemas of the platforms that read them: the custom resource
// definitions that KServe and Knative Serving publish inside their Go modules. No cluster is started.
package platforms

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/goccy/go-yaml"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"ml-service/e2e"
)

// modules are the sources of the definitions, by the folder inside that holds them.
var modules = map[string]string{
	"github.com/kserve/kserve@v0.16.0": "config/crd/full",
	"knative.dev/serving@v0.51.0":      "config/core/300-resources",
}

// definition is what this test reads of a custom resource definition.
type definition struct {
	Kind string `yaml:"kind"`
	Spec struct {
		Group string `yaml:"group"`
		Names struct {
			Kind string `yaml:"kind"`
		} `yaml:"names"`
		Versions []struct {
			Name   string `yaml:"name"`
			Schema struct {
				OpenAPI map[string]any `yaml:"openAPIV3Schema"`
			} `yaml:"schema"`
		} `yaml:"versions"`
	} `yaml:"spec"`
}

// schemas reads every definition: a compiled schema for each "group/version kind".
func schemas(t *testing.T) map[string]*jsonschema.Schema {
	t.Helper()
	found := map[string]*jsonschema.Schema{}
	for module, folder := range modules {
		var download struct{ Dir, Error string }
		out := e2e.Command{Dir: t.TempDir(), Env: []string{"GOFLAGS=-mod=mod"}, Limit: 5 * time.Minute}.Output(t, "go", "mod", "download", "-json", module)
		if err := json.Unmarshal([]byte(out), &download); err != nil || download.Dir == "" {
			t.Fatalf("go mod download %s: %v %s", module, err, download.Error)
		}
		files, err := filepath.Glob(filepath.Join(download.Dir, folder, "*.yaml"))
		if err != nil || len(files) == 0 {
			t.Fatalf("%s has no %s/*.yaml: %v", module, folder, err)
		}
		for _, file := range files {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			var d definition
			if err := yaml.Unmarshal(text, &d); err != nil || d.Kind != "CustomResourceDefinition" {
				continue // a kustomization
			}
			for _, v := range d.Spec.Versions {
				name := d.Spec.Group + "/" + v.Name + " " + d.Spec.Names.Kind
				if len(v.Schema.OpenAPI) == 0 {
					continue
				}
				found[name] = compile(t, name, v.Schema.OpenAPI)
			}
		}
	}
	return found
}

func compile(t *testing.T, name string, schema map[string]any) *jsonschema.Schema {
	t.Helper()
	strict(schema, true)
	c := jsonschema.NewCompiler()
	address := "crd://" + fmt.Sprint(len(name)) + ".json"
	if err := c.AddResource(address, plain(t, schema)); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	s, err := c.Compile(address)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return s
}

// strict makes of a structural schema the JSON Schema that says the same: a cluster prunes what it does not know, so
// unknown members are refused here, and what may be a number or a string is so.
func strict(schema map[string]any, root bool) {
	if schema["x-kubernetes-int-or-string"] == true {
		delete(schema, "type")
		delete(schema, "anyOf")
		delete(schema, "pattern")
		schema["type"] = []any{"integer", "string"}
	}
	delete(schema, "format")
	properties, _ := schema["properties"].(map[string]any)
	if root && properties != nil {
		for _, known := range []string{"apiVersion", "kind", "metadata"} {
			properties[known] = map[string]any{}
		}
	}
	for _, p := range properties {
		if p, ok := p.(map[string]any); ok {
			strict(p, false)
		}
	}
	for _, member := range []string{"items", "additionalProperties"} {
		if s, ok := schema[member].(map[string]any); ok {
			strict(s, false)
		}
	}
	if properties != nil && schema["additionalProperties"] == nil && schema["x-kubernetes-preserve-unknown-fields"] != true {
		schema["additionalProperties"] = false
	}
}

// plain is a value as encoding/json reads it.
func plain(t *testing.T, v any) any {
	t.Helper()
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	var out any
	if err := json.Unmarshal(text, &out); err != nil {
		t.Fatal(err)
	}
	return out
}
