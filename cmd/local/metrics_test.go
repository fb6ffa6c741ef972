package main

import (
	"io"
	"maps"
	"net/http/httptest"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"ml-service/handler"
	"ml-service/model"
	"ml-service/models"
)

// scrape gives the samples of /metrics by name and labels.
func scrape(t *testing.T, service *handler.Service) map[string]string {
	t.Helper()
	answer := httptest.NewRecorder()
	service.Engine().ServeHTTP(answer, httptest.NewRequest("GET", "/metrics", nil))
	body, err := io.ReadAll(answer.Body)
	if err != nil || answer.Code != 200 {
		t.Fatalf("GET /metrics: %d, %v", answer.Code, err)
	}
	samples := make(map[string]string)
	for line := range strings.Lines(string(body)) {
		if name, value, ok := strings.Cut(strings.TrimSpace(line), "} "); ok && !strings.HasPrefix(line, "#") {
			samples[name+"}"] = value
		}
	}
	return samples
}

func observed(t *testing.T, version string) *handler.Service {
	t.Helper()
	m, err := model.Load(models.FS, version)
	if err != nil {
		t.Fatal(err)
	}
	cfg := handler.Config{ModelName: "ml-service", Color: "blue", MaxConcurrency: 3, MaxQueue: 7}
	counted := newMetrics(m, cfg)
	service := handler.New(handler.Options{Model: m, Name: cfg.ModelName, Color: cfg.Color, Observer: counted, Metrics: counted.handler(),
		Concurrency: cfg.MaxConcurrency, Queue: cfg.MaxQueue})
	counted.watch(service)
	return service
}

func TestMetricsCountWhatIsServed(t *testing.T) {
	service := observed(t, "v1.0.0")
	send := func(method, path, body string) {
		service.Engine().ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(method, path, strings.NewReader(body)))
	}
	send("POST", "/predict", `{"x":[0.4,-0.2,0.1]}`)           // class 1, 0.603
	send("POST", "/predict", `{"x":[[1,2,3],[0.4,-0.2,0.1]]}`) // class 0, 0.999, and as above
	send("POST", "/predict", `{"x":[1]}`)
	send("POST", "/v2/models/ml-service/infer", `{"inputs":[{"name":"x","datatype":"FP32","shape":[1,3],"data":[1,2,3]}]}`)
	send("GET", "/health", "")
	send("GET", "/a", "")
	send("GET", "/b", "")
	send("DELETE", "/predict", "")
	samples := scrape(t, service)
	const labels = `color="blue",model_version="v1.0.0"`
	for name, want := range map[string]string{
		`ml_requests_total{code="200",` + labels + `,route="/predict"}`:                    "2",
		`ml_requests_total{code="422",` + labels + `,route="/predict"}`:                    "1",
		`ml_requests_total{code="200",` + labels + `,route="/health"}`:                     "1",
		`ml_requests_total{code="404",` + labels + `,route="none"}`:                        "2",
		`ml_requests_total{code="405",` + labels + `,route="none"}`:                        "1",
		`ml_request_duration_seconds_count{` + labels + `,route="/predict"}`:               "3",
		`ml_request_duration_seconds_count{` + labels + `,route="/v2/models/:name/infer"}`: "1",
		`ml_inference_duration_seconds_count{` + labels + `}`:                              "3",
		`ml_rows_total{` + labels + `}`:                                                    "4",
		`ml_predictions_total{class="0",` + labels + `}`:                                   "2",
		`ml_predictions_total{class="1",` + labels + `}`:                                   "2",
		`ml_prediction_score_count{class="0",` + labels + `}`:                              "2",
		`ml_prediction_score_bucket{class="1",` + labels + `,le="0.6"}`:                    "0",
		`ml_prediction_score_bucket{class="1",` + labels + `,le="0.7"}`:                    "2",
		`ml_prediction_score_bucket{class="0",` + labels + `,le="0.99"}`:                   "0",
		`ml_prediction_score_bucket{class="0",` + labels + `,le="1"}`:                      "2",
		`ml_prediction_duration_seconds_count{` + labels + `,start="true"}`:                "3",
		`ml_prediction_duration_seconds_count{` + labels + `,start="false"}`:               "0",
		`ml_inflight_requests{` + labels + `}`:                                             "1", // the scrape itself
		`ml_inference_running{` + labels + `}`:                                             "0",
		`ml_inference_waiting{` + labels + `}`:                                             "0",
		`ml_inference_concurrency_limit{` + labels + `}`:                                   "3",
		`ml_inference_queue_limit{` + labels + `}`:                                         "7",
		`ml_build_info{` + labels + `,revision="unknown"}`:                                 "1",
	} {
		if got := samples[name]; got != want {
			t.Errorf("%s: got %q, want %q", name, got, want)
		}
	}
	info := regexp.MustCompile(`^ml_model_info\{color="blue",kind="classifier",model_version="v1.0.0",name="ml-service",sha256="[0-9a-f]{64}",version="v1.0.0"\}$`)
	if !slices.ContainsFunc(slices.Collect(maps.Keys(samples)), info.MatchString) {
		t.Errorf("no sample matches %s", info)
	}
}

// What a model does not know is counted by column, in series that are there from the start.
func TestMetricsCountUnknownCategories(t *testing.T) {
	m, err := model.Load(os.DirFS("../../onnx/testdata/models"), "titanic_logreg")
	if err != nil {
		t.Fatal(err)
	}
	counted := newMetrics(m, handler.Config{})
	service := handler.New(handler.Options{Model: m, Name: "m", Observer: counted, Metrics: counted.handler()})
	check := func(want string) {
		t.Helper()
		got := ""
		for name, value := range scrape(t, service) {
			if column, ok := strings.CutPrefix(name, `ml_unknown_categories_total{color="",column="`); ok {
				got += strings.TrimSuffix(column, `",model_version="titanic_logreg"}`) + " " + value + "\n"
			}
		}
		lines := strings.Split(strings.TrimSpace(got), "\n")
		slices.Sort(lines)
		if got := strings.Join(lines, ", "); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
	check("embarked 0, other 0, pclass 0, sex 0, sibsp 0")
	send := func(rows ...string) {
		a := httptest.NewRecorder()
		service.Engine().ServeHTTP(a, httptest.NewRequest("POST", "/predict", strings.NewReader(`{"x":[`+strings.Join(rows, ",")+`]}`)))
		if a.Code != 200 {
			t.Fatal(a.Code, a.Body)
		}
	}
	row := func(sex, embarked string) string {
		return `{"sex":"` + sex + `","age":24.5,"fare":11.82,"embarked":"` + embarked + `","pclass":1,"sibsp":1}`
	}
	send(row("male", "T"), row("x", "S"), row("x", "None"))
	check("embarked 2, other 0, pclass 0, sex 2, sibsp 0")
	send(slices.Repeat([]string{row("male", "T")}, 1500)...)
	check("embarked 1026, other 476, pclass 0, sex 2, sibsp 0")
}

// The first predictions of a process are told apart, and only answers with predictions are timed there.
func TestMetricsTellTheStartApart(t *testing.T) {
	service := observed(t, "v1.1.0")
	for k := range 2 * (firstPredictions + 5) {
		body := `{"x":[0.4,-0.2,0.1]}`
		if k%2 == 1 {
			body = `{"x":[1]}`
		}
		service.Engine().ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("POST", "/predict", strings.NewReader(body)))
	}
	samples := scrape(t, service)
	for start, want := range map[string]string{"true": "20", "false": "5"} {
		if got := samples[`ml_prediction_duration_seconds_count{color="blue",model_version="v1.1.0",start="`+start+`"}`]; got != want {
			t.Errorf("start=%s: %s requests, want %s", start, got, want)
		}
	}
}

// Between 0.1 ms and 1 s no bucket is wider than a quarter.
func TestFineSeconds(t *testing.T) {
	for k, limit := range fineSeconds[1:] {
		if before := fineSeconds[k]; limit <= before || before >= 0.1e-3 && before < 1 && limit > 1.2501*before {
			t.Errorf("%g after %g", limit, before)
		}
	}
	if !slices.Contains(fineSeconds, 0.1e-3) || !slices.Contains(fineSeconds, 1) {
		t.Errorf("0.1 ms and 1 s are missing: %v", fineSeconds)
	}
}

// Whatever callers send, the label values stay few.
func TestMetricsLabelsAreBounded(t *testing.T) {
	service := observed(t, "v1.1.0")
	ask := func(path string) {
		for _, method := range []string{"GET", "BREW"} {
			service.Engine().ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(method, path, nil))
		}
	}
	ask("/nowhere")
	ask("/v2/models/none")
	ask("/v2/models/ml-service/versions/none")
	scrape(t, service) // a request of its own
	before := len(scrape(t, service))
	for k := range 200 {
		suffix := strings.Repeat("x", k+1)
		ask("/nowhere/" + suffix)
		ask("/v2/models/" + suffix)
		ask("/v2/models/ml-service/versions/" + suffix)
	}
	if after := len(scrape(t, service)); after != before {
		t.Errorf("%d samples before and %d after 1,200 strange requests, want as many", before, after)
	}
}

func BenchmarkObserve(b *testing.B) {
	m, err := model.Load(models.FS, "v1.0.0")
	if err != nil {
		b.Fatal(err)
	}
	counted := newMetrics(m, handler.Config{})
	batch := m.Batch()
	defer batch.Release()
	x := batch.Input(0)
	x.Resize(1, 3)
	copy(x.F32, []float32{0.4, -0.2, 0.1})
	if err := batch.Run(nil); err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		counted.Inference(batch, 3*time.Microsecond)
		counted.Request("/predict", 200, 20*time.Microsecond)
	}
}
