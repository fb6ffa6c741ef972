package main

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"ml-service/handler"
	"ml-service/model"
	"ml-service/models"
)

// request is a line of handler/testdata/requests.json, and of testdata/requests.json, which has more routes.
type request struct {
	Name        string
	Method      string
	Path        string
	Header      map[string]string
	Body        string
	Base64      string
	Repeat      int
	Unannounced bool
	Want        struct{ Status int }
}

func (r request) body(t *testing.T) []byte {
	t.Helper()
	if r.Base64 == "" {
		return bytes.Repeat([]byte(r.Body), max(r.Repeat, 1))
	}
	body, err := base64.StdEncoding.DecodeString(r.Base64)
	if err != nil {
		t.Fatal(err)
	}
	return body
}

// reply is an answer as a client has it.
type reply struct {
	status int
	header http.Header
	body   string
}

// differs says in what two replies differ; "" if in nothing. The headers that the transport adds are left out.
func (a reply) differs(b reply) string {
	transport := []string{"Date", "Content-Length", "Connection", "Transfer-Encoding", "X-Function-Version"}
	names := slices.Concat(slices.Collect(maps.Keys(a.header)), slices.Collect(maps.Keys(b.header)))
	for _, name := range names {
		if !slices.Contains(transport, name) && !slices.Equal(a.header.Values(name), b.header.Values(name)) {
			return name + ": " + strings.Join(a.header.Values(name), "|") + " and " + strings.Join(b.header.Values(name), "|")
		}
	}
	switch {
	case a.status != b.status:
		return http.StatusText(a.status) + " and " + http.StatusText(b.status)
	case a.body != b.body:
		return "bodies\n" + a.body + "\nand\n" + b.body
	}
	return ""
}

// TestParity sends every request of the handler's tests, and of the routes they leave out, through a server and through
// the event shapes, each with its body as text and as base64: status, headers and body must be the same.
func TestParity(t *testing.T) {
	m, err := model.Load(models.FS, "v1.0.0")
	if err != nil {
		t.Fatal(err)
	}
	service := handler.New(handler.Options{Model: m, Name: "ml-service", Color: "blue"})
	server := httptest.NewServer(service.Engine())
	t.Cleanup(server.Close)
	f := newFunction(service.Engine(), instance{version: "7", model: "v1.0.0"}, slog.New(slog.DiscardHandler))

	compared := 0
	for _, file := range []string{"../../handler/testdata/requests.json", "testdata/requests.json"} {
		for _, r := range readRequests(t, file) {
			t.Run(r.Name, func(t *testing.T) {
				want := overHTTP(t, server.URL, r)
				if want.status != r.Want.Status {
					t.Fatalf("the server answered %d, want %d", want.status, r.Want.Status)
				}
				for _, shape := range []string{"rest", "httpapi", "functionurl", "alb", "albmulti"} {
					for _, coded := range []bool{false, true} {
						if !coded && !utf8.Valid(r.body(t)) {
							continue // a gateway has no other way
						}
						a := invoke(t, f, event(t, shape, r, coded))
						got := reply{a.StatusCode, a.header(), a.bytes(t)}
						if d := want.differs(got); d != "" {
							t.Errorf("the server and %s (base64 %v) differ: %s", shape, coded, d)
						}
						if v := got.header.Get("X-Function-Version"); v != "7" {
							t.Errorf("%s: X-Function-Version %q, want 7", shape, v)
						}
						compared++
					}
				}
			})
		}
	}
	t.Logf("%d answers compared with the server's", compared)
	if compared < 800 {
		t.Errorf("only %d answers were compared", compared)
	}
}

func readRequests(t *testing.T, file string) []request {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var all []request
	if err := json.Unmarshal(data, &all); err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	return all
}

func overHTTP(t *testing.T, server string, r request) reply {
	t.Helper()
	body := io.Reader(bytes.NewReader(r.body(t)))
	if r.Unannounced {
		body = io.MultiReader(body)
	}
	req, err := http.NewRequest(r.Method, server+r.Path, body)
	if err != nil {
		t.Fatal(err)
	}
	for name, value := range headers(r) {
		req.Header.Set(name, value)
	}
	resp, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	got, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return reply{resp.StatusCode, resp.Header, string(got)}
}

func headers(r request) map[string]string {
	h := map[string]string{"X-Request-Id": "req-1"}
	maps.Copy(h, r.Header)
	return h
}

// event makes an event of a shape from the recorded one: its path, query, headers and body become the request's.
func event(t *testing.T, shape string, r request, coded bool) []byte {
	t.Helper()
	return recorded(t, shape, func(e map[string]any) {
		path, query, _ := strings.Cut(r.Path, "?")
		e["body"], e["isBase64Encoded"] = string(r.body(t)), coded
		if coded {
			e["body"] = base64.StdEncoding.EncodeToString(r.body(t))
		}
		one, many := map[string]any{}, map[string]any{}
		for name, value := range headers(r) {
			one[name], many[name] = value, []any{value}
		}
		values, err := url.ParseQuery(query)
		if err != nil {
			t.Fatal(err)
		}
		first, all := map[string]any{}, map[string]any{}
		for name, v := range values {
			first[name], all[name] = v[0], v
		}
		switch shape {
		case "rest":
			e["httpMethod"], e["path"], e["headers"], e["multiValueHeaders"] = r.Method, path, one, many
			e["queryStringParameters"], e["multiValueQueryStringParameters"] = first, all
		case "alb":
			e["httpMethod"], e["path"], e["headers"], e["queryStringParameters"] = r.Method, path, one, first
		case "albmulti":
			e["httpMethod"], e["path"], e["multiValueHeaders"], e["multiValueQueryStringParameters"] = r.Method, path, many, all
		default:
			e["rawPath"], e["rawQueryString"], e["headers"] = path, query, one
			http := e["requestContext"].(map[string]any)["http"].(map[string]any)
			http["method"], http["path"] = r.Method, path
		}
	})
}
