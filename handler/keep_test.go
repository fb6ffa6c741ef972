package handler

import (
	"bytes"
	"encoding/json"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"

	"ml-service/model"
	"ml-service/models"
)

// lines keeps what is recorded.
type lines struct{ bytes.Buffer }

func (*lines) Close() error { return nil }

func TestRecordOfRequests(t *testing.T) {
	m, err := model.Load(models.FS, "v1.0.0")
	if err != nil {
		t.Fatal(err)
	}
	sink := &lines{}
	cfg := Config{RecordSample: 1, RecordOmit: "1", Color: "blue"}
	log := cfg.Recorder(sink, m, nil)
	service := New(Options{Model: m, Color: "blue", Record: log})
	large := `{"x":[` + strings.Repeat(`[0.4,-0.2,0.1],`, 8000) + `[0.4,-0.2,0.1]]}`
	for _, body := range []string{`{"x":[0.4,-0.2,0.1]}`, `{"x":[1]}`, large, `{"x":[[1,2,3],[4,5,6]]}`} {
		r := httptest.NewRequest("POST", "/predict", strings.NewReader(body))
		r.Header.Set("X-Request-Id", "id")
		service.Engine().ServeHTTP(httptest.NewRecorder(), r)
	}
	service.Engine().ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", "/health", nil))
	if err := log.Close(); err != nil {
		t.Fatal(err)
	}
	type entry struct {
		RequestID string `json:"request_id"`
		Status    int
		Version   string
		Color     string
		Body      json.RawMessage
		Answer    json.RawMessage
	}
	var got []entry
	for line := range strings.Lines(sink.String()) {
		var e entry
		if err := json.Unmarshal([]byte(line), &e); err != nil {
			t.Fatal(err)
		}
		got = append(got, e)
	}
	if len(got) != 4 {
		t.Fatalf("%d lines, want 4:\n%s", len(got), sink.String())
	}
	for k, want := range []struct {
		status int
		body   string
		answer string
	}{
		{200, `{"x":[0.4,null,0.1]}`, `{"confidence":0.603,"prediction":1.0,"version":"v1.0.0"}`},
		{422, `null`, `null`}, // which value is which nobody can say
		{200, `null`, `null`}, // longer than what is recorded
		{200, `{"x":[[1,null,3],[4,null,6]]}`, ``},
	} {
		e := got[k]
		if e.RequestID != "id" || e.Version != "v1.0.0" || e.Color != "blue" || e.Status != want.status || string(e.Body) != want.body || want.answer != "" && string(e.Answer) != want.answer {
			t.Errorf("line %d: got %d %s %.100s, want %d %s %s", k, e.Status, e.Body, e.Answer, want.status, want.body, want.answer)
		}
	}
}

// Of the open protocol JSON is recorded, unless something is left out of the record: its tensors do not say what is whose.
func TestRecordOfInferences(t *testing.T) {
	m, err := model.Load(models.FS, "v1.0.0")
	if err != nil {
		t.Fatal(err)
	}
	const body = `{"inputs":[{"name":"x","datatype":"FP32","shape":[1,3],"data":[0.4,-0.2,0.1]}]}`
	binary := `{"inputs":[{"name":"x","datatype":"FP32","shape":[1,3],"parameters":{"binary_data_size":12}}]}`
	for _, test := range []struct {
		name, omit, body string
		header           string
		want             [2]bool // a body, an answer
	}{
		{"JSON", "", body, "", [2]bool{true, true}},
		{"refused", "", `{"inputs":[]}`, "", [2]bool{true, false}},
		{"something is left out", "2", body, "", [2]bool{}},
		{"binary", "", binary + strings.Repeat("\x00", 12), strconv.Itoa(len(binary)), [2]bool{}},
	} {
		sink := &lines{}
		cfg := Config{RecordSample: 1, RecordOmit: test.omit}
		log := cfg.Recorder(sink, m, nil)
		service := New(Options{Model: m, Record: log})
		r := httptest.NewRequest("POST", "/v2/models/ml-service/infer", strings.NewReader(test.body))
		if test.header != "" {
			r.Header.Set("Inference-Header-Content-Length", test.header)
		}
		service.Engine().ServeHTTP(httptest.NewRecorder(), r)
		if err := log.Close(); err != nil {
			t.Fatal(err)
		}
		var e struct {
			Route        string
			Status       int
			Body, Answer json.RawMessage
		}
		if err := json.Unmarshal(sink.Bytes(), &e); err != nil {
			t.Fatalf("%s: %v: %s", test.name, err, sink.String())
		}
		is := func(text json.RawMessage) bool { return len(text) > 0 && string(text) != "null" }
		if got := [2]bool{is(e.Body), is(e.Answer)}; e.Route != "/v2/models/:name/infer" || got != test.want {
			t.Errorf("%s: body and answer are there: %v, want %v: %s", test.name, got, test.want, sink.String())
		}
	}
}
