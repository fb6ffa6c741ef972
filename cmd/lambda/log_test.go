package main

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"ml-service/handler"
	"ml-service/model"
	"ml-service/models"
)

func TestOneLineForEachRequest(t *testing.T) {
	m, err := model.Load(models.FS, "v1.0.0")
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name, event, namespace string
		level                  slog.Level
		lines                  int
		msg, levelOf           string
	}{
		{"a request", "httpapi", "", slog.LevelInfo, 1, "request", "INFO"},
		{"a failed one", "httpapi-base64-broken", "", slog.LevelInfo, 1, "request failed", "INFO"},
		{"a request at debug", "httpapi", "", slog.LevelDebug, 1, "request", "INFO"},
		{"a request at warn", "httpapi", "", slog.LevelWarn, 0, "", ""},
		{"a request at warn with metrics", "httpapi", "ml", slog.LevelWarn, 1, "request", "INFO"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var out bytes.Buffer
			from := instance{function: "ml", version: "7", model: "v1.0.0", namespace: tt.namespace}
			logger := newLogger(&out, tt.level, from)
			f := newFunction(handler.New(handler.Options{Model: m, Logger: logger}).Engine(), from, logger)
			invoke(t, f, recorded(t, tt.event, nil))
			if got := strings.Count(out.String(), "\n"); got != tt.lines {
				t.Fatalf("%d lines, want %d:\n%s", got, tt.lines, out.String())
			}
			if tt.lines == 0 {
				return
			}
			var line map[string]any
			if err := json.Unmarshal(out.Bytes(), &line); err != nil {
				t.Fatal(err)
			}
			if line["msg"] != tt.msg || line["level"] != tt.levelOf || line["function_version"] != "7" || line["version"] != "v1.0.0" || line["method"] != "POST" || line["path"] != "/predict" {
				t.Errorf("line %s", out.String())
			}
			if _, measured := line["_aws"]; measured != (tt.namespace != "") {
				t.Errorf("metrics %v with namespace %q", measured, tt.namespace)
			}
			if latency, ok := line["Latency"].(float64); tt.namespace != "" && (!ok || latency <= 0 || latency > 60_000) {
				t.Errorf("Latency is %v", line["Latency"])
			}
		})
	}
}

func TestAbortedRequestIsLogged(t *testing.T) {
	f, _ := echo(t)
	var out bytes.Buffer
	f.log = newLogger(&out, slog.LevelInfo, f.from)
	invoke(t, f, recorded(t, "rest-abort", nil))
	if strings.Count(out.String(), "\n") != 1 || !strings.Contains(out.String(), `"level":"ERROR","msg":"request failed","method":"GET","path":"/abort","status":500`) {
		t.Errorf("log %q", out.String())
	}
}

// Every name that the directive mentions is a member of the line, as the format's specification wants it.
func TestEmbeddedMetricFormat(t *testing.T) {
	tests := []struct {
		status           int
		errors4, errors5 float64
	}{{200, 0, 0}, {404, 1, 0}, {422, 1, 0}, {500, 0, 1}, {503, 0, 1}}
	for _, tt := range tests {
		var out bytes.Buffer
		logger := newLogger(&out, slog.LevelInfo, instance{function: "ml", version: "7", model: "v1.0.0", namespace: "my/models"})
		logger.With("request_id", "r").Info("request", slog.Int("status", tt.status), slog.Float64("seconds", 0.0015))
		var line struct {
			AWS struct {
				Timestamp         int64
				CloudWatchMetrics []directive
			} `json:"_aws"`
		}
		var members map[string]any
		for _, into := range []any{&line, &members} {
			if err := json.Unmarshal(out.Bytes(), into); err != nil {
				t.Fatal(err)
			}
		}
		if age := time.Since(time.UnixMilli(line.AWS.Timestamp)); age < -time.Second || age > time.Hour {
			t.Errorf("timestamp %d is %s ago", line.AWS.Timestamp, age)
		}
		if len(line.AWS.CloudWatchMetrics) != 1 || line.AWS.CloudWatchMetrics[0].Namespace != "my/models" {
			t.Fatalf("%s", out.String())
		}
		d := line.AWS.CloudWatchMetrics[0]
		for _, m := range d.Metrics {
			if _, ok := members[m.Name].(float64); !ok {
				t.Errorf("metric %s is %v", m.Name, members[m.Name])
			}
		}
		for _, set := range d.Dimensions {
			for _, name := range set {
				if v, ok := members[name].(string); !ok || v == "" {
					t.Errorf("dimension %s is %v", name, members[name])
				}
			}
		}
		for name, want := range map[string]any{
			"Requests": 1.0, "Errors4xx": tt.errors4, "Errors5xx": tt.errors5, "Latency": 1.5, "ColdStarts": 1.0,
			"FunctionName": "ml", "FunctionVersion": "7", "Alias": "none", "ModelVersion": "v1.0.0", "request_id": "r",
		} {
			if members[name] != want {
				t.Errorf("status %s: %s is %v, want %v", http.StatusText(tt.status), name, members[name], want)
			}
		}
	}
}

// The first request of an instance is told apart, and what is no answered prediction has no latency that is judged.
func TestColdStartsAreToldApart(t *testing.T) {
	var out bytes.Buffer
	logger := newLogger(&out, slog.LevelInfo, instance{function: "ml", version: "7", namespace: "ml"})
	for _, r := range []struct {
		method string
		status int
	}{{"POST", 200}, {"POST", 200}, {"GET", 200}, {"POST", 422}, {"POST", 200}} {
		logger.With("request_id", "r").Info("request", slog.String("method", r.method), slog.Int("status", r.status), slog.Float64("seconds", 0.0015))
	}
	var cold, timed []bool
	for text := range strings.Lines(out.String()) {
		var line struct {
			ColdStarts        int
			PredictionLatency *float64
			AWS               struct{ CloudWatchMetrics []directive } `json:"_aws"`
		}
		if err := json.Unmarshal([]byte(text), &line); err != nil {
			t.Fatal(err)
		}
		cold, timed = append(cold, line.ColdStarts == 1), append(timed, line.PredictionLatency != nil)
		if declared := slices.Contains(line.AWS.CloudWatchMetrics[0].Metrics, metric{"PredictionLatency", "Milliseconds"}); declared != (line.PredictionLatency != nil) {
			t.Errorf("PredictionLatency is declared: %t, in %s", declared, text)
		}
	}
	if want := []bool{true, false, false, false, false}; !slices.Equal(cold, want) {
		t.Errorf("cold: got %v, want %v", cold, want)
	}
	if want := []bool{false, true, false, false, true}; !slices.Equal(timed, want) {
		t.Errorf("timed: got %v, want %v", timed, want)
	}
}

// The alarms of template.yaml read what the log writes.
func TestAlarmsReadOurMetrics(t *testing.T) {
	var out bytes.Buffer
	newLogger(&out, slog.LevelInfo, instance{function: "ml", version: "7", model: "v1.0.0", namespace: "ml-service"}).Info("request", slog.Int("status", 200))
	var line struct {
		AWS struct{ CloudWatchMetrics []directive } `json:"_aws"`
	}
	if err := json.Unmarshal(out.Bytes(), &line); err != nil {
		t.Fatal(err)
	}
	s := readStack(t, nil)
	for _, alarm := range []string{"ErrorAlarm", "LatencyAlarm", "LiveErrorAlarm", "LiveLatencyAlarm"} {
		var names []string
		for _, d := range s.at(alarm, "Properties", "Dimensions").([]any) {
			names = append(names, d.(map[string]any)["Name"].(string))
		}
		known := false
		for _, set := range line.AWS.CloudWatchMetrics[0].Dimensions {
			known = known || strings.Join(set, ",") == strings.Join(names, ",")
		}
		if !known {
			t.Errorf("%s reads the dimensions %v, the log writes %v", alarm, names, line.AWS.CloudWatchMetrics[0].Dimensions)
		}
		want := s.at(alarm, "Properties", "MetricName")
		found := false
		for _, m := range line.AWS.CloudWatchMetrics[0].Metrics {
			found = found || m.Name == want
		}
		if !found {
			t.Errorf("%s reads %v, which the log does not write", alarm, want)
		}
	}
}

// Users come by an alias, and the metrics say which.
func TestAliasOf(t *testing.T) {
	for arn, want := range map[string]string{
		"arn:aws:lambda:eu-central-1:123456789012:function:ml:live": "live",
		"arn:aws:lambda:eu-central-1:123456789012:function:ml:7":    "7",
		"arn:aws:lambda:eu-central-1:123456789012:function:ml":      "none",
		"arn:aws:lambda:eu-central-1:123456789012:function:ml:":     "none",
		"": "none",
	} {
		if got := aliasOf(arn); got != want {
			t.Errorf("%s: got %s, want %s", arn, got, want)
		}
	}
}
