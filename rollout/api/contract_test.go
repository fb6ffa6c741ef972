package api

import (
	"net/http"
	"testing"
	"time"
)

func TestPlainHTTPOnLoopback(t *testing.T) {
	for _, s := range []string{"http://localhost:1", "http://127.0.0.1", "http://127.8.9.10:80/x", "http://[::1]:8080"} {
		if _, err := ParseURL(s); err != nil {
			t.Errorf("%s: %v", s, err)
		}
	}
}

func TestRetryAfter(t *testing.T) {
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	tests := map[string]time.Duration{
		"": 0, "0": 0, "7": 7 * time.Second, "-7": 0, "soon": 0, "1e3": 0,
		now.Add(90 * time.Second).Format(http.TimeFormat): 90 * time.Second,
		now.Add(-time.Hour).Format(http.TimeFormat):       0,
	}
	for value, want := range tests {
		if got := retryAfter(http.Header{"Retry-After": {value}}, now); got != want {
			t.Errorf("Retry-After: %s: got %v, want %v", value, got, want)
		}
	}
}
