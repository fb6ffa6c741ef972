package main

import (
	"encoding/base64"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gin-gonic/gin"
)

// seen is a request as a route of the router sees it.
type seen struct {
	method, path, query, host, client, body, target string
	header                                          http.Header
}

// echo returns a function around a router that keeps what it sees and answers a JSON text, or as the path says.
func echo(t *testing.T) (*function, *seen) {
	t.Helper()
	gin.SetMode(gin.ReleaseMode)
	engine := gin.New()
	if err := engine.SetTrustedProxies(nil); err != nil {
		t.Fatal(err)
	}
	last := &seen{}
	engine.NoRoute(func(c *gin.Context) {
		body, err := io.ReadAll(c.Request.Body)
		if err != nil {
			c.JSON(http.StatusBadRequest, gin.H{"error": err.Error()})
			return
		}
		*last = seen{c.Request.Method, c.Request.URL.Path, c.Request.URL.RawQuery, c.Request.Host, c.ClientIP(), string(body), c.Request.RequestURI + " " + c.Request.URL.String(), c.Request.Header}
		c.Header("Set-Cookie", "a=1")
		c.Writer.Header().Add("Set-Cookie", "b=2")
		c.Data(http.StatusOK, c.GetHeader("Content-Type"), body)
	})
	engine.GET("/abort", func(c *gin.Context) {
		c.Header("X-Request-Id", "req-1")
		_, _ = c.Writer.WriteString("half an ans")
		c.Writer.Flush()
		panic(http.ErrAbortHandler)
	})
	return newFunction(engine, instance{version: "7", model: "v1.0.0"}, slog.New(slog.DiscardHandler)), last
}

// recorded returns an event of testdata, after changing what edit says.
func recorded(t *testing.T, name string, edit func(event map[string]any)) []byte {
	t.Helper()
	payload, err := os.ReadFile(filepath.Join("testdata", name+".json"))
	if err != nil {
		t.Fatal(err)
	}
	if edit == nil {
		return payload
	}
	var event map[string]any
	if err := json.Unmarshal(payload, &event); err != nil {
		t.Fatal(err)
	}
	edit(event)
	payload, err = json.Marshal(event)
	if err != nil {
		t.Fatal(err)
	}
	return payload
}

// answered is an answer in any of the shapes.
type answered struct {
	StatusCode        int
	StatusDescription string
	Headers           map[string]string
	MultiValueHeaders map[string][]string
	Cookies           []string
	Body              string
	IsBase64Encoded   bool
}

func invoke(t *testing.T, f *function, payload []byte) answered {
	t.Helper()
	out, err := f.Invoke(t.Context(), payload)
	if err != nil {
		t.Fatalf("Invoke: %v", err)
	}
	var a answered
	if err := json.Unmarshal(out, &a); err != nil {
		t.Fatal(err)
	}
	return a
}

// bytes returns the body as the client gets it.
func (a answered) bytes(t *testing.T) string {
	t.Helper()
	if !a.IsBase64Encoded {
		return a.Body
	}
	b, err := base64.StdEncoding.DecodeString(a.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// header returns the headers as the client gets them.
func (a answered) header() http.Header {
	h := http.Header{}
	for k, v := range a.Headers {
		h.Add(k, v)
	}
	for k, vs := range a.MultiValueHeaders {
		h[http.CanonicalHeaderKey(k)] = vs
	}
	for _, c := range a.Cookies {
		h.Add("Set-Cookie", c)
	}
	return h
}

func TestRequestOfEachShape(t *testing.T) {
	hosts := map[string]string{
		"rest":        "q9w8e7r6t5.execute-api.eu-central-1.amazonaws.com",
		"httpapi":     "a1b2c3d4e5.execute-api.eu-central-1.amazonaws.com",
		"functionurl": "abcdefghijklmnopqrstuvwxyz012345.lambda-url.eu-central-1.on.aws",
		"alb":         "ml-1234567890.eu-central-1.elb.amazonaws.com",
		"albmulti":    "ml-1234567890.eu-central-1.elb.amazonaws.com",
	}
	for name, host := range hosts {
		t.Run(name, func(t *testing.T) {
			f, got := echo(t)
			a := invoke(t, f, recorded(t, name, nil))
			if got.method != "POST" || got.path != "/predict" || got.query != "" || got.host != host || got.body != `{"x":[0.4,-0.2,0.1]}` {
				t.Errorf("the router saw %+v", *got)
			}
			if got.target != "/predict /predict" { // as a server has it: no scheme, no host
				t.Errorf("RequestURI and URL are %q", got.target)
			}
			if got.client != "203.0.113.7" {
				t.Errorf("ClientIP() = %q, want 203.0.113.7", got.client)
			}
			if got.header.Get("Host") != "" || got.header.Get("User-Agent") != "curl/8.14.1" || len(got.header["Content-Type"]) != 1 {
				t.Errorf("headers %v", got.header)
			}
			if a.StatusCode != 200 || a.Body != got.body || a.IsBase64Encoded || a.header().Get("X-Function-Version") != "7" {
				t.Errorf("answer %+v", a)
			}
		})
	}
}

func TestCorrectedRequest(t *testing.T) {
	is := func(get func(s *seen) string, want string) func(t *testing.T, s *seen) {
		return func(t *testing.T, s *seen) {
			t.Helper()
			if got := get(s); got != want {
				t.Errorf("got %q, want %q", got, want)
			}
		}
	}
	lines := func(name string) func(s *seen) string {
		return func(s *seen) string { return strings.Join(s.header.Values(name), " | ") }
	}
	path := func(s *seen) string { return s.path }
	client := func(s *seen) string { return s.client }
	query := func(s *seen) string { return s.query }
	stage := func(name string) func(map[string]any) {
		return func(e map[string]any) { e["requestContext"].(map[string]any)["stage"] = name }
	}
	tests := []struct {
		name, event string
		edit        func(event map[string]any)
		check       func(t *testing.T, s *seen)
	}{
		{"a date stays one value", "httpapi-header-commas", nil, is(lines("If-Modified-Since"), "Wed, 21 Oct 2015 07:28:00 GMT")},
		{"a list stays one line", "httpapi-header-commas", nil, is(lines("Accept"), "application/json, text/plain;q=0.5")},
		{"cookies are one line", "httpapi-cookies", nil, is(lines("Cookie"), "session=abc; theme=dark")},
		{"a named stage", "httpapi-stage", nil, is(path, "/predict")},
		{"the root of a named stage", "httpapi-stage", func(e map[string]any) { e["rawPath"] = "/prod" }, is(path, "/")},
		{"a path that begins like its stage", "httpapi-stage", stage("pro"), is(path, "/prod/predict")},
		{"a named stage, payload 1.0", "httpapi-payload1-stage", nil, is(path, "/predict")},
		{"a REST API's path has no stage", "rest", stage("predict"), is(path, "/predict")},
		{"a decoded path", "httpapi-path-decoded", nil, is(path, "/models/50%off?")},
		{"no rawPath", "httpapi-stage", func(e map[string]any) { delete(e, "rawPath") }, is(path, "/predict")},
		{"an IPv6 client", "httpapi", func(e map[string]any) {
			e["requestContext"].(map[string]any)["http"].(map[string]any)["sourceIp"] = "2001:db8::7"
		}, is(client, "2001:db8::7")},
		{"the address that the load balancer added, with a port", "alb-client-port", nil, is(client, "203.0.113.7")},
		{"a load balancer's query", "alb-query", nil, func(t *testing.T, s *seen) {
			if s.query != "q=a+b%2Fc&tag%5B%5D=x+y" && s.query != "tag%5B%5D=x+y&q=a+b%2Fc" {
				t.Errorf("query %q", s.query)
			}
		}},
		{"a load balancer's query with a wrong escape", "alb-query", func(e map[string]any) {
			e["queryStringParameters"] = map[string]any{"q": "50%"}
		}, is(query, "q=50%25")},
		{"a load balancer's query of many values", "albmulti-query", func(e map[string]any) {
			delete(e["multiValueQueryStringParameters"].(map[string]any), "tag%5B%5D")
		}, is(query, "q=a+b%2Fc&q=50%25")},
		{"a Host that is no host", "alb", func(e map[string]any) {
			e["headers"].(map[string]any)["host"] = "evil/health?"
		}, is(path, "/predict")},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f, got := echo(t)
			invoke(t, f, recorded(t, tt.event, tt.edit))
			tt.check(t, got)
		})
	}
}

func TestBinaryBodyBothWays(t *testing.T) {
	var all strings.Builder
	for i := range 256 {
		all.WriteByte(byte(i))
	}
	for _, shape := range []string{"rest", "httpapi", "functionurl", "alb", "albmulti"} {
		// Bytes that happen to be valid UTF-8 are bytes all the same.
		for name, body := range map[string]string{"every byte": all.String(), "valid UTF-8": "\x00\x01\x02text"} {
			t.Run(shape+" "+name, func(t *testing.T) {
				f, got := echo(t)
				a := invoke(t, f, recorded(t, shape+"-binary", func(e map[string]any) {
					e["body"] = base64.StdEncoding.EncodeToString([]byte(body))
				}))
				if got.body != body {
					t.Errorf("the router read %q, want %q", got.body, body)
				}
				if !a.IsBase64Encoded || a.bytes(t) != body {
					t.Errorf("answer %q, base64 %v", a.Body, a.IsBase64Encoded)
				}
			})
		}
	}
}

func TestBrokenBase64Is400(t *testing.T) {
	for _, shape := range []string{"rest", "httpapi", "functionurl", "alb"} {
		t.Run(shape, func(t *testing.T) {
			f, _ := echo(t)
			a := invoke(t, f, recorded(t, shape+"-base64-broken", nil))
			if a.StatusCode != http.StatusBadRequest || !strings.Contains(a.Body, "not base64") {
				t.Errorf("answer %d %s", a.StatusCode, a.Body)
			}
		})
	}
}

func TestAbortedAnswerIs500(t *testing.T) {
	for _, shape := range []string{"rest", "httpapi", "functionurl", "alb"} {
		t.Run(shape, func(t *testing.T) {
			f, _ := echo(t)
			a := invoke(t, f, recorded(t, shape+"-abort", nil))
			if a.StatusCode != http.StatusInternalServerError || a.Body != `{"error":"internal error"}` || a.header().Get("X-Model-Version") != "v1.0.0" || a.header().Get("X-Request-Id") != "req-1" {
				t.Errorf("answer %+v", a)
			}
		})
	}
}

// A target group is set to one value or to many a header, and ignores an answer in the other form.
func TestLoadBalancerHeaders(t *testing.T) {
	f, _ := echo(t)
	one, many := invoke(t, f, recorded(t, "alb", nil)), invoke(t, f, recorded(t, "albmulti", nil))
	if len(one.MultiValueHeaders) != 0 || one.Headers["Content-Type"] != "application/json" || one.StatusDescription != "200 OK" {
		t.Errorf("single-value: %+v", one)
	}
	if len(many.Headers) != 0 || strings.Join(many.MultiValueHeaders["Set-Cookie"], "|") != "a=1|b=2" || many.StatusDescription != "200 OK" {
		t.Errorf("multi-value: %+v", many)
	}
}

func TestHTTPAPICookies(t *testing.T) {
	f, _ := echo(t)
	a := invoke(t, f, recorded(t, "httpapi", nil))
	if strings.Join(a.Cookies, "|") != "a=1|b=2" || a.Headers["Set-Cookie"] != "" {
		t.Errorf("answer %+v", a)
	}
}

func TestHeadHasNoBody(t *testing.T) {
	f, _ := echo(t)
	a := invoke(t, f, recorded(t, "rest", func(e map[string]any) { e["httpMethod"] = "HEAD" }))
	if a.StatusCode != 200 || a.Body != "" {
		t.Errorf("answer %+v", a)
	}
}

// A domain of one's own that maps the API below a path leaves that path in the event.
func TestMappingIsTakenOff(t *testing.T) {
	for _, tt := range []struct{ mapping, path, want string }{
		{"ml", "/ml/predict", "/predict"}, {"ml", "/ml", "/"}, {"ml", "/mlx/predict", "/mlx/predict"}, {"ml", "/predict", "/predict"}, {"", "/ml/predict", "/ml/predict"},
	} {
		for shape, member := range map[string]string{"httpapi": "rawPath", "httpapi-payload1-stage": "path", "functionurl": "rawPath"} {
			f, got := echo(t)
			f.from.mapping = tt.mapping
			path := tt.path
			if member == "path" {
				path = "/prod" + path // its stage
			}
			invoke(t, f, recorded(t, shape, func(e map[string]any) { e[member] = path }))
			if got.path != tt.want {
				t.Errorf("%s below %q: %s became %s, want %s", shape, tt.mapping, path, got.path, tt.want)
			}
		}
	}
}
