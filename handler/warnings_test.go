package handler

import (
	"archive/zip"
	"encoding/json"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"strings"
	"testing"

	"ml-service/model"
)

// titanic is a model whose encoder ignores what it does not know.
func titanic(tb testing.TB) *Service {
	tb.Helper()
	m, err := model.Load(os.DirFS(fixtures), "titanic_logreg")
	if err != nil {
		tb.Fatal(err)
	}
	return New(Options{Model: m, Name: "m"})
}

// passenger is a row of it.
func passenger(sex, embarked string) string {
	return fmt.Sprintf(`{"sex":%q,"age":24.5,"fare":11.82,"embarked":%q,"pclass":1,"sibsp":1}`, sex, embarked)
}

// TestWarnings asks with categories that a model does not know: the answer is ONNX Runtime's as before, and says so.
func TestWarnings(t *testing.T) {
	s := titanic(t)
	const version, known = `"version":"titanic_logreg"}`, `{"prediction":1.0,"confidence":0.797`
	const stranger = `{"prediction":1.0,"confidence":0.791`
	tensors := func(embarked string) string {
		return `{"id":"1","inputs":[{"name":"sex","datatype":"BYTES","shape":[1,1],"data":["male"]},{"name":"age","datatype":"FP32","shape":[1,1],"data":[24.5]},{"name":"fare","datatype":"FP32","shape":[1,1],"data":[11.82]},` +
			`{"name":"embarked","datatype":"BYTES","shape":[1,1],"data":["` + embarked + `"]},{"name":"pclass","datatype":"INT64","shape":[1,1],"data":[1]},{"name":"sibsp","datatype":"INT64","shape":[1,1],"data":[1]}],"outputs":[{"name":"label"}]}`
	}
	for _, c := range []struct{ name, path, body, want string }{
		{"a row", "/predict", `{"x":` + passenger("male", "None") + `}`, stranger + `,"warnings":["x.embarked: \"None\" is not a category of the model"],` + version},
		{"none", "/predict", `{"x":` + passenger("male", "S") + `}`, known + `,` + version},
		{"two of a row", "/predict", `{"x":` + passenger("m\u00e4le", "") + `}`,
			`{"prediction":1.0,"confidence":0.909,"warnings":["x.sex: \"mäle\" is not a category of the model","x.embarked: \"\" is not a category of the model"],` + version},
		{"a batch", "/predict", `{"x":[` + passenger("male", "S") + `,` + passenger("male", "T") + `,` + passenger("male", "S") + `]}`,
			`{"predictions":[` + known + `},` + stranger + `,"warnings":["x[1].embarked: \"T\" is not a category of the model"]},` + known + `}],` + version},
		{"columns", "/predict", `{"x":{"embarked":["S","T"],"sex":["male","male"],"age":[24.5,24.5],"fare":[11.82,11.82],"pclass":[1,1],"sibsp":[1,1]}}`,
			`{"predictions":[` + known + `},` + stranger + `,"warnings":["x.embarked[1]: \"T\" is not a category of the model"]}],` + version},
		{"split", "/predict", `{"x":{"columns":["embarked","sex","age","fare","pclass","sibsp"],"data":[["T","male",24.5,11.82,1,1]]}}`,
			`{"predictions":[` + stranger + `,"warnings":["x.data[0][0]: \"T\" is not a category of the model"]}],` + version},
		{"all scores", "/predict?probabilities=true", `{"x":` + passenger("male", "T") + `}`,
			stranger + `,"probabilities":{"0":0.20864719,"1":0.7913528},"warnings":["x.embarked: \"T\" is not a category of the model"],` + version},
		{"a platform", "/invocations", `{"instances":[` + passenger("male", "S") + `,` + passenger("male", "T") + `]}`,
			`{"predictions":[1.0,1.0],"warnings":["instances[1].embarked: \"T\" is not a category of the model"]}`},
		{"a platform, none", "/invocations", `{"instances":[` + passenger("male", "S") + `]}`, `{"predictions":[1.0]}`},
		{"tensors", "/v2/models/m/infer", tensors("T"), `{"model_name":"m","model_version":"titanic_logreg","id":"1","parameters":{"warnings":"embarked[0][0]: \"T\" is not a category of the model"},` +
			`"outputs":[{"name":"label","datatype":"INT64","shape":[1],"data":[1]}]}`},
		{"tensors, none", "/v2/models/m/infer", tensors("S"), `{"model_name":"m","model_version":"titanic_logreg","id":"1","outputs":[{"name":"label","datatype":"INT64","shape":[1],"data":[1]}]}`},
		{"a long value", "/predict", `{"x":` + passenger("male", strings.Repeat("ä", 100)) + `}`,
			stranger + `,"warnings":["x.embarked: \"` + strings.Repeat("ä", 39) + `… is not a category of the model"],` + version},
	} {
		t.Run(c.name, func(t *testing.T) {
			for range 2 { // a session is used again
				if a := ask(s, http.MethodPost, c.path, c.body); a.Code != http.StatusOK || a.Body.String() != c.want {
					t.Errorf("%d\ngot  %s\nwant %s", a.Code, a.Body, c.want)
				}
			}
		})
	}
}

// TestCSVWarnings names the place of a value as the errors about CSV do.
func TestCSVWarnings(t *testing.T) {
	s := titanic(t)
	for _, c := range []struct{ body, want string }{
		{"age,sex,fare,embarked,pclass,sibsp\n24.5,male,11.82,S,1,1\n24.5,male,11.82,T,1,1\n", `{"predictions":[1.0,1.0],"warnings":["csv[1].embarked: \"T\" is not a category of the model"]}`},
		{"male,24.5,11.82,T,1,1\n", `{"predictions":[1.0],"warnings":["csv[0].embarked: \"T\" is not a category of the model"]}`},
		{"age,sex,fare,embarked,pclass,sibsp\n24.5,male,11.82,S,1,\n", `{"error":"csv[0].sibsp: line 2: want a whole number in the range of int64, got \"\"","field":"csv[0].sibsp"}`},
		{"age,sex,fare,embarked,pclass,sibsp\n24.5,male,11.82,,1,1\n", `{"error":"csv[0].embarked: line 2: want a string, and the model handles no missing value here, got \"\"","field":"csv[0].embarked"}`},
	} {
		if a := post(s, "/invocations", "text/csv", "application/json", c.body); a.Body.String() != c.want {
			t.Errorf("%s: got %d %s, want %s", c.body, a.Code, a.Body, c.want)
		}
	}
}

// TestManyWarnings asks with more rows than a block holds: each of the first 1,024 unknown values is told with its row, the others are
// counted, whichever core ran the block.
func TestManyWarnings(t *testing.T) {
	s := titanic(t)
	const rows = 5000
	var bodies []string
	for k := range rows {
		embarked := "S"
		if k%2 == 1 {
			embarked = fmt.Sprint("T", k)
		}
		bodies = append(bodies, passenger("male", embarked))
	}
	a := ask(s, http.MethodPost, "/predict", `{"x":[`+strings.Join(bodies, ",")+`]}`)
	var got struct {
		Predictions []struct{ Warnings []string }
		Warnings    []string
	}
	if err := json.Unmarshal(a.Body.Bytes(), &got); err != nil || a.Code != http.StatusOK || len(got.Predictions) != rows {
		t.Fatalf("got %d, %v, %d answers", a.Code, err, len(got.Predictions))
	}
	for k, p := range got.Predictions {
		var want []string
		if k%2 == 1 && k < 2*1024 {
			want = []string{fmt.Sprintf(`x[%d].embarked: "T%d" is not a category of the model`, k, k)}
		}
		if fmt.Sprint(p.Warnings) != fmt.Sprint(want) {
			t.Fatalf("row %d: got %q, want %q", k, p.Warnings, want)
		}
	}
	if want := fmt.Sprintf("[%d more values are not categories of the model]", rows/2-1024); fmt.Sprint(got.Warnings) != want {
		t.Errorf("got %q, want %s", got.Warnings, want)
	}
}

// TestNativeWarnings asks files of LightGBM and CatBoost, which take any category, and of XGBoost, which takes none that it does not know.
func TestNativeWarnings(t *testing.T) {
	for _, c := range []struct{ room, name, file, want string }{
		{"lightgbm", "lgb_pandas_categories", "model.txt", `: "no such category" is not a category of the model`},
		{"catboost", "cat_ctr_simple", "model.cbm", `: "no such category" is not a category of the model`},
		{"xgboost", "xgb_cats_strings", "model.ubj", `want a category that the model was trained with`},
	} {
		t.Run(c.name, func(t *testing.T) {
			z, err := zip.OpenReader("../" + c.room + "/testdata/models.zip")
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = z.Close() }()
			data, err := fs.ReadFile(z, "formats/"+c.name+"/"+c.file)
			if err != nil {
				t.Fatal(err)
			}
			s, err := nativeService(c.file, data, nil)
			if err != nil {
				t.Fatal(err)
			}
			row := tryRow(s.model, proposal{"no such category", "0.5", nil})
			for _, in := range s.model.Inputs() {
				for _, category := range in.Categories {
					row = strings.Replace(row, quoted(in.Name)+":"+quoted(category), quoted(in.Name)+`:"no such category"`, 1)
				}
			}
			a := ask(s, http.MethodPost, "/predict", `{"x":`+row+`}`)
			if !strings.Contains(strings.ReplaceAll(a.Body.String(), `\"`, `"`), c.want) {
				t.Errorf("%s\n%d %s, want %s in it", row, a.Code, a.Body, c.want)
			}
		})
	}
}

// TestKnownCategoriesDoNotWarn sends the rows that CatBoost and LightGBM were trained with: the file knows all their categories.
func TestKnownCategoriesDoNotWarn(t *testing.T) {
	for _, room := range []struct{ name, file, prefix string }{{"catboost", "model.cbm", "cat_ctr"}, {"lightgbm", "model.txt", "lgb_pandas"}} {
		z, err := zip.OpenReader("../" + room.name + "/testdata/models.zip")
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = z.Close() }()
		dirs, err := fs.ReadDir(z, "formats")
		if err != nil {
			t.Fatal(err)
		}
		rows, warned := 0, 0
		for _, dir := range dirs {
			if !strings.HasPrefix(dir.Name(), room.prefix) {
				continue
			}
			data, err := fs.ReadFile(z, "formats/"+dir.Name()+"/"+room.file)
			if err != nil {
				t.Fatal(err)
			}
			s, err := nativeService(room.file, data, nil)
			if err != nil {
				t.Fatal(err)
			}
			text, err := fs.ReadFile(z, "formats/"+dir.Name()+"/cases.json")
			if err != nil {
				t.Fatal(err)
			}
			var f nativeFixture
			if err := json.Unmarshal(text, &f); err != nil {
				t.Fatal(err)
			}
			for _, kase := range f.Cases {
				for _, row := range kase.Rows {
					x, ok := f.row(s.model, row)
					if !ok {
						continue
					}
					a := ask(s, http.MethodPost, "/predict", `{"x":`+x+`}`)
					told := strings.Contains(a.Body.String(), "warnings")
					if rows++; told {
						warned++
					}
					if told && kase.Kind == "ordinary" {
						t.Errorf("%s %s: %s\n%s", dir.Name(), kase.Name, x, a.Body)
					}
				}
			}
		}
		t.Logf("%s: %d rows, %d with warnings", room.name, rows, warned)
		if rows == 0 || warned == 0 {
			t.Errorf("%s: %d rows, %d with warnings, want some of each", room.name, rows, warned)
		}
	}
}
