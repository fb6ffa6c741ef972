package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/aws/aws-lambda-go/lambda/messages"

	"ml-service/handler"
	"ml-service/model"
	"ml-service/models"
)

// TestDirectParity sends every body of the handler's /predict requests that is an object with x by itself: the result is
// the server's body, and where the server answers with another status than 200 the invocation fails with it.
func TestDirectParity(t *testing.T) {
	m, err := model.Load(models.FS, "v1.0.0")
	if err != nil {
		t.Fatal(err)
	}
	service := handler.New(handler.Options{Model: m})
	server := httptest.NewServer(service.Engine())
	t.Cleanup(server.Close)
	f := newFunction(service.Engine(), instance{version: "7", model: "v1.0.0"}, slog.New(slog.DiscardHandler))
	answered, failed := 0, 0
	for _, r := range readRequests(t, "../../handler/testdata/requests.json") {
		var object map[string]json.RawMessage
		if r.Method != http.MethodPost || r.Path != "/predict" || json.Unmarshal(r.body(t), &object) != nil || object["x"] == nil || r.Header["Content-Encoding"] != "" {
			continue
		}
		want := overHTTP(t, server.URL, r)
		got, err := f.Invoke(t.Context(), r.body(t))
		var failure messages.InvokeResponse_Error
		switch {
		case want.status == http.StatusOK:
			answered++
			if err != nil || string(got) != want.body {
				t.Errorf("%s: got %s, %v, want %s", r.Name, got, err, want.body)
			}
		case !errors.As(err, &failure) || failure.Type != fmt.Sprintf("HTTP%d", want.status) || failure.Message != want.body:
			t.Errorf("%s: got %s, %v, want HTTP%d and %s", r.Name, got, err, want.status, want.body)
		default:
			failed++
		}
	}
	t.Logf("%d answers and %d failures are those of the server", answered, failed)
	if answered < 5 || failed < 5 {
		t.Errorf("got %d answers and %d failures, want some of both", answered, failed)
	}
}

// An answer that Lambda would cut is a 413 that says how many rows fit, in the answer, the log and the metrics; so many
// rows do fit.
func TestAnswerTooLarge(t *testing.T) {
	m, err := model.Load(models.FS, "v1.0.0")
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	from := instance{function: "ml", version: "7", model: "v1.0.0", namespace: "ml"}
	logger := newLogger(&out, slog.LevelInfo, from)
	f := newFunction(handler.New(handler.Options{Model: m, MaxBodyBytes: 6 << 20, Logger: logger}).Engine(), from, logger)
	rows := func(n int) string {
		return `{"x":[` + strings.TrimSuffix(strings.Repeat("[0.4,-0.2,0.1],", n), ",") + `]}`
	}
	body := func(n int, path string) string {
		if path == "/predict" {
			return rows(n)
		}
		return fmt.Sprintf(`{"inputs":[{"name":"x","datatype":"FP32","shape":[%d,3],"data":[%s]}]}`, n, strings.TrimSuffix(strings.Repeat("0.4,-0.2,0.1,", n), ","))
	}
	send := func(shape, path string, n int) (status int, text string, size int) {
		t.Helper()
		payload := []byte(rows(n))
		if shape != "direct" {
			payload = event(t, shape, request{Method: http.MethodPost, Path: path, Body: body(n, path)}, false)
		}
		out.Reset()
		return f.send(t, shape, payload)
	}
	for _, tt := range []struct {
		shape, path string
		rows, limit int
	}{
		{"httpapi", "/predict", 200_000, answerLimit}, {"rest", "/predict", 200_000, answerLimit}, {"functionurl", "/v2/models/ml-service/infer", 400_000, answerLimit},
		{"direct", "/predict", 200_000, answerLimit}, {"alb", "/predict", 30_000, balancerLimit}, {"albmulti", "/predict", 30_000, balancerLimit},
	} {
		t.Run(tt.shape+tt.path, func(t *testing.T) {
			status, text, size := send(tt.shape, tt.path, tt.rows)
			if status != http.StatusRequestEntityTooLarge || size > tt.limit {
				t.Fatalf("got %d with %d bytes, want 413", status, size)
			}
			var said struct{ Error string }
			var had, bytes, limit, fit int
			if err := json.Unmarshal([]byte(text), &said); err != nil {
				t.Fatal(err)
			}
			if _, err := fmt.Sscanf(said.Error, "the answer to %d rows would have %d bytes, and %d can pass here: send at most %d rows at once", &had, &bytes, &limit, &fit); err != nil || had != tt.rows || limit != tt.limit {
				t.Fatalf("got %s, %v", text, err)
			}
			var line struct {
				Msg, Error        string
				Status, Errors4xx int
			}
			if err := json.Unmarshal(out.Bytes(), &line); err != nil || line.Status != 413 || line.Errors4xx != 1 || line.Msg != "request failed" || !strings.Contains(line.Error, "the answer would have") {
				t.Errorf("log: got %v %+v", err, line)
			}
			if status, _, size := send(tt.shape, tt.path, fit); status != http.StatusOK || size > tt.limit || size < tt.limit*9/10 {
				t.Errorf("%d rows: got %d with %d bytes, want 200 with a little less than %d", fit, status, size, tt.limit)
			}
			t.Logf("%d rows: 413, %d bytes; %d rows fit", tt.rows, bytes, fit)
		})
	}
}

// send invokes f with an event of a shape. size is that of the answer as Lambda counts.
func (f *function) send(t *testing.T, shape string, payload []byte) (status int, text string, size int) {
	t.Helper()
	got, err := f.Invoke(t.Context(), payload)
	if shape == "direct" {
		var failure messages.InvokeResponse_Error
		if errors.As(err, &failure) {
			return http.StatusRequestEntityTooLarge, failure.Message, len(failure.Message)
		}
		if err != nil {
			t.Fatal(err)
		}
		return http.StatusOK, string(got), len(got)
	}
	if err != nil {
		t.Fatal(err)
	}
	var a answered
	if err := json.Unmarshal(got, &a); err != nil {
		t.Fatal(err)
	}
	return a.StatusCode, a.bytes(t), len(got)
}
