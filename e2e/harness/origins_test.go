package harness

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"ml-service/e2e"
)

// TestOriginsAndPrefix asks through Nginx as a browser does, with CORS_ORIGINS and BASE_PATH in .env: off, one origin, any.
func TestOriginsAndPrefix(t *testing.T) {
	s := newStack(t, tools[0])
	const page, row, answer = "https://a.example", `{"x":[0.4,-0.2,0.1]}`, `{"prediction":1.0,"confidence":0.603,"version":"v1.0.0"}`
	for _, c := range []struct {
		env      string
		prefixed int    // the status of /ml/predict
		origin   string // what a page of https://a.example reads
		other    string // and one of https://other.example
	}{
		{"", 404, "", ""},
		{"CORS_ORIGINS=https://a.example,https://b.example\nBASE_PATH=/ml\n", 200, page, ""},
		{"CORS_ORIGINS=*\nBASE_PATH=/ml\n", 200, "*", "*"},
	} {
		s.write(t, ".env", "GREEN_VERSION=v1.0.0\n"+c.env)
		s.up(t, "balancer")
		e2e.Poll(t, time.Minute, "Nginx to answer with "+c.env, func() error {
			status, header, body := browse(t, http.MethodPost, "/predict", page, row)
			if status != http.StatusOK || body != answer || header.Get("Access-Control-Allow-Origin") != c.origin {
				return fmt.Errorf("%d %s %v", status, body, header)
			}
			return nil
		})
		for range 4 { // both colours
			if status, header, body := browse(t, http.MethodPost, "/predict", "https://other.example", row); status != http.StatusOK || body != answer || header.Get("Access-Control-Allow-Origin") != c.other {
				t.Errorf("%q, another origin: %d %s %v, want it to read %q", c.env, status, body, header, c.other)
			}
			status, header, _ := browse(t, http.MethodOptions, "/predict", page, "")
			methods := header.Get("Access-Control-Allow-Methods")
			if status != http.StatusNoContent || header.Get("Access-Control-Allow-Origin") != c.origin || (methods == "POST") != (c.origin != "") {
				t.Errorf("%q, preflight: %d %v, want 204 for %q", c.env, status, header, c.origin)
			}
			if status, _, body := browse(t, http.MethodPost, "/ml/predict", page, row); status != c.prefixed || status == http.StatusOK && body != answer {
				t.Errorf("%q, prefix: %d %s, want %d", c.env, status, body, c.prefixed)
			}
		}
	}
}

// browse sends what a browser sends for a page, a preflight where the method is OPTIONS.
func browse(t *testing.T, method, path, page, body string) (status int, header http.Header, answer string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, "http://"+nginxAddr+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Origin", page)
	if method == http.MethodOptions {
		req.Header.Set("Access-Control-Request-Method", "POST")
		req.Header.Set("Access-Control-Request-Headers", "content-type")
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, http.Header{}, err.Error()
	}
	defer res.Body.Close()
	text, _ := io.ReadAll(res.Body)
	return res.StatusCode, res.Header, string(text)
}
