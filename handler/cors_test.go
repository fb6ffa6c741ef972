package handler_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"ml-service/handler"
)

// TestOrigins answers pages of the origins that may call, and leaves all others to their browsers.
func TestOrigins(t *testing.T) {
	const page = "https://example.org"
	preflight := map[string]string{"Origin": page, "Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "content-type"}
	for _, c := range []struct {
		name    string
		origins []string
		method  string
		path    string
		header  map[string]string
		status  int
		want    map[string]string
	}{
		{"off", nil, "POST", "/predict", map[string]string{"Origin": page}, 200, map[string]string{"Access-Control-Allow-Origin": "", "Vary": ""}},
		{"an origin", []string{"https://a.example", page}, "POST", "/predict", map[string]string{"Origin": page}, 200,
			map[string]string{"Access-Control-Allow-Origin": page, "Vary": "Origin", "Access-Control-Expose-Headers": "Inference-Header-Content-Length, Retry-After, X-Color, X-Model-Version, X-Request-Id"}},
		{"another origin", []string{"https://a.example"}, "POST", "/predict", map[string]string{"Origin": page}, 200, map[string]string{"Access-Control-Allow-Origin": "", "Vary": "Origin"}},
		{"any", []string{"*"}, "POST", "/predict", map[string]string{"Origin": page}, 200, map[string]string{"Access-Control-Allow-Origin": "*", "Vary": ""}},
		{"an error", []string{page}, "GET", "/nothing", map[string]string{"Origin": page}, 404, map[string]string{"Access-Control-Allow-Origin": page}},
		{"preflight", []string{page}, "OPTIONS", "/predict", preflight, 204,
			map[string]string{"Access-Control-Allow-Origin": page, "Access-Control-Allow-Methods": "POST", "Access-Control-Max-Age": "600",
				"Access-Control-Allow-Headers": "Authorization, Content-Encoding, Content-Type, Inference-Header-Content-Length, Traceparent, X-Request-Id"}},
		{"preflight, off", nil, "OPTIONS", "/predict", preflight, 204, map[string]string{"Access-Control-Allow-Origin": "", "Access-Control-Allow-Methods": "", "Allow": "POST"}},
		{"preflight of another origin", []string{"https://a.example"}, "OPTIONS", "/predict", preflight, 204, map[string]string{"Access-Control-Allow-Methods": ""}},
	} {
		t.Run(c.name, func(t *testing.T) {
			server := httptest.NewServer(handler.New(handler.Options{Model: demo(t, "v1.0.0"), Origins: c.origins}).Engine())
			defer server.Close()
			res, _ := send(t, server.URL, request{Method: c.method, Path: c.path, Header: c.header, Body: example})
			if res.StatusCode != c.status {
				t.Errorf("got %d, want %d", res.StatusCode, c.status)
			}
			for name, want := range c.want {
				if got := res.Header.Get(name); got != want {
					t.Errorf("%s: got %q, want %q", name, got, want)
				}
			}
		})
	}
}

// TestBasePath finds every route under the prefix and without it, and counts both as one.
func TestBasePath(t *testing.T) {
	seen := counter{requests: make(map[string]int)}
	server := httptest.NewServer(handler.New(handler.Options{Model: demo(t, "v1.0.0"), BasePath: "/teams/ml", Observer: &seen}).Engine())
	defer server.Close()
	for _, path := range []string{"/predict", "/teams/ml/predict"} {
		if res, got := send(t, server.URL, request{Method: "POST", Path: path, Body: example}); res.StatusCode != 200 || got != answer {
			t.Errorf("%s: got %d %s, want 200 %s", path, res.StatusCode, got, answer)
		}
	}
	for path, want := range map[string]string{"/teams/ml": "ml/docs", "/teams/ml/": "docs", "/teams/ml/docs/": "../docs"} {
		if res, _ := send(t, server.URL, request{Method: "GET", Path: path}); res.StatusCode != http.StatusFound || res.Header.Get("Location") != want {
			t.Errorf("%s: got %d to %q, want 302 to %q", path, res.StatusCode, res.Header.Get("Location"), want)
		}
	}
	if res, _ := send(t, server.URL, request{Method: "GET", Path: "/teams/ml/v2/health/ready"}); res.StatusCode != 200 {
		t.Errorf("the protocol under the prefix: got %d, want 200", res.StatusCode)
	}
	seen.mu.Lock()
	if got := seen.requests["/predict 200"]; got != 2 {
		t.Errorf("counted %d requests of /predict, want 2: %v", got, seen.requests)
	}
	seen.mu.Unlock()
	if res, _ := send(t, server.URL, request{Method: "GET", Path: "/teams/predict"}); res.StatusCode != 404 {
		t.Errorf("half the prefix: got %d, want 404", res.StatusCode)
	}
}
