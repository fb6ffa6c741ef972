package handler

import (
	"bytes"
	"compress/flate"
	"compress/gzip"
	"compress/zlib"
	"encoding/binary"
	"encoding/json"
	"io"
	"math"
	"net/http/httptest"
	"os"
	"strconv"
	"strings"
	"testing"
)

// demo is the service of the embedded model v1.0.0.
func demo(t *testing.T, o Options) *Service {
	t.Helper()
	opened, err := Open(Config{}, os.DirFS("../models"))
	if err != nil {
		t.Fatal(err)
	}
	o.Model, o.Example = opened.Model, opened.Example
	return New(o)
}

func ask(s *Service, method, path, body string, headers ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	r.Header.Set("X-Request-Id", "request-1")
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	s.Engine().ServeHTTP(w, r)
	return w
}

const (
	inferPath = "/v2/models/ml-service/infer"
	oneRow    = `{"inputs":[{"name":"x","datatype":"FP32","shape":[1,3],"data":[0.4,-0.2,0.1]}]}`
	twoRows   = `{"id":"7","inputs":[{"name":"x","datatype":"FP32","shape":[2,3],"data":[[0.4,-0.2,0.1],[-0.14031748,-0.28182784,1.4183899]]}],"outputs":[{"name":"probabilities"}]}`
	answered  = `,"outputs":[{"name":"label","datatype":"INT64","shape":[1],"data":[1]},{"name":"probabilities","datatype":"FP32","shape":[1,2],"data":[0.3969859,0.6030141]}]}`
	head      = `{"model_name":"ml-service","model_version":"v1.0.0","id":`
)

func TestV2Answers(t *testing.T) {
	s := demo(t, Options{Color: "blue"})
	for _, test := range []struct {
		name, method, path, body string
		status                   int
		want                     string
	}{
		{"server", "GET", "/v2", "", 200, `{"name":"ml-service","version":"v1.0.0","extensions":["binary_tensor_data","model_configuration","statistics"]}`},
		{"live", "GET", "/v2/health/live", "", 200, `{"live":true}`},
		{"ready", "GET", "/v2/health/ready", "", 200, `{"ready":true,"live":true}`},
		{"model ready", "GET", "/v2/models/ml-service/ready", "", 200, `{"name":"ml-service","ready":true}`},
		{"version ready", "GET", "/v2/models/ml-service/versions/v1.0.0/ready", "", 200, `{"name":"ml-service","ready":true}`},
		{"infer", "POST", inferPath, oneRow, 200, head + `"request-1"` + answered},
		{"infer version", "POST", "/v2/models/ml-service/versions/v1.0.0/infer", oneRow, 200, head + `"request-1"` + answered},
		{"own id", "POST", inferPath, `{"id":"a \"b\"",` + oneRow[1:], 200, head + `"a \"b\""` + answered},
		{"empty id", "POST", inferPath, `{"id":"",` + oneRow[1:], 200, head + `""` + answered},
		{"two rows, one output", "POST", inferPath, twoRows, 200, head + `"7","outputs":[{"name":"probabilities","datatype":"FP32","shape":[2,2],"data":[0.3969859,0.6030141,0.45420796,0.54579204]}]}`},
		{"no rows", "POST", inferPath, `{"id":"","inputs":[{"name":"x","datatype":"FP32","shape":[0,3],"data":[]}]}`, 200,
			head + `"","outputs":[{"name":"label","datatype":"INT64","shape":[0],"data":[]},{"name":"probabilities","datatype":"FP32","shape":[0,2],"data":[]}]}`},
		{"unknown model", "GET", "/v2/models/other", "", 404, `{"error":"unknown model \"other\": there is \"ml-service\""}`},
		{"unknown model's readiness", "GET", "/v2/models/other/ready", "", 404, `{"error":"unknown model \"other\": there is \"ml-service\""}`},
		{"infer on an unknown model", "POST", "/v2/models/other/infer", oneRow, 404, `{"error":"unknown model \"other\": there is \"ml-service\""}`},
		{"unknown version", "POST", "/v2/models/ml-service/versions/v9/infer", oneRow, 404, `{"error":"unknown version \"v9\" of model \"ml-service\": there is \"v1.0.0\""}`},
		{"unknown path", "GET", "/v2/models", "", 404, `{"error":"no such path"}`},
		{"wrong method", "GET", inferPath, "", 405, `{"error":"method not allowed: see the Allow header"}`},
		{"not JSON", "POST", inferPath, `{`, 400, `{"error":"the body is not JSON: at byte 1: want a name in quotes, got the end of the body"}`},
		{"wrong width", "POST", inferPath, strings.Replace(oneRow, "[1,3]", "[3,1]", 1), 400, `{"error":"inputs[0].shape: input \"x\": want [N,3], got [3,1]","field":"inputs[0].shape"}`},
		{"null", "POST", inferPath, strings.Replace(oneRow, "0.4", "null", 1), 400,
			`{"error":"inputs[0].data[0]: null is a missing value, and this model does not handle missing values in \"x\"","field":"inputs[0].data[0]"}`},
	} {
		t.Run(test.name, func(t *testing.T) {
			w := ask(s, test.method, test.path, test.body)
			if w.Code != test.status || w.Body.String() != test.want {
				t.Errorf("got  %d %s\nwant %d %s", w.Code, w.Body, test.status, test.want)
			}
			for name, want := range map[string]string{"Content-Type": "application/json", "X-Model-Version": "v1.0.0", "X-Color": "blue", "X-Request-Id": "request-1"} {
				if got := w.Header().Get(name); got != want {
					t.Errorf("%s: got %q, want %q", name, got, want)
				}
			}
		})
	}
}

func TestV2Metadata(t *testing.T) {
	s := demo(t, Options{Name: "mass"})
	w := ask(s, "GET", "/v2/models/mass/versions/v1.0.0", "")
	var got modelMetadata
	if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	got.Parameters = nil
	text, err := json.Marshal(got)
	if err != nil {
		t.Fatal(err)
	}
	const want = `{"name":"mass","versions":["v1.0.0"],"platform":"onnx_onnxv1",` +
		`"inputs":[{"name":"x","datatype":"FP32","shape":[-1,3],"parameters":{"features":["radius error","area error","mean smoothness"]}}],` +
		`"outputs":[{"name":"label","datatype":"INT64","shape":[-1]},{"name":"probabilities","datatype":"FP32","shape":[-1,2],"parameters":{"labels":[0,1],"class_names":["malignant","benign"]}}]}`
	if string(text) != want {
		t.Errorf("got  %s\nwant %s", text, want)
	}
}

func TestV2WhileDraining(t *testing.T) {
	s := demo(t, Options{})
	s.Drain()
	for _, test := range []struct {
		method, path, body string
		status             int
		want               string
	}{
		{"GET", "/v2/health/live", "", 200, `{"live":true}`},
		{"GET", "/v2/health/ready", "", 503, `{"error":"not ready: draining","ready":false,"live":true}`},
		{"GET", "/v2/models/ml-service/ready", "", 503, `{"error":"not ready: draining","name":"ml-service","ready":false}`},
		{"POST", inferPath, oneRow, 200, head + `"request-1"` + answered},
	} {
		w := ask(s, test.method, test.path, test.body)
		if w.Code != test.status || w.Body.String() != test.want || w.Header().Get("Connection") != "close" {
			t.Errorf("%s %s: got %d %s, Connection %q\nwant %d %s, close", test.method, test.path, w.Code, w.Body, w.Header().Get("Connection"), test.status, test.want)
		}
	}
}

// What Triton's client sends and expects: the tensor behind the JSON, all answers in binary.
func TestV2Binary(t *testing.T) {
	s := demo(t, Options{})
	text := `{"id":"1","inputs":[{"name":"x","shape":[2,3],"datatype":"FP32","parameters":{"binary_data_size":24}}],"parameters":{"binary_data_output":true}}`
	body := []byte(text)
	for _, f := range []float32{0.4, -0.2, 0.1, float32(math.NaN()), 0, 0} {
		body = binary.LittleEndian.AppendUint32(body, math.Float32bits(f))
	}
	w := ask(s, "POST", inferPath, string(body), headerLength, strconv.Itoa(len(text)))
	want := head + `"1","outputs":[{"name":"label","datatype":"INT64","shape":[2],"parameters":{"binary_data_size":16}},` +
		`{"name":"probabilities","datatype":"FP32","shape":[2,2],"parameters":{"binary_data_size":16}}]}`
	if got := w.Header().Get("Content-Type"); w.Code != 200 || got != "application/octet-stream" {
		t.Fatalf("got %d %s, want 200 application/octet-stream", w.Code, got)
	}
	if got := w.Header().Get(headerLength); got != strconv.Itoa(len(want)) {
		t.Fatalf("%s: got %s, want %d", headerLength, got, len(want))
	}
	got, tail := w.Body.String()[:len(want)], w.Body.Bytes()[len(want):]
	if got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if label := binary.LittleEndian.Uint64(tail); label != 1 {
		t.Errorf("label of row 0: got %d, want 1", label)
	}
	if p := math.Float32frombits(binary.LittleEndian.Uint32(tail[20:])); p != 0.6030141 {
		t.Errorf("probability of 1 in row 0: got %v, want 0.6030141", p)
	}
	if p := math.Float32frombits(binary.LittleEndian.Uint32(tail[28:])); !math.IsNaN(float64(p)) {
		t.Errorf("probability of 1 in row 1: got %v, want NaN itself", p)
	}
	if len(tail) != 32 {
		t.Errorf("got %d bytes behind the JSON, want 32", len(tail))
	}
	if w := ask(s, "POST", inferPath, "{}", headerLength, "many"); w.Code != 400 {
		t.Errorf("header that is no number: got %d, want 400", w.Code)
	}
}

func TestV2Compressed(t *testing.T) {
	s := demo(t, Options{MaxBodyBytes: 4096})
	pack := func(open func(io.Writer) io.WriteCloser, text string) string {
		var b bytes.Buffer
		w := open(&b)
		if _, err := io.WriteString(w, text); err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		return b.String()
	}
	gz := func(w io.Writer) io.WriteCloser { return gzip.NewWriter(w) }
	zl := func(w io.Writer) io.WriteCloser { return zlib.NewWriter(w) }
	raw := func(w io.Writer) io.WriteCloser {
		f, err := flate.NewWriter(w, 6)
		if err != nil {
			t.Fatal(err)
		}
		return f
	}
	bomb := strings.Repeat(" ", 1<<20) + oneRow
	for _, test := range []struct {
		name, encoding, body string
		status               int
		want                 string
	}{
		{"gzip", "gzip", pack(gz, oneRow), 200, head + `"request-1"` + answered},
		{"gzip, capitals", "GZIP", pack(gz, oneRow), 200, head + `"request-1"` + answered},
		{"deflate", "deflate", pack(zl, oneRow), 200, head + `"request-1"` + answered},
		{"deflate, bare", "deflate", pack(raw, oneRow), 200, head + `"request-1"` + answered},
		{"identity", "identity", oneRow, 200, head + `"request-1"` + answered},
		{"exactly the limit", "gzip", pack(gz, strings.Repeat(" ", 4096-len(oneRow))+oneRow), 200, head + `"request-1"` + answered},
		{"one past the limit", "gzip", pack(gz, strings.Repeat(" ", 4097-len(oneRow))+oneRow), 413, `{"error":"body too large: want at most 4096 bytes"}`},
		{"gzip bomb", "gzip", pack(gz, bomb), 413, `{"error":"body too large: want at most 4096 bytes"}`},
		{"deflate bomb", "deflate", pack(zl, bomb), 413, `{"error":"body too large: want at most 4096 bytes"}`},
		{"not gzip", "gzip", oneRow, 400, `{"error":"the body is not gzip: gzip: invalid header"}`},
		{"cut", "gzip", pack(gz, oneRow)[:40], 400, `{"error":"the body is not gzip: unexpected EOF"}`},
		{"empty", "gzip", "", 400, `{"error":"the body is not gzip: EOF"}`},
		{"unknown", "br", oneRow, 415, `{"error":"Content-Encoding: want gzip, deflate or identity, got \"br\""}`},
		{"twice", "gzip, gzip", oneRow, 415, `{"error":"Content-Encoding: want gzip, deflate or identity, got \"gzip, gzip\""}`},
	} {
		t.Run(test.name, func(t *testing.T) {
			for range 2 { // the second time with the memory of the first
				w := ask(s, "POST", inferPath, test.body, "Content-Encoding", test.encoding)
				if w.Code != test.status || w.Body.String() != test.want {
					t.Errorf("got  %d %s\nwant %d %s", w.Code, w.Body, test.status, test.want)
				}
			}
		})
	}
}
