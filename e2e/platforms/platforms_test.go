package platforms

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/goccy/go-yaml"

	"ml-service/e2e"
)

// manifests are the files of deploy/ that a cluster reads, and the parts of each that a schema must refuse once misspelt.
var manifests = map[string][]string{
	"kserve/inference-service.yaml":            {"spec.predictor", "spec.predictor.containers.0", "spec.predictor.containers.0.readinessProbe"},
	"kserve/inference-service-own-model.yaml":  {"spec.predictor.containers.0.securityContext"},
	"kserve/inference-service-by-runtime.yaml": {"spec.predictor.model", "spec.predictor.model.modelFormat"},
	"kserve/cluster-serving-runtime.yaml":      {"spec", "spec.supportedModelFormats.0", "spec.containers.0.env.0"},
	"cloudrun/service.yaml":                    {"spec.template.spec", "spec.template.spec.containers.0.resources", "spec.traffic.0"},
}

func TestManifests(t *testing.T) {
	known := schemas(t)
	there, err := filepath.Glob(filepath.Join(e2e.Root(t), "deploy", "[kc]*", "*.yaml"))
	if err != nil || len(there) != len(manifests) {
		t.Errorf("deploy/: got %v, %v; want a row of this test for each", there, err)
	}
	for name, parts := range manifests {
		t.Run(name, func(t *testing.T) {
			manifest := read(t, name)
			kind := fmt.Sprintf("%v %v", manifest["apiVersion"], manifest["kind"])
			schema := known[kind]
			if schema == nil {
				t.Fatalf("no definition of %s", kind)
			}
			if err := schema.Validate(plain(t, manifest)); err != nil {
				t.Errorf("%s: %v", kind, err)
			}
			for _, part := range parts {
				broken := plain(t, read(t, name))
				at(t, broken, part)["misspelt"] = true
				if err := schema.Validate(broken); err == nil || !strings.Contains(err.Error(), "misspelt") {
					t.Errorf("%s with a member that is not known in %s: got %v, want it refused", kind, part, err)
				}
			}
		})
	}
}

// KServe's own rules of choice (predictor_model.go, GetSupportingRuntimes): the runtime has the InferenceService's protocol, which
// is v1 where it names none, and takes its format without being named.
func TestRuntimeIsChosen(t *testing.T) {
	model := at(t, plain(t, read(t, "kserve/inference-service-by-runtime.yaml")), "spec.predictor.model")
	spec := at(t, plain(t, read(t, "kserve/cluster-serving-runtime.yaml")), "spec")
	protocol, ok := model["protocolVersion"].(string)
	if !ok {
		protocol = "v1"
	}
	if !slices.Contains(spec["protocolVersions"].([]any), any(protocol)) {
		t.Errorf("the InferenceService asks for %s, the runtime has %v", protocol, spec["protocolVersions"])
	}
	wanted := at(t, model, "modelFormat")["name"]
	if !slices.ContainsFunc(spec["supportedModelFormats"].([]any), func(f any) bool {
		format := f.(map[string]any)
		return format["name"] == wanted && format["autoSelect"] == true
	}) {
		t.Errorf("no format %v that is selected by itself in %v", wanted, spec["supportedModelFormats"])
	}
}

// Cloud Run's and Knative's contract with a container: it listens on PORT, passes the manifest's probes, and is gone
// within ten seconds of SIGTERM.
func TestContainerContract(t *testing.T) {
	manifest := plain(t, read(t, "cloudrun/service.yaml"))
	container := at(t, manifest, "spec.template.spec.containers.0")
	port := e2e.FreePort(t)
	env := []string{"HOST=127.0.0.1", "PORT=" + port}
	for _, v := range container["env"].([]any) {
		v := v.(map[string]any)
		env = append(env, fmt.Sprintf("%v=%v", v["name"], v["value"]))
	}
	s := e2e.StartProcess(t, "http://127.0.0.1:"+port, env, e2e.Binary(t, "./cmd/local"))
	for _, probe := range []string{"startupProbe", "livenessProbe"} {
		path := at(t, manifest, "spec.template.spec.containers.0."+probe+".httpGet")["path"].(string)
		e2e.Poll(t, 30*time.Second, path, func() error {
			res, err := http.Get(s.URL + path)
			if err != nil {
				return err
			}
			defer res.Body.Close()
			if res.StatusCode != http.StatusOK {
				return fmt.Errorf("%s: %s", path, res.Status)
			}
			return nil
		})
	}
	began := time.Now()
	s.Stop(t)
	if took := time.Since(began); took > 10*time.Second {
		t.Errorf("it took %v to end, and the platform kills it after 10s", took)
	}
	percent := 0
	for i := range manifest.(map[string]any)["spec"].(map[string]any)["traffic"].([]any) {
		percent += int(at(t, manifest, fmt.Sprintf("spec.traffic.%d", i))["percent"].(float64))
	}
	if percent != 100 {
		t.Errorf("traffic: %d percent in all, want 100", percent)
	}
}

func read(t *testing.T, name string) map[string]any {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(e2e.Root(t), "deploy", name))
	if err != nil {
		t.Fatal(err)
	}
	var m map[string]any
	if err := yaml.Unmarshal(text, &m); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return m
}

// at is the object at a path of names and numbers.
func at(t *testing.T, v any, path string) map[string]any {
	t.Helper()
	for _, name := range strings.Split(path, ".") {
		switch x := v.(type) {
		case map[string]any:
			v = x[name]
		case []any:
			var i int
			if _, err := fmt.Sscan(name, &i); err != nil || i >= len(x) {
				t.Fatalf("no %s at %s", name, path)
			}
			v = x[i]
		}
	}
	m, ok := v.(map[string]any)
	if !ok {
		t.Fatalf("%s is %T, want an object", path, v)
	}
	return m
}
