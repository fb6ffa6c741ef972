package harness

import (
	"encoding/json"
	"fmt"
	"io"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"ml-service/e2e"
)

// What Nginx adds to the service: its own errors in the service's form, request ids, the body limit, hidden metrics.
func TestNginxAnswers(t *testing.T) {
	s := newStack(t, tools[0])
	s.up(t, "balancer")
	waitVersions(t, nginxAddr, "v1.0.0", "v1.1.0")

	const host = "Host: localhost\r\n"
	long := strings.Repeat("a", 40_000)
	chunk := "10000\r\n" + strings.Repeat(" ", 0x10000) + "\r\n"
	for _, test := range []struct {
		name, request string
		status        int
		message       string
	}{
		{"no HTTP", "GARBAGE\r\n\r\n", 400, "the request is not valid HTTP"},
		{"TLS on a plain port", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 400, "the request is not valid HTTP"},
		{"no Host", "GET /health HTTP/1.1\r\n\r\n", 400, "the request is not valid HTTP"},
		{"a broken escape", "GET /%zz HTTP/1.1\r\n" + host + "\r\n", 400, "the request is not valid HTTP"},
		{"two lengths", "POST /predict HTTP/1.1\r\n" + host + "Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400, "the request is not valid HTTP"},
		{"a long header", "GET /health HTTP/1.1\r\n" + host + "X-Long: " + long + "\r\n\r\n", 400, "the request header is too large"},
		{"a long path", "GET /" + long + " HTTP/1.1\r\n" + host + "\r\n", 414, "the request line is too long"},
		{"a byte too many", "POST /predict HTTP/1.1\r\n" + host + "Content-Length: 1048577\r\n\r\n", 413, "the body is larger than 1048576 bytes"},
		{"chunks too many", "POST /predict HTTP/1.1\r\n" + host + "Transfer-Encoding: chunked\r\n\r\n" + strings.Repeat(chunk, 17) + "0\r\n\r\n", 413, "the body is larger than 1048576 bytes"},
		{"CONNECT", "CONNECT localhost:80 HTTP/1.1\r\n" + host + "\r\n", 405, "the method is not allowed"},
		{"another coding", "POST /predict HTTP/1.1\r\n" + host + "Transfer-Encoding: gzip\r\n\r\n", 501, "the transfer encoding is not supported"},
		{"another HTTP", "GET / HTTP/3.0\r\n" + host + "\r\n", 505, "the HTTP version is not supported"},
		{"metrics", "GET /metrics HTTP/1.1\r\n" + host + "\r\n", 404, ""},
		{"metrics, escaped", "GET //%6detrics?a=b HTTP/1.1\r\n" + host + "\r\n", 404, ""},
		{"below metrics", "GET /metrics/ HTTP/1.1\r\n" + host + "\r\n", 404, ""},
		{"its own error pages", "GET /-/413 HTTP/1.1\r\n" + host + "\r\n", 404, ""},
	} {
		a, err := once(nginxAddr, test.request)
		if err != nil {
			t.Errorf("%s: %v", test.name, err)
			continue
		}
		wantError(t, test.name, a, test.status, test.message)
		if a.color != "" {
			t.Errorf("%s reached %s", test.name, a.color)
		}
		if test.status == 405 && a.allow == "" {
			t.Errorf("%s: no Allow", test.name)
		}
	}

	full := `{"x":[0.4,-0.2,0.1]` + strings.Repeat(" ", 1<<20-20) + `}` // 1 MiB to the byte
	if a, err := postOnce(full, "full"); err != nil || a.status != 200 {
		t.Errorf("a body of exactly 1 MiB: %+v, %v", a, err)
	}
	if a, err := postOnce(`{"x":`, "cut"); err != nil || a.status != 400 || a.color == "" {
		t.Errorf("the service's own error: %+v, %v; want it as it is", a, err)
	}
	const rows = `{"instances":[[0.4,-0.2,0.1]]}`
	for route, body := range map[string]string{"GET /ping": "", "POST /invocations": rows, "GET /v1/models": "", "GET /v1/models/ml-service": "", "POST /v1/models/ml-service:predict": rows,
		"GET /v2/models/ml-service/config": "", "GET /v2/models/stats": "", "POST /v2/repository/index": ""} {
		a, err := once(nginxAddr, fmt.Sprintf("%s HTTP/1.1\r\n%sContent-Length: %d\r\n\r\n%s", route, host, len(body), body))
		if err != nil || a.status != 200 || a.color == "" {
			t.Errorf("%s: %+v, %v; want it through to a colour", route, a, err)
		}
	}
	if a, err := once(nginxAddr, "GET /health HTTP/1.0\r\n\r\n"); err != nil || a.status != 200 {
		t.Errorf("HTTP/1.0 without Host: %+v, %v", a, err)
	}

	made := regexp.MustCompile(`^[!-~]{16,128}$`)
	for _, test := range []struct {
		name, sent string
		kept       bool
	}{
		{"an id", "abc-1.2:3/~", true},
		{"128 characters", strings.Repeat("x", 128), true},
		{"129 characters", strings.Repeat("x", 129), false},
		{"a blank inside", "a b", false},
		{"not ASCII", "\u00e9t\u00e9", false},
		{"none", "", false},
	} {
		a, err := postOnce(inputs[0], test.sent)
		if err != nil || a.status != 200 || (a.id == test.sent) != test.kept || !test.kept && !made.MatchString(a.id) {
			t.Errorf("request id, %s: sent %q, got %+v, %v; kept: %v", test.name, test.sent, a, err, test.kept)
		}
	}

	s.write(t, "nginx.conf", strings.Replace(s.conf(t, blueOnly), "proxy_read_timeout 10s;", "proxy_read_timeout 2s;", 1))
	s.reload(t)
	waitColours(t, 20, "blue")
	s.run(t, "balancer", "pause", "ml-service-blue")
	a, err := postOnce(inputs[0], "hangs")
	s.run(t, "balancer", "unpause", "ml-service-blue")
	if err != nil {
		t.Errorf("blue hanging: %v", err)
	}
	wantError(t, "the only colour hangs", a, 504, "no colour answered in time")

	s.write(t, "nginx.conf", s.shipped)
	s.reload(t)
	waitVersions(t, nginxAddr, "v1.0.0", "v1.1.0")
	s.run(t, "balancer", "stop", "ml-service-blue", "ml-service-green")
	bothGone(t, s)
	checkMethods(t, s)
	s.run(t, "balancer", "restart", "nginx") // it starts without them, and finds them
	s.run(t, "balancer", "start", "ml-service-blue", "ml-service-green")
	waitVersions(t, nginxAddr, "v1.0.0", "v1.1.0")
}

// TestPlacesComeBack: uploads that would hold all places for large bodies for days end once others have been refused for them.
func TestPlacesComeBack(t *testing.T) {
	s := newStack(t, tools[0])
	const shipped = "worker_shutdown_timeout 5m;"
	if !strings.Contains(s.shipped, shipped) {
		t.Fatalf("nginx.conf does not say %s", shipped)
	}
	s.write(t, "nginx.conf", strings.Replace(s.shipped, shipped, "worker_shutdown_timeout 3s;", 1))
	s.up(t, "balancer")
	waitVersions(t, nginxAddr, "v1.0.0", "v1.1.0")

	const uploads = 24 // one address has 16 places
	large := fmt.Sprintf(`{"x":[0.4,-0.2,0.1]%s}`, strings.Repeat(" ", 200_000))
	ended := make(chan error, uploads)
	for range uploads {
		c, err := dial(nginxAddr)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		_, err = fmt.Fprintf(c, "POST /predict HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000000\r\n\r\n{")
		if err != nil {
			t.Fatal(err)
		}
		go func() {
			for err == nil { // until Nginx closes it, or the test
				time.Sleep(time.Second)
				_, err = io.WriteString(c, " ")
			}
			ended <- err
		}()
	}
	for _, status := range []int{503, 200} {
		e2e.Poll(t, 3*time.Minute, fmt.Sprintf("status %d for a large body", status), func() error {
			a, err := postOnce(large, "large")
			if err == nil && a.status != status {
				err = &unexpected{a}
			}
			return err
		})
	}
	for range uploads {
		select {
		case <-ended:
		case <-time.After(time.Minute):
			t.Fatal("an upload goes on")
		}
	}
	s.waitLog(t, "nginx", "bodies were refused in the last minute, since others hold all places")
}

// bothGone sends more requests than may wait for a colour: all get their 502, and those on top at once.
func bothGone(t *testing.T, s *stack) {
	t.Helper()
	const all, waiting = 300, 256
	answers := make([]answer, all)
	errs := make([]error, all)
	var sent sync.WaitGroup
	for i := range all {
		sent.Go(func() { answers[i], errs[i] = postOnce(inputs[0], fmt.Sprintf("gone-%d", i)) })
	}
	sent.Wait()
	for i, a := range answers {
		name := fmt.Sprintf("both colours gone, request %d", i)
		if errs[i] != nil {
			t.Errorf("%s: %v", name, errs[i])
			continue
		}
		wantError(t, name, a, 502, "no colour answered")
		if want := fmt.Sprintf("gone-%d", i); a.id != want {
			t.Errorf("%s: request id %q, want %q", name, a.id, want)
		}
	}
	atOnce := 0
	for line := range strings.Lines(e2e.Command{}.Output(t, "docker", "logs", s.containers(t)["nginx"])) {
		if strings.Contains(line, `"request_id":"gone-`) && !strings.Contains(line, "127.0.0.1:8077") {
			atOnce++
		}
	}
	if atOnce == 0 || atOnce > all-waiting {
		t.Errorf("%d of %d requests did not wait, want 1 to %d", atOnce, all, all-waiting)
	}
}

// checkMethods reads Nginx's log: the errors it made itself have the method of who asked.
func checkMethods(t *testing.T, s *stack) {
	t.Helper()
	out := e2e.Command{}.Output(t, "docker", "logs", s.containers(t)["nginx"])
	want := map[int]string{405: "CONNECT", 413: "POST", 414: "GET", 501: "POST", 502: "POST", 504: "POST", 505: "GET"}
	seen := map[int]bool{}
	for line := range strings.Lines(out) {
		var entry struct {
			Status int
			Method string
			URI    string
		}
		if err := json.Unmarshal([]byte(line), &entry); err != nil {
			t.Fatalf("access log line %s: %v", line, err)
		}
		method, ok := want[entry.Status]
		if ok && entry.URI != "/health" && entry.Method != method { // those are the test's own polls
			t.Errorf("a %d is logged as %q, want %s: %s", entry.Status, entry.Method, method, line)
		}
		if ok {
			seen[entry.Status] = true
		}
	}
	if len(seen) < len(want) {
		t.Errorf("the log has statuses %v, want those of %v", seen, want)
	}
}

// wantError checks an error's form: JSON with a sentence, the server without its version.
func wantError(t *testing.T, name string, a answer, status int, message string) {
	t.Helper()
	var body struct{ Error string }
	err := json.Unmarshal([]byte(a.body), &body)
	if err != nil || a.status != status || body.Error == "" || message != "" && body.Error != message {
		t.Errorf("%s: %d %s, want %d %q", name, a.status, a.body, status, message)
	}
	if !strings.HasPrefix(a.contentType, "application/json") || a.proxy != "nginx" || a.id == "" {
		t.Errorf("%s: Content-Type %q, Server %q, X-Request-Id %q", name, a.contentType, a.proxy, a.id)
	}
}

func postOnce(body, id string) (answer, error) {
	c, err := dial(nginxAddr)
	if err != nil {
		return answer{}, err
	}
	defer c.Close()
	return c.post(body, id)
}
