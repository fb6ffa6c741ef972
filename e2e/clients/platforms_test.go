package clients

import (
	"errors"
	"io"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"ml-service/e2e"
)

// The clients of the managed platforms, each from its own library, are answered what /predict answers.
func TestPlatformClients(t *testing.T) {
	const route = "/v1/endpoints/7/deployedModels/8:predict" // as Vertex AI chooses one
	for _, model := range []string{
		"titanic_logreg_zipmap_strings", // several inputs, strings, missing values
		"onehot_logreg_string",          // strings, a row of three without names
		"logreg_multinomial_double",
		"linear_regression_int64_input",
		"forest_regressor_multi_output", // several targets
		"xgb_multiclass_digits",
	} {
		t.Run(model, func(t *testing.T) {
			dir := filepath.Join(e2e.Root(t), "onnx", "testdata", "models")
			s := e2e.Start(t, "MODEL_DIR="+dir, "MODEL_VERSION="+model, "MODEL_NAME=tabular", "DRAIN_DELAY=0s",
				"AIP_HEALTH_ROUTE="+strings.TrimSuffix(route, ":predict"), "AIP_PREDICT_ROUTE="+route)
			run := e2e.Command{Dir: filepath.Join(e2e.Root(t), "e2e", "clients"), Env: []string{"PYTHONDONTWRITEBYTECODE=1"}, Limit: 2 * time.Minute}
			port := s.URL[strings.LastIndexByte(s.URL, ':')+1:]
			t.Log(counts(t, run.Output(t, python(t), "platform_clients.py", port, "tabular", filepath.Join(dir, model, "cases.json"), route)))
		})
	}
}

// The image, as SageMaker and as Vertex AI run it.
func TestPlatformContainers(t *testing.T) {
	root := e2e.Root(t)
	const image, model = "ml-service:e2e-platforms", "titanic_logreg_zipmap_strings"
	e2e.Command{Dir: root, Limit: 10 * time.Minute}.Output(t, "docker", "build", "--quiet", "-t", image, ".")
	folder := t.TempDir() // what model.tar.gz holds
	e2e.Command{}.Output(t, "cp", "-R", filepath.Join(root, "onnx", "testdata", "models", model), folder)
	e2e.Command{}.Output(t, "chmod", "-R", "a+rX", folder, filepath.Dir(folder))

	for _, c := range []struct {
		name, health, predict, kind, body, want string
		docker, args                            []string
		port                                    string
	}{
		{name: "SageMaker", docker: []string{"--volume", folder + ":/opt/ml/model:ro"}, args: []string{"serve"}, port: "8080",
			health: "/ping", predict: "/invocations", kind: "text/csv", body: "age,embarked,fare,pclass,sex,sibsp\n22,S,7.25,3,male,1\n", want: `{"predictions":["died"]}`},
		{name: "SageMaker, several containers", docker: []string{"--env", "SAGEMAKER_BIND_TO_PORT=8085"}, args: []string{"serve"}, port: "8085",
			health: "/ping", predict: "/invocations", kind: "application/json", body: `{"instances":[[0.4,-0.2,0.1]]}`, want: `{"predictions":[1.0]}`},
		{name: "Vertex AI", docker: []string{"--env", "AIP_HTTP_PORT=8081", "--env", "AIP_HEALTH_ROUTE=/v1/endpoints/7/deployedModels/8",
			"--env", "AIP_PREDICT_ROUTE=/v1/endpoints/7/deployedModels/8:predict", "--env", "AIP_STORAGE_URI="}, port: "8081",
			health: "/v1/endpoints/7/deployedModels/8", predict: "/v1/endpoints/7/deployedModels/8:predict", kind: "application/json",
			body: `{"instances":[[0.4,-0.2,0.1],[2.284548,2.3819487,-0.06852648]],"parameters":{}}`, want: `{"predictions":[1.0,0.0]}`},
	} {
		t.Run(c.name, func(t *testing.T) {
			port := e2e.FreePort(t)
			args := append([]string{"run", "--detach", "--publish", "127.0.0.1:" + port + ":" + c.port}, c.docker...)
			id := strings.TrimSpace(e2e.Command{}.Output(t, "docker", append(append(args, image), c.args...)...))
			t.Cleanup(func() { e2e.Command{}.Output(t, "docker", "rm", "--force", id) })
			url := "http://127.0.0.1:" + port
			e2e.Poll(t, 30*time.Second, c.health, func() error {
				resp, err := http.Get(url + c.health)
				if err != nil {
					return err
				}
				defer resp.Body.Close()
				if resp.StatusCode != http.StatusOK {
					return errors.New(resp.Status)
				}
				return nil
			})
			resp, err := http.Post(url+c.predict, c.kind, strings.NewReader(c.body))
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
			answer, err := io.ReadAll(resp.Body)
			if err != nil || resp.StatusCode != http.StatusOK || string(answer) != c.want {
				t.Errorf("got %d %s (%v), want 200 %s", resp.StatusCode, answer, err, c.want)
			}
			if version := resp.Header.Get("X-Model-Version"); c.name == "SageMaker" && version != model {
				t.Errorf("%s answered, want the model in /opt/ml/model: %s", version, answer)
			}
			t.Logf("%s", answer)
		})
	}
	r, err := e2e.Command{}.Run("docker", "run", "--rm", "--env", "AIP_STORAGE_URI=gs://bucket/model", image)
	if err != nil || r.Code != 2 || !strings.Contains(r.Stderr, "AIP_STORAGE_URI is gs://bucket/model, from where nothing is fetched") {
		t.Errorf("artifacts in Cloud Storage: got status %d (%v)\n%s, want 2 and why", r.Code, err, r.Stderr)
	}
}
