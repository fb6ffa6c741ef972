package handler

import (
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"os"
	"strings"
	"testing"

	"ml-service/model"
)

// TestMissingStrings sends null for a category that is missing, in every form: the answer is ONNX Runtime's for the word that the
// exporter wrote for it. A column without such a category refuses null.
func TestMissingStrings(t *testing.T) {
	const folder = "testdata/missing_strings"
	models, err := os.ReadDir(folder)
	if err != nil {
		t.Fatal(err)
	}
	ran := 0
	for _, dir := range models {
		if !dir.IsDir() {
			continue
		}
		t.Run(dir.Name(), func(t *testing.T) {
			m, err := model.Load(os.DirFS(folder), dir.Name())
			if err != nil {
				t.Fatal(err)
			}
			s := New(Options{Model: m, Name: "m"})
			text, err := os.ReadFile(folder + "/" + dir.Name() + "/cases.json")
			if err != nil {
				t.Fatal(err)
			}
			var cases []struct {
				Embarked      *string
				Label         int
				Probabilities []float64
			}
			if err := json.Unmarshal(text, &cases); err != nil {
				t.Fatal(err)
			}
			for _, c := range cases {
				ran++
				place, _ := json.Marshal(c.Embarked)
				known := c.Embarked == nil || *c.Embarked != "X"
				for path, body := range map[string]string{
					"/predict":     `{"x":[{"embarked":%s,"sex":"male","age":30}],"probabilities":true}`,
					"/predict/":    `{"x":{"columns":["age","embarked","sex"],"data":[[30,%s,"male"]]},"probabilities":true}`,
					"/invocations": `{"instances":[{"embarked":%s,"sex":"male","age":30}],"parameters":{"probabilities":true}}`,
				} {
					a := ask(s, http.MethodPost, path, fmt.Sprintf(body, place))
					var got struct {
						Predictions []struct {
							Prediction    float64
							Probabilities map[string]float64
						}
					}
					if err := json.Unmarshal(a.Body.Bytes(), &got); err != nil || len(got.Predictions) != 1 {
						t.Fatalf("%s of %s: %d %s", path, place, a.Code, a.Body)
					}
					one := got.Predictions[0]
					off := max(math.Abs(one.Probabilities["0"]-c.Probabilities[0]), math.Abs(one.Probabilities["1"]-c.Probabilities[1]))
					if one.Prediction != float64(c.Label) || off > 1e-6 || strings.Contains(a.Body.String(), "warnings") == known {
						t.Errorf("%s of %s: %d %s, want %d with %v", path, place, a.Code, a.Body, c.Label, c.Probabilities)
					}
				}
				tensors := `{"inputs":[{"name":"embarked","datatype":"BYTES","shape":[1,1],"data":[` + string(place) + `]},{"name":"sex","datatype":"BYTES","shape":[1,1],"data":["male"]},{"name":"age","datatype":"FP32","shape":[1,1],"data":[30]}]}`
				var got struct{ Outputs []struct{ Data []float64 } }
				a := ask(s, http.MethodPost, "/v2/models/m/infer", tensors)
				if err := json.Unmarshal(a.Body.Bytes(), &got); err != nil || len(got.Outputs) != 2 || math.Abs(got.Outputs[1].Data[0]-c.Probabilities[0]) > 1e-6 {
					t.Errorf("infer of %s: %d %s, want %v", place, a.Code, a.Body, c.Probabilities)
				}
				if c.Embarked == nil {
					csv := post(s, "/invocations", "text/csv", "application/json", "embarked,sex,age\n,male,30\n")
					if want := fmt.Sprintf(`{"predictions":[%d.0]}`, c.Label); csv.Body.String() != want {
						t.Errorf("CSV: %d %s, want %s", csv.Code, csv.Body, want)
					}
				}
			}
			for body, want := range map[string]string{
				`{"x":{"embarked":"S","sex":null,"age":30}}`:     `{"error":"x.sex: want a string, got null, and the model handles no missing value here","field":"x.sex"}`,
				`{"x":{"embarked":"S","sex":"male","age":null}}`: `{"error":"x.age: want a number, got null, and the model handles no missing value here","field":"x.age"}`,
			} {
				if a := ask(s, http.MethodPost, "/predict", body); a.Code != http.StatusUnprocessableEntity || a.Body.String() != want {
					t.Errorf("%s: %d %s, want 422 %s", body, a.Code, a.Body, want)
				}
			}
		})
	}
	if ran != 12 {
		t.Errorf("%d cases ran, want 12", ran)
	}
}
