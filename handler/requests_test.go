package handler_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"text/tabwriter"

	"ml-service/handler"
	"ml-service/model"
)

// request is one line of testdata/requests.json: a request to the demo model v1.0.0 in blue, and its whole answer.
// cmd/lambda sends the same table through its event shapes.
type request struct {
	Name        string            `json:"name"`
	Method      string            `json:"method"`
	Path        string            `json:"path"`
	Header      map[string]string `json:"header"`
	Body        string            `json:"body"`
	Base64      string            `json:"base64"`      // the body, where it is not text
	Repeat      int               `json:"repeat"`      // the body is sent so many times over
	Unannounced bool              `json:"unannounced"` // the body comes without Content-Length
	Want        struct {
		Status int               `json:"status"`
		Header map[string]string `json:"header"`
		Body   string            `json:"body"`
	} `json:"want"`
}

func (r request) body() []byte {
	if r.Base64 != "" {
		body, err := base64.StdEncoding.DecodeString(r.Base64)
		if err != nil {
			panic(err)
		}
		return body
	}
	return bytes.Repeat([]byte(r.Body), max(r.Repeat, 1))
}

func requests(t *testing.T) []request {
	t.Helper()
	data, err := os.ReadFile("testdata/requests.json")
	if err != nil {
		t.Fatal(err)
	}
	var all []request
	if err := json.Unmarshal(data, &all); err != nil {
		t.Fatal(err)
	}
	return all
}

func demo(t testing.TB, version string) *model.Model {
	t.Helper()
	m, err := model.Load(os.DirFS("../models"), version)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// TestRequests sends the whole table over real sockets and prints what every bad input is told.
func TestRequests(t *testing.T) {
	server := httptest.NewServer(handler.New(handler.Options{Model: demo(t, "v1.0.0"), Color: "blue"}).Engine())
	defer server.Close()

	var table bytes.Buffer
	w := tabwriter.NewWriter(&table, 0, 0, 2, ' ', 0)
	refused := 0
	for _, c := range requests(t) {
		t.Run(c.Name, func(t *testing.T) {
			res, got := send(t, server.URL, c)
			if res.StatusCode != c.Want.Status || got != c.Want.Body {
				t.Errorf("got %d %s\nwant %d %s", res.StatusCode, got, c.Want.Status, c.Want.Body)
			}
			want := map[string]string{"Content-Type": "application/json", "X-Model-Version": "v1.0.0", "X-Color": "blue", "X-Request-Id": "req-1"}
			for name, value := range c.Want.Header {
				want[name] = value
			}
			for name, value := range want {
				if got := res.Header.Get(name); got != value {
					t.Errorf("%s: got %q, want %q", name, got, value)
				}
			}
			if c.Want.Status >= 400 && c.Method != http.MethodHead {
				refused++
				var e struct{ Error, Field string }
				if err := json.Unmarshal([]byte(got), &e); err != nil || e.Error == "" {
					t.Errorf("%s is no error body: %v", got, err)
				}
				_, _ = fmt.Fprintf(w, "%d\t%s\t%s\t%s\n", res.StatusCode, e.Field, c.Name, e.Error)
			}
		})
	}
	_ = w.Flush()
	t.Logf("%d bad inputs: status, field, what is wrong, error\n%s", refused, table.String())
	if refused < 25 {
		t.Errorf("got %d bad inputs, want at least 25", refused)
	}
}

func send(t *testing.T, url string, c request) (*http.Response, string) {
	t.Helper()
	body := io.Reader(bytes.NewReader(c.body()))
	if c.Unannounced {
		body = io.MultiReader(body)
	}
	req, err := http.NewRequest(c.Method, url+c.Path, body)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("X-Request-Id", "req-1")
	for name, value := range c.Header {
		req.Header.Set(name, value)
	}
	client := http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	res, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	got, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res, string(got)
}

// TestRequestID makes an id where the caller's is none that a log line or a header should carry.
func TestRequestID(t *testing.T) {
	engine := handler.New(handler.Options{Model: demo(t, "v1.0.0")}).Engine()
	seen := make(map[string]bool)
	for name, given := range map[string]string{
		"none": "", "space": "a b", "129 characters": strings.Repeat("i", 129), "control": "a\x01", "not ASCII": "é",
	} {
		req := httptest.NewRequest(http.MethodGet, "/health", nil)
		if given != "" {
			req.Header["X-Request-Id"] = []string{given}
		}
		res := httptest.NewRecorder()
		engine.ServeHTTP(res, req)
		id := res.Header().Get("X-Request-Id")
		if id == given || len(id) != 32 || seen[id] {
			t.Errorf("%s: got the id %q, want a new one of 32 digits", name, id)
		}
		seen[id] = true
		if color, ok := res.Header()["X-Color"]; ok {
			t.Errorf("got X-Color %q, want none where no colour is set", color)
		}
	}
}
