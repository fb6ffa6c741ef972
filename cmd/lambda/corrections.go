package main

import (
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"

	"github.com/aws/aws-lambda-go/events"
)

// What aws-lambda-go-api-proxy v0.16.2 gets wrong is put right here: in the event before the adapter reads it, in the
// request that the adapter made of it (correction.apply), and in the answer. testdata/ has an event for each.

// correction is what an event says and the adapter's request does not.
type correction struct {
	client string      // the client's address, without a port
	host   string      // the Host header
	header http.Header // where set, all the headers
	body   error       // why the body cannot be read
}

// apply makes r what net/http's own server would have made of the client's request.
func (c correction) apply(r *http.Request) *http.Request {
	if c.client != "" {
		r.RemoteAddr = net.JoinHostPort(c.client, "0") // the adapter gives an address without a port, or none
	}
	if c.header != nil {
		r.Header = c.header
	}
	if c.host == "" {
		c.host = r.Header.Get("Host")
	}
	if c.host != "" {
		r.Host = c.host
	}
	r.Header.Del("Host")
	r.URL.Scheme, r.URL.Host = "", ""
	if c.body != nil {
		r.Body, r.ContentLength = io.NopCloser(unreadable{c.body}), -1
	}
	return r
}

// unreadable is a body whose reading fails, so that the router answers as to any body that breaks off: with a 400.
type unreadable struct{ err error }

func (u unreadable) Read([]byte) (int, error) { return 0, u.err }

func correctREST(e *events.APIGatewayProxyRequest, s shape) correction {
	if s == restAPIOfHTTPAPI { // a REST API keeps its stage out of the path
		e.Path = trimStage(e.Path, e.RequestContext.Stage)
	}
	e.Path = escapePath(e.Path)
	return correction{client: e.RequestContext.Identity.SourceIP, body: checkBase64(&e.Body, &e.IsBase64Encoded)}
}

func correctHTTPAPI(e *events.APIGatewayV2HTTPRequest) correction {
	if e.RawPath == "" {
		e.RawPath = e.RequestContext.HTTP.Path
	}
	e.RawPath = escapePath(trimStage(e.RawPath, e.RequestContext.Stage))
	e.RawQueryString = strings.ReplaceAll(e.RawQueryString, "#", "%23")
	header := make(http.Header, len(e.Headers)+1)
	for name, value := range e.Headers { // the adapter splits values at commas, dates and all
		header.Add(name, value)
	}
	if len(e.Cookies) > 0 { // and sends a line for each cookie, where HTTP/1.1 has one line
		header.Set("Cookie", strings.Join(e.Cookies, "; "))
	}
	return correction{client: e.RequestContext.HTTP.SourceIP, header: header, body: checkBase64(&e.Body, &e.IsBase64Encoded)}
}

func correctALB(e *events.ALBTargetGroupRequest) correction {
	e.Path = escapePath(e.Path)
	header := make(http.Header)
	for name, values := range e.MultiValueHeaders {
		for _, value := range values {
			header.Add(name, value)
		}
	}
	if e.MultiValueHeaders == nil {
		for name, value := range e.Headers {
			header.Add(name, value)
		}
	}
	delete(e.Headers, "host") // or the adapter would build its URL from what the client sent here
	// A load balancer hands the query on as it came, and the adapter escapes it once more.
	one := make(map[string]string, len(e.QueryStringParameters))
	for key, value := range e.QueryStringParameters {
		one[unescape(key)] = unescape(value)
	}
	many := make(map[string][]string, len(e.MultiValueQueryStringParameters))
	for key, values := range e.MultiValueQueryStringParameters {
		for _, value := range values {
			many[unescape(key)] = append(many[unescape(key)], unescape(value))
		}
	}
	e.QueryStringParameters, e.MultiValueQueryStringParameters = one, many
	return correction{client: forwardedFor(header), header: header, body: checkBase64(&e.Body, &e.IsBase64Encoded)}
}

// trimStage takes a named stage, or the path that a domain is mapped below, off the front of a path: /prod/predict -> /predict.
func trimStage(path, stage string) string {
	rest, found := strings.CutPrefix(path, "/"+stage)
	if stage == "" || stage == "$default" || !found || rest != "" && rest[0] != '/' {
		return path
	}
	return "/" + strings.TrimPrefix(rest, "/")
}

// escapePath returns the path as a request line has it. API Gateway may hand on a decoded one, which the adapter takes
// for a bad URL or cuts at a question mark.
func escapePath(path string) string {
	_, err := url.PathUnescape(path)
	plain := func(c rune) bool { return c < 0x20 || c == 0x7f || c == '?' || c == '#' }
	if err == nil && !strings.ContainsFunc(path, plain) {
		return path
	}
	return (&url.URL{Path: path}).EscapedPath()
}

// checkBase64 empties a body that is said to be base64 and is not, and returns the error that reading it gives.
func checkBase64(body *string, encoded *bool) error {
	if !*encoded {
		return nil
	}
	if _, err := base64.StdEncoding.DecodeString(*body); err != nil {
		*body, *encoded = "", false
		return fmt.Errorf("the body is not base64, as the event says it is: %w", err)
	}
	return nil
}

func unescape(s string) string {
	if plain, err := url.QueryUnescape(s); err == nil {
		return plain
	}
	return s
}

// forwardedFor returns the address that the load balancer itself added, the last of X-Forwarded-For.
func forwardedFor(header http.Header) string {
	all := strings.Join(header.Values("X-Forwarded-For"), ",")
	last := strings.TrimSpace(all[strings.LastIndexByte(all, ',')+1:])
	if ap, err := netip.ParseAddrPort(last); err == nil {
		return ap.Addr().String()
	}
	return last
}

// correctBody sends bytes as base64 even where they happen to be valid UTF-8, and no body in answer to HEAD.
func correctBody(r *http.Request, header http.Header, body *string, encoded *bool) {
	if r.Method == http.MethodHead {
		*body, *encoded = "", false
	}
	if *body != "" && !*encoded && strings.HasPrefix(header.Get("Content-Type"), "application/octet-stream") {
		*body, *encoded = base64.StdEncoding.EncodeToString([]byte(*body)), true
	}
}

// correctALBAnswer gives the headers in the form that the target group asked in: it ignores the other one.
func correctALBAnswer(out *events.ALBTargetGroupResponse, multi bool) {
	out.StatusDescription = fmt.Sprintf("%d %s", out.StatusCode, http.StatusText(out.StatusCode))
	if multi {
		return
	}
	out.Headers = make(map[string]string, len(out.MultiValueHeaders))
	for _, name := range slices.Sorted(maps.Keys(out.MultiValueHeaders)) {
		out.Headers[name] = strings.Join(out.MultiValueHeaders[name], ",")
	}
	out.MultiValueHeaders = nil
}

// completes serves r and reports whether the answer is whole: false where the handler gave up with http.ErrAbortHandler,
// on which a server cuts the connection and the adapter would answer an empty 200.
func completes(h http.Handler, w http.ResponseWriter, r *http.Request) (whole bool) {
	defer func() {
		if reason := recover(); reason != nil {
			if err, ok := reason.(error); !ok || !errors.Is(err, http.ErrAbortHandler) {
				panic(reason)
			}
		}
	}()
	h.ServeHTTP(w, r)
	return true
}
