package handler

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"

	"ml-service/handler/oip"
	"ml-service/onnx"
)

// Every fixture of tier 1 answers its recorded outputs through the Open Inference Protocol, in JSON and in binary.
func TestV2ReproducesTheFixtures(t *testing.T) {
	var models, binaries, texts, refused int
	unsayable := 0
	all := tierOne(t)
	for _, f := range all {
		t.Run(f.Name, func(t *testing.T) {
			s := New(Options{Model: f.load(t), Name: "m"})
			labels := labelsInMetadata(t, s)
			for _, c := range f.Cases {
				inputs, sayable := requestTensors(t, s, c)
				for _, binary := range []bool{true, false} {
					if !binary && !sayable {
						unsayable++
						continue
					}
					status, outputs := inferTensors(t, s, inputs, binary)
					if c.Kind == "refused" {
						refused++
						if status != http.StatusBadRequest {
							t.Errorf("%s, binary %t: got status %d, want 400", c.Name, binary, status)
						}
						continue
					}
					if status != http.StatusOK {
						t.Errorf("%s, binary %t: got status %d, want 200", c.Name, binary, status)
						continue
					}
					f.check(t, c, outputs, labels, binary)
					if binary {
						binaries++
					} else {
						texts++
					}
				}
			}
			if !t.Failed() {
				models++
			}
		})
	}
	t.Logf("%d of %d models of tier 1: %d cases in binary, %d in JSON (%d hold numbers that JSON cannot say), %d refusals",
		models, len(all), binaries, texts, unsayable, refused)
	if models != len(all) || binaries == 0 || texts == 0 {
		t.Errorf("got %d models, want %d", models, len(all))
	}
}

func (f fixture) check(t *testing.T, c fixtureCase, outputs map[string]*onnx.Tensor, labels map[string]any, binary bool) {
	t.Helper()
	for _, o := range f.Outputs {
		want, e := c.Outputs[o.Name], o.Exactness
		if wider, ok := c.Tolerance[o.Name]; ok {
			e = wider
		}
		if f.Expect == "library" {
			if _, ok := c.Library[o.Name]; !ok {
				continue // the library was not asked about this row
			}
			want.Data = c.Library[o.Name].Data
			if e.word != "exact" {
				e = exactness{Absolute: 1e-6, Relative: 1e-5}
			}
		}
		got := outputs[o.Name]
		if got == nil {
			t.Errorf("%s, binary %t: output %s is not answered", c.Name, binary, o.Name)
			continue
		}
		if d := want.compare(t, got, labels[o.Name], e, !binary); d != "" {
			t.Errorf("%s, binary %t: output %s: %s", c.Name, binary, o.Name, d)
		}
	}
}

// labelsInMetadata are the labels that GET /v2/models/m gives each output.
func labelsInMetadata(t *testing.T, s *Service) map[string]any {
	t.Helper()
	w := httptest.NewRecorder()
	s.Engine().ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/v2/models/m", nil))
	var m struct {
		Outputs []struct {
			Name       string
			Parameters struct{ Labels any }
		}
	}
	if err := json.Unmarshal(w.Body.Bytes(), &m); err != nil || w.Code != http.StatusOK {
		t.Fatalf("metadata: %d %s", w.Code, w.Body)
	}
	labels := map[string]any{}
	for _, o := range m.Outputs {
		labels[o.Name] = o.Parameters.Labels
	}
	return labels
}

// requestTensors are a case's inputs in the model's order, and whether JSON can say them.
func requestTensors(t *testing.T, s *Service, c fixtureCase) (tensors []*onnx.Tensor, sayable bool) {
	t.Helper()
	sayable = true
	for _, in := range s.model.Inputs() {
		r, ok := c.Inputs[in.Name]
		if !ok {
			t.Fatalf("%s: no input %s is recorded", c.Name, in.Name)
		}
		x := r.tensor(t, in.DType)
		tensors = append(tensors, x)
		sayable = sayable && finite(x, in.Missing)
	}
	return tensors, sayable
}

// inferTensors sends tensors, all in binary or all in JSON, and reads the answer in the same form.
func inferTensors(t *testing.T, s *Service, tensors []*onnx.Tensor, binary bool) (status int, outputs map[string]*onnx.Tensor) {
	t.Helper()
	body := []byte(`{"inputs":[`)
	var tail []byte
	for i, in := range s.model.Inputs() {
		if i > 0 {
			body = append(body, ',')
		}
		if binary {
			size := len(tail)
			tail = oip.AppendBinary(tail, tensors[i])
			shape, _ := json.Marshal(tensors[i].Shape)
			body = fmt.Appendf(body, `{"name":%q,"datatype":%q,"shape":%s,"parameters":{"binary_data_size":%d}}`,
				in.Name, oip.Datatype(in.DType), shape, len(tail)-size)
		} else {
			body = oip.AppendTensor(body, in.Name, tensors[i])
		}
	}
	body = append(body, `],"parameters":{"binary_data_output":`+strconv.FormatBool(binary)+`}}`...)
	r := httptest.NewRequest(http.MethodPost, "/v2/models/m/infer", bytes.NewReader(append(bytes.Clone(body), tail...)))
	if binary {
		r.Header.Set(headerLength, strconv.Itoa(len(body)))
	}
	w := httptest.NewRecorder()
	s.Engine().ServeHTTP(w, r)
	if w.Code != http.StatusOK {
		t.Logf("%d %s", w.Code, w.Body)
		return w.Code, nil
	}
	return w.Code, readAnswer(t, s, w)
}

// readAnswer reads the tensors of an answer with the decoder of requests: the two are written alike.
func readAnswer(t *testing.T, s *Service, w *httptest.ResponseRecorder) map[string]*onnx.Tensor {
	t.Helper()
	header := -1
	if v := w.Header().Get(headerLength); v != "" {
		header, _ = strconv.Atoi(v)
	}
	outputs := map[string]*onnx.Tensor{}
	var list []*onnx.Tensor
	for _, v := range s.model.Outputs() {
		x := &onnx.Tensor{DType: v.DType}
		outputs[v.Name], list = x, append(list, x)
	}
	body := strings.Replace(w.Body.String(), `"outputs":[`, `"inputs": [`, 1)
	var r oip.Request
	if err := r.Decode([]byte(body), header, signatureForTest(s.model.Outputs()), func(i int) *onnx.Tensor { return list[i] }); err != nil {
		t.Fatalf("the answer cannot be read: %v\n%.500s", err, w.Body)
	}
	return outputs
}

// The examples of every fixture are sent, and answered as the document says.
func TestOpenAPIExamplesWorkWhenSent(t *testing.T) {
	with, sent := 0, 0
	all := tierOne(t)
	for _, f := range all {
		t.Run(f.Name, func(t *testing.T) {
			s := New(Options{Model: f.load(t), Name: "m"})
			document := documentOf(t, s)
			before := sent
			for _, path := range []string{"/predict", "/v2/models/m/infer"} {
				operation := in(t, document, "paths", path, "post")
				content := in(t, operation, "requestBody", "content", "application/json").(map[string]any)
				requests, _ := content["examples"].(map[string]any)
				for name := range requests {
					body, _ := json.Marshal(in(t, requests, name, "value"))
					w := ask(s, "POST", path, string(body))
					want := in(t, operation, "responses", "200", "content", "application/json", "examples", name, "value")
					var got any
					if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil || w.Code != http.StatusOK {
						t.Errorf("%s, %s: %s: got %d %s, want 200", path, name, body, w.Code, w.Body)
						continue
					}
					g, _ := json.Marshal(got)
					if w, _ := json.Marshal(want); string(g) != string(w) {
						t.Errorf("%s, %s:\ngot  %s\nwant %s", path, name, g, w)
					}
					sent++
				}
			}
			if sent > before {
				with++
			} else {
				t.Log("no examples")
			}
		})
	}
	t.Logf("%d of %d models have examples; %d examples were sent", with, len(all), sent)
	if with == 0 {
		t.Error("no model has examples")
	}
}

// A value that only the running model can refuse is a 400 at its input, and says which element it is.
func TestV2SaysWhatTheModelRefuses(t *testing.T) {
	s := New(Options{Model: fixture{Name: "onehot_string_drop_first"}.load(t), Name: "m"})
	w := ask(s, "POST", "/v2/models/m/infer", `{"inputs":[{"name":"x","datatype":"BYTES","shape":[2,3],"data":["a2","b1","c0","a2","zz","c0"]}]}`)
	const want = `{"error":"inputs[0]: input \"x\", element [1 1]: \"zz\" is no known category","field":"inputs[0]"}`
	if w.Code != http.StatusBadRequest || w.Body.String() != want {
		t.Errorf("got  %d %s\nwant 400 %s", w.Code, w.Body, want)
	}
}
