package handler

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"fmt"
	"io/fs"
	"math"
	"net/http"
	"net/http/httptest"
	"path"
	"strconv"
	"strings"
	"testing"
	"testing/fstest"

	"ml-service/model"
	"ml-service/onnx"
)

// nativeFixtures are files of the libraries with their own answers: the archive of each room, and what it must come to.
var nativeFixtures = []struct {
	room, file, want string
}{
	{"xgboost", "model.ubj", "176 models, 8890 rows, 176 cases that JSON cannot say, 6 refused"},
	{"lightgbm", "model.txt", "98 models, 5126 rows, 120 cases that JSON cannot say, 0 refused"},
	{"catboost", "model.cbm", "68 models, 3492 rows, 70 cases that JSON cannot say, 0 refused"},
}

type nativeCase struct {
	Name, Kind string
	Rows       [][]json.RawMessage
	Raw        []any
	Predict    []any
	Proba      []any `json:"predict_proba"`
}

type nativeFixture struct {
	Name, API, Note string
	Missing         *float64
	Cases           []nativeCase
}

// nativeService serves a file, with what lies beside it by name.
func nativeService(file string, data []byte, beside map[string]string) (*Service, error) {
	fsys := fstest.MapFS{"v1/" + file: {Data: data}}
	for name, text := range beside {
		fsys["v1/"+name] = &fstest.MapFile{Data: []byte(text)}
	}
	m, err := model.Load(fsys, "v1")
	if err != nil {
		return nil, err
	}
	return New(Options{Model: m, Name: "m"}), nil
}

// row is a row of a fixture as x holds it; false: JSON cannot say it.
func (f *nativeFixture) row(m *model.Model, row []json.RawMessage) (string, bool) {
	inputs := m.Inputs()
	var cells []string
	for i, c := range row {
		cell := string(c)
		if strings.Contains(cell, `Inf"`) {
			return "", false
		}
		if f.Missing != nil {
			if v, err := strconv.ParseFloat(cell, 64); err == nil && v == *f.Missing {
				cell = "null"
			}
		}
		if len(inputs) > 1 {
			if inputs[i].DType == onnx.String && cell[0] != '"' && cell != "null" { // CatBoost hashes a whole number as its digits
				cell = strconv.Quote(cell)
			}
			name := quoted(inputs[i].Name)
			cell = name + ":" + cell
		}
		cells = append(cells, cell)
	}
	if len(inputs) > 1 {
		return "{" + strings.Join(cells, ",") + "}", true
	}
	return "[" + strings.Join(cells, ",") + "]", true
}

func send(s *Service, target, body string) (int, []byte) {
	w := httptest.NewRecorder()
	s.Engine().ServeHTTP(w, httptest.NewRequest(http.MethodPost, target, strings.NewReader(body)))
	return w.Code, w.Body.Bytes()
}

// flatValues are the values of nested lists. What is not finite is answered as null: all of it counts as NaN.
func flatValues(v any) []any {
	switch v := v.(type) {
	case []any:
		var out []any
		for _, w := range v {
			out = append(out, flatValues(w)...)
		}
		return out
	case nil:
		return []any{math.NaN()}
	case string:
		if v == "NaN" || v == "+Inf" || v == "-Inf" {
			return []any{math.NaN()}
		}
	case bool:
		return []any{map[bool]string{false: "False", true: "True"}[v]}
	}
	return []any{v}
}

// alike compares answers; exactly: numbers to the bit.
func alike(got, want any, exactly bool) bool {
	a, b := flatValues(got), flatValues(want)
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		x, okX := a[i].(float64)
		y, okY := b[i].(float64)
		switch {
		case okX && okY:
			if x != y && (x == x || y == y) && (exactly || !(math.Abs(x-y) <= 1e-6*max(1, math.Abs(y)))) {
				return false
			}
		case fmt.Sprint(a[i]) != fmt.Sprint(b[i]):
			return false
		}
	}
	return true
}

// TestNativeFilesOverHTTP asks every fixture through POST /predict and through the Open Inference Protocol.
func TestNativeFilesOverHTTP(t *testing.T) {
	for _, of := range nativeFixtures {
		t.Run(of.room, func(t *testing.T) {
			z, err := zip.OpenReader("../" + of.room + "/testdata/models.zip")
			if err != nil {
				t.Fatal(err)
			}
			defer z.Close()
			dirs, err := fs.ReadDir(z, "formats")
			if err != nil {
				t.Fatal(err)
			}
			served, answered, unsayable, refused := 0, 0, 0, 0
			for _, dir := range dirs {
				folder := path.Join("formats", dir.Name())
				record, err := fs.ReadFile(z, path.Join(folder, "cases.json"))
				if err != nil {
					t.Fatal(err)
				}
				var f nativeFixture
				if err := json.Unmarshal(record, &f); err != nil {
					t.Fatal(err)
				}
				if strings.HasPrefix(f.Note, "REFUSE") {
					continue
				}
				data, err := fs.ReadFile(z, path.Join(folder, of.file))
				if err != nil {
					t.Fatal(err)
				}
				s, err := nativeService(of.file, data, nil)
				if err != nil {
					t.Fatalf("%s: %v", f.Name, err)
				}
				served++
				oneRowIsSmall(t, f.Name, s)
				for _, c := range f.Cases {
					body, sayable := "", true
					for i, row := range c.Rows {
						x, ok := f.row(s.model, row)
						if sayable = sayable && ok; i > 0 {
							body += ","
						}
						body += x
					}
					if !sayable {
						unsayable++
						continue
					}
					status, answer := send(s, "/predict", `{"x":[`+body+`]}`)
					if c.Kind == "refused" {
						if refused++; status != http.StatusUnprocessableEntity || !bytes.Contains(answer, []byte("want a category that the model was trained with")) {
							t.Errorf("%s, %s: got %d %s, want 422", f.Name, c.Name, status, answer)
						}
						continue
					}
					if status != http.StatusOK {
						t.Errorf("%s, %s: got %d %s, want 200", f.Name, c.Name, status, answer)
						continue
					}
					answered += len(c.Rows)
					f.check(t, s, c, answer, body)
				}
			}
			if got := fmt.Sprintf("%d models, %d rows, %d cases that JSON cannot say, %d refused", served, answered, unsayable, refused); got != of.want {
				t.Errorf("answered %s; want %s", got, of.want)
			}
		})
	}
}

// check compares what both protocols answer to the rows of a case with what the library answered.
func (f *nativeFixture) check(t *testing.T, s *Service, c nativeCase, answer []byte, body string) {
	t.Helper()
	wrapped := c.Proba != nil || s.model.Kind() == model.Regressor // predict of a bare booster is the probability
	var got struct {
		Predictions []struct{ Prediction any }
		Outputs     map[string]any
	}
	if err := json.Unmarshal(answer, &got); err != nil {
		t.Fatal(err)
	}
	for i := range got.Predictions {
		if wrapped && !alike(got.Predictions[i].Prediction, c.Predict[i], false) {
			t.Errorf("%s, %s, row %d: predicted %v, want %v", f.Name, c.Name, i, got.Predictions[i].Prediction, c.Predict[i])
		}
	}
	if s.model.Kind() == model.Raw && !alike(got.Outputs["labels"], c.Predict, false) {
		t.Errorf("%s, %s: predicted %v, want %v", f.Name, c.Name, got.Outputs["labels"], c.Predict)
	}
	outputs := infer(t, s, `{"x":[`+body+`]}`)
	if !alike(outputs["raw"], c.Raw, f.Name != "xgb214_poisson") {
		t.Errorf("%s, %s: raw %v, want %v", f.Name, c.Name, outputs["raw"], c.Raw)
	}
	if c.Proba != nil && !alike(outputs["probabilities"], c.Proba, false) {
		t.Errorf("%s, %s: probabilities %v, want %v", f.Name, c.Name, outputs["probabilities"], c.Proba)
	}
}

// infer sends the rows of a body of POST /predict as tensors.
func infer(t *testing.T, s *Service, body string) map[string]any {
	t.Helper()
	e, err := s.answerExample([]byte(body))
	if err != nil {
		t.Fatal(err)
	}
	status, answer := send(s, "/v2/models/m/infer", string(e.Infer))
	var got struct {
		Outputs []struct {
			Name string
			Data any
		}
	}
	if err := json.Unmarshal(answer, &got); err != nil || status != http.StatusOK {
		t.Fatalf("%d %s (%v)", status, answer, err)
	}
	outputs := map[string]any{}
	for _, o := range got.Outputs {
		outputs[o.Name] = o.Data
	}
	return outputs
}

// nativeFile is a file of the fixtures.
func nativeFile(t *testing.T, room, name, file string) []byte {
	t.Helper()
	z, err := zip.OpenReader("../" + room + "/testdata/models.zip")
	if err != nil {
		t.Fatal(err)
	}
	defer z.Close()
	data, err := fs.ReadFile(z, path.Join("formats", name, file))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// TestNativeDescription looks for names, labels and categories where callers read them.
func TestNativeDescription(t *testing.T) {
	cats := nativeFile(t, "xgboost", "xgb_cats_strings", "model.ubj")
	labels := nativeFile(t, "lightgbm", "lgb_labels_strings", "model.txt")
	for name, c := range map[string]struct {
		file   string
		data   []byte
		beside map[string]string
		target string
		want   []string
	}{
		"categories in OpenAPI": {"model.ubj", cats, nil, "/openapi.json", []string{`"enum":["apple","Banana","","a\"b\\c","kiwi","Z=1;y","a b","1","-0.5",null]`, `"type":["string","null"]`, `"f5":"apple"`}},
		"categories in V2":      {"model.ubj", cats, nil, "/v2/models/m", []string{`"platform":"xgboost"`, `"categories":["apple","Banana"`, `"missing_values":true`, `{"name":"raw","datatype":"FP32","shape":[-1,1]}`}},
		"text labels": {"model.txt", labels, map[string]string{"metadata.json": `{"title":"Loans","class_labels":["no","yes"],"feature_names":["a","b","c","d","e"]}`}, "/v2/models/m",
			[]string{`"platform":"lightgbm"`, `{"name":"label","datatype":"BYTES","shape":[-1]`, `"labels":["no","yes"]`, `"features":["a","b","c","d","e"]`, `"title":"Loans"`}},
		"labels of the file": {"model.cbm", nativeFile(t, "catboost", "cat_labels_integers", "model.cbm"), nil, "/openapi.json", []string{`"enum":[-2,7,40]`}},
	} {
		t.Run(name, func(t *testing.T) {
			s, err := nativeService(c.file, c.data, c.beside)
			if err != nil {
				t.Fatal(err)
			}
			w := httptest.NewRecorder()
			s.Engine().ServeHTTP(w, httptest.NewRequest(http.MethodGet, c.target, nil))
			for _, want := range c.want {
				if !strings.Contains(w.Body.String(), want) {
					t.Errorf("want %s in %s", want, w.Body.String()[:min(w.Body.Len(), 3000)])
				}
			}
		})
	}
}

func TestNativeErrors(t *testing.T) {
	cats, err := nativeService("model.ubj", nativeFile(t, "xgboost", "xgb_cats_strings", "model.ubj"), nil)
	if err != nil {
		t.Fatal(err)
	}
	const row = `{"x":[{"f0":1,"f1":2,"f2":3,"f3":null,"f4":5,"f5":%s}]}`
	for cell, want := range map[string]string{
		`"kiwi"`:  `{"predictions":[{"prediction":`,
		`null`:    `{"predictions":[{"prediction":`,
		`"Kiwi"`:  `{"error":"x[0].f5: want a category that the model was trained with, got \"Kiwi\"","field":"x[0].f5"}`,
		`1`:       `{"error":"x[0].f5: want a string, got 1","field":"x[0].f5"}`,
		`"kiwi",`: `{"error":"the body is not JSON`,
	} {
		if _, got := send(cats, "/predict", fmt.Sprintf(row, cell)); !strings.HasPrefix(string(got), want) {
			t.Errorf("%s: got %s, want %s", cell, got, want)
		}
	}
	spaced := map[string]string{"metadata.json": `{"feature_names":["f 0","f1","f2","f3","größe","city \"name\""]}`}
	if cats, err = nativeService("model.ubj", nativeFile(t, "xgboost", "xgb_cats_strings", "model.ubj"), spaced); err != nil {
		t.Fatal(err)
	}
	const named = `{"x":[{"f 0":1,"f1":2,"f2":3,"f3":null,"größe":5,"%s":"Kiwi"}]}`
	for name, want := range map[string]string{
		`city \"name\"`: `{"error":"x[0].city \"name\": want a category that the model was trained with, got \"Kiwi\"","field":"x[0].city \"name\""}`,
		"f5":            `{"error":"x[0].f5: no such input, want`,
	} {
		if _, got := send(cats, "/predict", fmt.Sprintf(named, name)); !strings.HasPrefix(string(got), want) {
			t.Errorf("named beside the file, %s: got %s, want %s", name, got, want)
		}
	}
	spaced["metadata.json"] = `{"feature_names":["a","b","c","d","e","b"]}`
	if _, err := nativeService("model.ubj", nativeFile(t, "xgboost", "xgb_cats_strings", "model.ubj"), spaced); err == nil || !strings.Contains(err.Error(), `feature_names: "b" is there twice`) {
		t.Errorf("a name twice: got %v", err)
	}
	for name, c := range map[string]struct {
		beside map[string]string
		want   string
	}{
		"two files":     {map[string]string{"model.cbm": "CBM1"}, "model v1: want one model file, got model.txt and model.cbm"},
		"labels":        {map[string]string{"metadata.json": `{"class_labels":["a"]}`}, `metadata class_labels: want a JSON list of 2 strings or whole numbers, got ["a"]`},
		"metadata":      {map[string]string{"metadata.json": `[]`}, "metadata.json: want a JSON object"},
		"feature names": {map[string]string{"metadata.json": `{"feature_names":["a"]}`}, "metadata feature_names: want one for each of the 5 values of a row, got 1"},
		"nothing amiss": {map[string]string{"metadata.json": `{}`}, ""},
		"labels, whole": {map[string]string{"metadata.json": `{"class_labels":[3,8]}`}, ""},
	} {
		_, err := nativeService("model.txt", nativeFile(t, "lightgbm", "lgb_labels_strings", "model.txt"), c.beside)
		if got := fmt.Sprint(err); c.want == "" && err != nil || !strings.Contains(got, c.want) {
			t.Errorf("%s: got %v, want %q", name, err, c.want)
		}
	}
}
