package clients

import (
	"encoding/json"
	"fmt"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"ml-service/e2e"
)

// container is what deploy/kserve/ says of its container.
type container struct {
	Env   []struct{ Name, Value string }
	Ports []struct{ ContainerPort int }

	ReadinessProbe, LivenessProbe struct{ HTTPGet struct{ Path string } }
	Resources                     struct{ Limits struct{ Memory string } }
}

// The manifests in deploy/kserve/ have only fields that KServe and Kubernetes know, and their containers, run here
// by Docker as the manifests say, answer the probes and KServe's client.
func TestKServeContainers(t *testing.T) {
	root := e2e.Root(t)
	folder := filepath.Join(root, "deploy", "kserve")
	out := e2e.Command{Dir: filepath.Join(root, "e2e", "clients"), Env: []string{"PYTHONDONTWRITEBYTECODE=1"}}.Output(t, python(t), "kserve_manifest.py",
		filepath.Join(folder, "inference-service.yaml"), filepath.Join(folder, "inference-service-own-model.yaml"))
	var containers map[string]container
	if err := json.Unmarshal([]byte(out), &containers); err != nil || len(containers) != 2 {
		t.Fatalf("got %d containers (%v), want 2: %s", len(containers), err, out)
	}
	const image = "ml-service:e2e-kserve"
	e2e.Command{Dir: root, Limit: 10 * time.Minute}.Output(t, "docker", "build", "--quiet", "-t", image, ".")

	t.Run("embedded model", func(t *testing.T) {
		url := runContainer(t, image, containers["ml-service"])
		status, answer := send(t, http.MethodPost, url+"/v2/models/ml-service/infer",
			`{"id":"1","inputs":[{"name":"x","datatype":"FP32","shape":[1,3],"data":[0.4,-0.2,0.1]}],"outputs":[{"name":"probabilities"}]}`)
		const want = `{"model_name":"ml-service","model_version":"v1.0.0","id":"1","outputs":[{"name":"probabilities","datatype":"FP32","shape":[1,2],"data":[0.3969859,0.6030141]}]}`
		if status != http.StatusOK || string(answer) != want {
			t.Errorf("got  %d %s\nwant 200 %s", status, answer, want)
		}
	})
	t.Run("own model", func(t *testing.T) {
		const model = "titanic_logreg_zipmap_strings"
		models := filepath.Join(root, "onnx", "testdata", "models")
		// The mount stands for KServe's storage initializer; the version is the only value that differs from the manifest.
		url := runContainer(t, image, containers["tabular"], "--volume", models+":/mnt/models:ro", "--env", "MODEL_VERSION="+model)
		run := e2e.Command{Dir: filepath.Join(root, "e2e", "clients"), Env: []string{"PYTHONDONTWRITEBYTECODE=1"}, Limit: 2 * time.Minute}
		t.Log(counts(t, run.Output(t, python(t), "kserve_client.py", url, "tabular", model, filepath.Join(models, model, "cases.json"))))
	})
}

// runContainer starts a container as Kubernetes would by the manifest and returns its address once its readiness
// probe answers 200. It is removed, by its id, when the test ends.
func runContainer(t *testing.T, image string, c container, more ...string) string {
	t.Helper()
	port := e2e.FreePort(t)
	args := []string{"run", "--detach", "--read-only", "--cap-drop", "ALL", "--security-opt", "no-new-privileges",
		"--memory", strings.TrimSuffix(c.Resources.Limits.Memory, "i"), "--publish", fmt.Sprintf("127.0.0.1:%s:%d", port, c.Ports[0].ContainerPort)}
	for _, v := range c.Env {
		args = append(args, "--env", v.Name+"="+v.Value)
	}
	id := strings.TrimSpace(e2e.Command{}.Output(t, "docker", append(append(args, more...), image)...))
	t.Cleanup(func() {
		if t.Failed() {
			r, _ := e2e.Command{}.Run("docker", "logs", id)
			t.Logf("container printed:\n%s%s", r.Stdout, r.Stderr)
		}
		e2e.Command{}.Output(t, "docker", "rm", "--force", id)
	})
	url := "http://127.0.0.1:" + port
	for _, probe := range []string{c.ReadinessProbe.HTTPGet.Path, c.LivenessProbe.HTTPGet.Path} {
		e2e.Poll(t, 30*time.Second, "probe "+probe, func() error {
			resp, err := http.Get(url + probe)
			if err != nil {
				return err
			}
			defer resp.Body.Close()
			if resp.StatusCode != http.StatusOK {
				return fmt.Errorf("%s: %s", probe, resp.Status)
			}
			return nil
		})
	}
	return url
}
