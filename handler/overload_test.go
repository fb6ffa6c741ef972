package handler

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"ml-service/model"
	"ml-service/models"
)

func TestOverload(t *testing.T) {
	m, err := model.Open("v1.0.0", models.FS)
	if err != nil {
		t.Fatal(err)
	}
	s := New(Options{Model: m, Concurrency: 1, Queue: -1})
	if err := s.gate.enter(t.Context()); err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(s.Engine())
	defer server.Close()
	const overloaded = `{"error":"overloaded: too many requests wait for the model; try again later"}`
	for _, c := range []struct {
		method, path, body string
		status             int
		want               string
	}{
		{"POST", "/predict", `{"x":[0.4,-0.2,0.1]}`, 503, overloaded},
		{"POST", "/v2/models/ml-service/infer", `{"inputs":[{"name":"x","datatype":"FP32","shape":[1,3],"data":[1,2,3]}]}`, 503, overloaded},
		{"GET", "/health", "", 200, `{"status":"ok","version":"v1.0.0"}`},
	} {
		req, err := http.NewRequestWithContext(t.Context(), c.method, server.URL+c.path, strings.NewReader(c.body))
		if err != nil {
			t.Fatal(err)
		}
		res, err := server.Client().Do(req)
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(res.Body)
		_ = res.Body.Close()
		if res.StatusCode != c.status || string(body) != c.want {
			t.Errorf("%s %s: got %d %s, want %d %s", c.method, c.path, res.StatusCode, body, c.status, c.want)
		}
		retry := ""
		if c.status == http.StatusServiceUnavailable {
			retry = "1"
		}
		if got := res.Header.Get("Retry-After"); got != retry {
			t.Errorf("%s %s: Retry-After: got %q, want %q", c.method, c.path, got, retry)
		}
	}
	s.gate.leave()
	answer := httptest.NewRecorder()
	s.Engine().ServeHTTP(answer, httptest.NewRequest("POST", "/predict", strings.NewReader(`{"x":[0.4,-0.2,0.1]}`)))
	if answer.Code != http.StatusOK {
		t.Errorf("with room again: got %d %s, want 200", answer.Code, answer.Body)
	}
}
