package handler

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"ml-service/model"
)

// post sends a body of a kind.
func post(s *Service, path, kind, accept, body string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodPost, path, strings.NewReader(body))
	r.Header.Set("Content-Type", kind)
	r.Header.Set("Accept", accept)
	w := httptest.NewRecorder()
	s.Engine().ServeHTTP(w, r)
	return w
}

// TestPlatformsAgreeWithPredict sends rows of every fixture to /predict and, in each form that the model takes, to /invocations.
func TestPlatformsAgreeWithPredict(t *testing.T) {
	folders, err := filepath.Glob(fixtures + "/*/model.onnx")
	if err != nil || len(folders) == 0 {
		t.Fatalf("no fixtures: %v", err)
	}
	agreed := map[string]int{}
	for _, folder := range folders {
		name := filepath.Base(filepath.Dir(folder))
		m, err := model.Load(os.DirFS(fixtures), name)
		if err != nil {
			continue // a fixture that is to be refused
		}
		s := New(Options{Model: m})
		row, ok := s.exampleRow()
		if !ok {
			continue
		}
		w := ask(s, "POST", "/predict", `{"x":[`+row+`,`+row+`]}`)
		var want struct {
			Predictions []struct{ Prediction json.RawMessage }
			Outputs     map[string]json.RawMessage
		}
		if err := json.Unmarshal(w.Body.Bytes(), &want); err != nil || w.Code != http.StatusOK {
			continue // a batch that the model refuses
		}
		for form, body := range bodies(m, row) {
			w := ask(s, "POST", "/invocations", body)
			var got struct{ Predictions []json.RawMessage }
			if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil || w.Code != http.StatusOK {
				if want.Outputs == nil || !strings.Contains(w.Body.String(), "does not hold a row") {
					t.Errorf("%s, %s: got %d %s", name, form, w.Code, w.Body)
				}
				continue
			}
			if len(got.Predictions) != 2 {
				t.Errorf("%s, %s: got %d predictions, want 2", name, form, len(got.Predictions))
				continue
			}
			lines := strings.SplitAfter(post(s, "/invocations", "application/json", "text/csv", body).Body.String(), "\n")
			if len(lines) != 3 || lines[0] != lines[1] || lines[2] != "" {
				t.Errorf("%s, %s: got %q as CSV, want two lines of the same", name, form, lines)
			}
			if want.Outputs != nil {
				if one := rawRow(t, s, row); string(got.Predictions[1]) != one {
					t.Errorf("%s, %s: got %s, want %s", name, form, got.Predictions[1], one)
				}
				agreed["outputs, "+form]++
			}
			for i, p := range want.Predictions {
				if string(got.Predictions[i]) != string(p.Prediction) {
					t.Errorf("%s, %s: got %s, want %s", name, form, got.Predictions[i], p.Prediction)
				}
			}
			agreed[form]++
		}
	}
	t.Logf("models that answer each form as /predict: %v", agreed)
	const least = 300
	for _, form := range []string{"instances", "inputs by name", "inputs by column", "dataframe_split", "dataframe_records"} {
		if agreed[form] < least {
			t.Errorf("%s: %d models, want at least %d", form, agreed[form], least)
		}
	}
}

// rawRow is what /predict answers to one row of a model that is neither classifier nor regressor: its output, or the object of them.
func rawRow(t *testing.T, s *Service, row string) string {
	t.Helper()
	w := ask(s, "POST", "/predict", `{"x":`+row+`}`)
	var answer struct{ Outputs json.RawMessage }
	var outputs map[string]json.RawMessage
	if json.Unmarshal(w.Body.Bytes(), &answer) != nil || json.Unmarshal(answer.Outputs, &outputs) != nil {
		t.Fatalf("got %d %s", w.Code, w.Body)
	}
	if len(outputs) > 1 {
		return string(answer.Outputs)
	}
	for _, one := range outputs {
		return string(one)
	}
	return ""
}

// bodies are two rows in each form that takes them: row is the x of one.
func bodies(m *model.Model, row string) map[string]string {
	all := map[string]string{"instances": `{"instances":[` + row + `,` + row + `]}`}
	inputs := m.Inputs()
	parts := map[string]json.RawMessage{}
	if len(inputs) == 1 {
		parts[inputs[0].Name] = json.RawMessage(row)
	} else if json.Unmarshal([]byte(row), &parts) != nil {
		return all
	}
	columns, values, flat := []string{}, []string{}, true
	var tensors []string
	for _, in := range inputs {
		part := string(parts[in.Name])
		key := quoted(in.Name)
		tensors = append(tensors, key+`:[`+part+`,`+part+`]`)
		var list []json.RawMessage
		switch {
		case len(inputs) > 1 && in.Width == 1 && len(in.Row) == 1:
			columns, values = append(columns, key), append(values, part)
		case len(inputs) == 1 && len(in.Row) == 1 && in.Width > 0 && json.Unmarshal([]byte(part), &list) == nil:
			for i, v := range list {
				name := fmt.Sprint(i)
				if in.Features != nil {
					name = in.Features[i]
				}
				key := quoted(name)
				columns, values = append(columns, key), append(values, string(v))
			}
		default:
			flat = false
		}
	}
	all["inputs by name"] = `{"inputs":{` + strings.Join(tensors, ",") + `}}`
	if flat {
		slices.Reverse(columns)
		slices.Reverse(values)
		var members, turned []string
		for i := range columns {
			members = append(members, columns[i]+":"+values[i])
			turned = append(turned, columns[i]+":["+values[i]+","+values[i]+"]")
		}
		record, list := "{"+strings.Join(members, ",")+"}", "["+strings.Join(values, ",")+"]"
		all["dataframe_records"] = `{"dataframe_records":[` + record + `,` + record + `]}`
		all["dataframe_split"] = `{"dataframe_split":{"columns":[` + strings.Join(columns, ",") + `],"index":[0,1],"data":[` + list + `,` + list + `]}}`
		all["inputs by column"] = `{"inputs":{` + strings.Join(turned, ",") + `}}`
	}
	return all
}

// TestCSVAgreesWithJSON sends the same rows as CSV and as JSON, to a model of several inputs with strings and to one of several
// targets.
func TestCSVAgreesWithJSON(t *testing.T) {
	for _, name := range []string{"titanic_logreg_zipmap_strings", "forest_regressor_multi_output"} {
		m, err := model.Load(os.DirFS(fixtures), name)
		if err != nil {
			t.Fatal(err)
		}
		s := New(Options{Model: m})
		row, ok := s.exampleRow()
		if !ok {
			t.Fatalf("%s: no row", name)
		}
		values := bodies(m, row)["dataframe_split"]
		var split struct {
			Frame struct {
				Columns []any
				Data    [][]any
			} `json:"dataframe_split"`
		}
		if err := json.Unmarshal([]byte(values), &split); err != nil {
			t.Fatal(err)
		}
		csv := func(header bool, rows [][]any) string {
			var lines []string
			if header {
				rows = append([][]any{split.Frame.Columns}, rows...)
			}
			for _, row := range rows {
				var cells []string
				for _, v := range row {
					cells = append(cells, fmt.Sprint(v))
				}
				if !header {
					slices.Reverse(cells) // bodies has the columns the other way round
				}
				lines = append(lines, strings.Join(cells, ","))
			}
			return strings.Join(lines, "\n")
		}
		want := post(s, "/invocations", "application/json", "*/*", values)
		for kind, body := range map[string]string{"text/csv; header=absent": csv(false, split.Frame.Data), "text/csv; header=present": csv(true, split.Frame.Data)} {
			got := post(s, "/invocations", kind, "application/json", body)
			if want.Code != http.StatusOK || got.Code != http.StatusOK || got.Body.String() != want.Body.String() {
				t.Errorf("%s, %s: got %d %s, want 200 %s\n%s", name, kind, got.Code, got.Body, want.Body, body)
			}
		}
		var answer struct{ Predictions []any }
		if err := json.Unmarshal(want.Body.Bytes(), &answer); err != nil {
			t.Fatal(err)
		}
		var lines []string
		for _, p := range answer.Predictions {
			lines = append(lines, strings.ReplaceAll(strings.Trim(fmt.Sprint(p), "[]"), " ", ","))
		}
		got := post(s, "/invocations", "application/json", "text/csv", values)
		if want := strings.Join(lines, "\n") + "\n"; got.Body.String() != want || got.Header().Get("Content-Type") != csvType[0] {
			t.Errorf("%s: got %q %s, want %q", name, got.Body, got.Header().Get("Content-Type"), want)
		}
	}
}

// TestVertexRoutes has Vertex AI choose the addresses: its own form, ones that the router takes for a pattern, and one of ours.
func TestVertexRoutes(t *testing.T) {
	const body, want = `{"instances":[[0.4,-0.2,0.1]],"parameters":{}}`, `{"predictions":[1.0]}`
	for _, c := range []struct{ health, predict string }{
		{"/v1/endpoints/7/deployedModels/8", "/v1/endpoints/7/deployedModels/8:predict"},
		{"/v1/models/other", "/v1/other/:name"},
		{"/health", "/predict"},
		{"/ping", "/invocations"},
		{"/healthz", "/answer/*all"},
	} {
		s := demo(t, Options{HealthRoute: c.health, PredictRoute: c.predict})
		if c.health == "/v1/models/other" { // a model of another name is not there, whatever Vertex AI calls it
			c.health = "/livez"
		}
		if w := ask(s, "GET", c.health, ""); w.Code != http.StatusOK {
			t.Errorf("GET %s: got %d %s, want 200", c.health, w.Code, w.Body)
		}
		if w := ask(s, "POST", c.predict, body); w.Code != http.StatusOK || w.Body.String() != want {
			t.Errorf("POST %s: got %d %s, want 200 %s", c.predict, w.Code, w.Body, want)
		}
		if w := ask(s, "POST", "/predict", `{"x":[0.4,-0.2,0.1]}`); w.Body.String() != `{"prediction":1.0,"confidence":0.603,"version":"v1.0.0"}` {
			t.Errorf("/predict beside %s: got %d %s", c.predict, w.Code, w.Body)
		}
		if w := ask(s, "GET", c.predict, ""); w.Code != http.StatusMethodNotAllowed || !strings.Contains(w.Header().Get("Allow"), "POST") {
			t.Errorf("GET %s: got %d, Allow %q, want 405 and POST", c.predict, w.Code, w.Header().Get("Allow"))
		}
		s.Drain()
		if w := ask(s, "GET", c.health, ""); w.Code != http.StatusServiceUnavailable && c.health != "/livez" {
			t.Errorf("GET %s while draining: got %d, want 503", c.health, w.Code)
		}
	}
}

// TestVertexRouteIsMeasured finds the address that Vertex AI chose under the name of the route that it is.
func TestVertexRouteIsMeasured(t *testing.T) {
	seen := &routesSeen{}
	s := demo(t, Options{PredictRoute: "/v1/endpoints/7:predict", Observer: seen})
	ask(s, "POST", "/v1/endpoints/7:predict", `{"instances":[[0.4,-0.2,0.1]]}`)
	ask(s, "POST", "/v1/models/ml-service:predict", `{"instances":[[0.4,-0.2,0.1]]}`)
	if want := []string{"/invocations", "/v1/models/:name"}; !slices.Equal(seen.routes, want) || !Predicts(want[0]) || !Predicts(want[1]) || seen.rows != 2 {
		t.Errorf("got %v and %d rows, want %v and 2", seen.routes, seen.rows, want)
	}
}

type routesSeen struct {
	routes []string
	rows   int
}

func (r *routesSeen) Request(route string, _ int, _ time.Duration) {
	r.routes = append(r.routes, route)
}
func (r *routesSeen) Inference(b *model.Batch, _ time.Duration) { r.rows += b.Rows() }

func TestOnPlatform(t *testing.T) {
	full, empty := t.TempDir(), t.TempDir()
	if err := os.Mkdir(filepath.Join(full, "v1"), 0o755); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name   string
		args   []string
		env    map[string]string
		models string
		want   string // arguments, PORT, MODEL_DIR; or the beginning of the error
	}{
		{"plain", []string{"--port", "1"}, nil, full, "--port 1||"},
		{"Vertex AI", nil, map[string]string{"AIP_HTTP_PORT": "8081", "AIP_STORAGE_URI": ""}, full, "|8081|"},
		{"PORT over AIP_HTTP_PORT", nil, map[string]string{"AIP_HTTP_PORT": "8081", "PORT": "9"}, full, "|9|"},
		{"artifacts of Vertex AI", nil, map[string]string{"AIP_STORAGE_URI": "gs://b/m", "MODEL_DIR": "/models"}, full, "AIP_STORAGE_URI is gs://b/m"},
		{"artifacts and a folder", nil, map[string]string{"AIP_STORAGE_URI": "gs://b/m", "MODEL_DIR": "/mine"}, full, "||/mine"},
		{"artifacts and a flag", []string{"--model-dir=/mine"}, map[string]string{"AIP_STORAGE_URI": "gs://b/m"}, full, "--model-dir=/mine||"},
		{"SageMaker", []string{"serve"}, map[string]string{"MODEL_DIR": "/models"}, full, "||" + full},
		{"SageMaker without the image", []string{"serve", "--color", "blue"}, nil, full, "--color blue||" + full},
		{"SageMaker without artifacts", []string{"serve"}, map[string]string{"MODEL_DIR": "/models"}, empty, "||/models"},
		{"SageMaker without the folder", []string{"serve"}, map[string]string{"MODEL_DIR": "/models"}, full + "/none", "||/models"},
		{"SageMaker and a folder of one's own", []string{"serve"}, map[string]string{"MODEL_DIR": "/mine"}, full, "||/mine"},
		{"several containers", []string{"serve"}, map[string]string{"SAGEMAKER_BIND_TO_PORT": "8085"}, empty, "|8085|"},
		{"the port without the word", nil, map[string]string{"SAGEMAKER_BIND_TO_PORT": "8085"}, empty, "||"},
	} {
		args, getenv, err := onPlatform(c.args, func(name string) string { return c.env[name] }, c.models)
		if err != nil {
			if !strings.HasPrefix(err.Error(), c.want) || ExitCode(err) != ExitUsage {
				t.Errorf("%s: got %v, want %s", c.name, err, c.want)
			}
			continue
		}
		if got := strings.Join(args, " ") + "|" + getenv("PORT") + "|" + getenv("MODEL_DIR"); got != c.want {
			t.Errorf("%s: got %s, want %s", c.name, got, c.want)
		}
	}
}

// TestTriton reads the configuration of tensors of each shape, and the statistics of what was asked.
func TestTriton(t *testing.T) {
	s := demo(t, Options{MaxBodyBytes: 1200})
	config := ask(s, "GET", "/v2/models/ml-service/versions/v1.0.0/config", "").Body.String()
	for _, want := range []string{`"max_batch_size":100,`, `"input":[{"name":"x","data_type":"TYPE_FP32","dims":[3]}]`,
		`{"name":"label","data_type":"TYPE_INT64","dims":[1],"reshape":{"shape":[]}},{"name":"probabilities","data_type":"TYPE_FP32","dims":[2]}`} {
		if !strings.Contains(config, want) {
			t.Errorf("got %s, want %s in it", config, want)
		}
	}
	ask(s, "POST", "/predict", `{"x":[0.4,-0.2,0.1]}`)
	ask(s, "POST", "/predict", `{"x":[0.4,-0.2]}`)
	ask(s, "POST", "/invocations", `{"instances":[[0.4,-0.2,0.1],[0.4,-0.2,0.1]]}`)
	ask(s, "POST", "/v2/models/ml-service/infer", `{"inputs":[{"name":"x","datatype":"FP32","shape":[2,3],"data":[1,2,3,4,5,6]}]}`)
	for _, path := range []string{"/v2/models/ml-service/stats", "/v2/models/ml-service/versions/v1.0.0/stats", "/v2/models/stats"} {
		var got struct {
			Stats []tritonStatistic `json:"model_stats"`
		}
		w := ask(s, "GET", path, "")
		if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil || len(got.Stats) != 1 {
			t.Fatalf("%s: got %s (%v)", path, w.Body, err)
		}
		one := got.Stats[0]
		if one.Name != "ml-service" || one.Version != "v1.0.0" || one.InferenceCount != 5 || one.ExecutionCount != 3 || one.LastInference == 0 {
			t.Errorf("%s: got %+v, want 5 rows in 3 batches", path, one)
		}
		sum := int64(0)
		for name, want := range map[string]int64{"success": 3, "fail": 1, "queue": 3, "compute_input": 3, "compute_infer": 3, "compute_output": 3, "cache_hit": 0, "cache_miss": 0} {
			if got := one.InferenceStats[name]; got.Count != want {
				t.Errorf("%s: %s: got %d, want %d", path, name, got.Count, want)
			}
			if strings.HasPrefix(name, "compute") || name == "queue" {
				sum += one.InferenceStats[name].NS
			}
		}
		if all := one.InferenceStats["success"].NS; all != sum || all == 0 {
			t.Errorf("%s: success took %d ns, its parts %d", path, all, sum)
		}
		if len(one.BatchStats) != 2 || one.BatchStats[0].Rows != 1 || one.BatchStats[0].Infer.Count != 1 || one.BatchStats[1].Infer.Count != 2 {
			t.Errorf("%s: batches: got %+v", path, one.BatchStats)
		}
	}
	s.Drain()
	for body, want := range map[string]string{"": `"UNAVAILABLE","reason":"draining"`, `{"ready":true}`: `[]`} {
		if w := ask(s, "POST", "/v2/repository/index", body); w.Code != http.StatusOK || !strings.Contains(w.Body.String(), want) {
			t.Errorf("index while draining: got %d %s, want %s", w.Code, w.Body, want)
		}
	}
}

// TestPlatformsAreBounded has the platforms' requests wait, be refused and be counted against the memory as those of /predict are.
func TestPlatformsAreBounded(t *testing.T) {
	s := demo(t, Options{Concurrency: 1, Queue: -1})
	if err := s.gate.enter(t.Context(), 0); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"/invocations", "/v1/models/ml-service:predict"} {
		if w := ask(s, "POST", path, `{"instances":[[0.4,-0.2,0.1]]}`); w.Code != http.StatusServiceUnavailable || w.Header().Get("Retry-After") == "" {
			t.Errorf("%s: got %d %s, want 503 with Retry-After", path, w.Code, w.Body)
		}
	}
	s.gate.leave()
	s = demo(t, Options{Memory: 4 << 20, MaxBodyBytes: 1 << 20})
	many := bytes.Repeat([]byte("1,2,3\n"), 100_000)
	w := post(s, "/invocations", "text/csv", "", string(many))
	if w.Code != http.StatusRequestEntityTooLarge || !strings.Contains(w.Body.String(), "the batch is too large") {
		t.Errorf("100000 lines in 4 MB: got %d %.200s, want 413", w.Code, w.Body)
	}
	if l := s.Load(); l.Bodies != 0 || l.Work != 0 || l.Running != 0 {
		t.Errorf("afterwards: %+v, want nothing held", l)
	}
	s = demo(t, Options{Memory: 64 << 20, MaxBodyBytes: 1 << 20})
	w = post(s, "/invocations", "text/csv", "text/csv", string(many))
	if lines := strings.Count(w.Body.String(), "\n"); w.Code != http.StatusOK || lines != 100_000 {
		t.Errorf("100000 lines in 64 MB: got %d and %d lines, want 200 and 100000", w.Code, lines)
	}
}
