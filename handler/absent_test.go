package handler

import (
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"

	"ml-service/model"
)

// TestAbsentColumns leaves out a column that may be missing, in every form of every route: the answer is that to null.
func TestAbsentColumns(t *testing.T) {
	m, err := model.Load(os.DirFS(fixtures), "titanic_ordinal_hgb")
	if err != nil {
		t.Fatal(err)
	}
	s := New(Options{Model: m, Name: "m"})
	const rest = `"pclass":3,"sibsp":1,"sex":"male","fare":3.42,"embarked":"S"`
	const columns = `"pclass":[3],"sibsp":[1],"sex":["male"],"fare":[3.42],"embarked":["S"]`
	two := strings.NewReplacer("[3]", "[3,3]", "[1]", "[1,1]", `["male"]`, `["male","male"]`, "[3.42]", "[3.42,3.42]", `["S"]`, `["S","S"]`).Replace(columns)
	const split = `{"columns":["pclass","sibsp","sex","fare","embarked"],"data":[[3,1,"male",3.42,"S"]]}`
	const one = `"prediction":0.0,"confidence":0.562`
	const version = `"version":"titanic_ordinal_hgb"}`
	for _, c := range []struct{ path, kind, body, want string }{
		{"/predict", "", `{"x":{"age":null,` + rest + `}}`, "{" + one + "," + version},
		{"/predict", "", `{"x":{` + rest + `}}`, "{" + one + "," + version},
		{"/predict", "", `{"x":[{` + rest + `},{` + rest + `}]}`, `{"predictions":[{` + one + "},{" + one + "}]," + version},
		{"/predict", "", `{"x":{` + columns + `}}`, "{" + one + "," + version},
		{"/predict", "", `{"x":{` + two + `}}`, `{"predictions":[{` + one + "},{" + one + "}]," + version},
		{"/predict", "", `{"x":` + split + `}`, `{"predictions":[{` + one + "}]," + version},
		{"/invocations", "", `{"instances":[{` + rest + `}]}`, `{"predictions":[0.0]}`},
		{"/invocations", "", `[{` + rest + `}]`, `{"predictions":[0.0]}`},
		{"/invocations", "", `{"dataframe_records":[{` + rest + `}]}`, `{"predictions":[0.0]}`},
		{"/invocations", "", `{"dataframe_split":` + split + `}`, `{"predictions":[0.0]}`},
		{"/invocations", "", `{"inputs":{` + columns + `}}`, `{"predictions":[0.0]}`},
		{"/invocations", "", `{"inputs":{` + two + `}}`, `{"predictions":[0.0,0.0]}`},
		{"/v1/models/m:predict", "", `{"instances":[{` + rest + `}]}`, `{"predictions":[0.0]}`},
		{"/invocations", "text/csv", "pclass,sibsp,sex,fare,embarked\n3,1,male,3.42,S\n", `{"predictions":[0.0]}`},
	} {
		kind := c.kind
		if kind == "" {
			kind = "application/json"
		}
		if a := post(s, c.path, kind, "application/json", c.body); a.Code != http.StatusOK || a.Body.String() != c.want {
			t.Errorf("%s %s: got %d %s, want %s", c.path, c.body, a.Code, a.Body, c.want)
		}
	}
	for _, c := range []struct{ path, kind, body, want string }{
		{"/predict", "application/json", `{"x":{"aeg":40,` + rest + `}}`, `{"error":"x.aeg: no such input`},
		{"/predict", "application/json", `{"x":{}}`, `{"error":"x.sex: missing, want a`},
		{"/invocations", "application/json", `{"inputs":{"aeg":[40],` + columns + `}}`, `{"error":"inputs.aeg: no such input`},
		{"/invocations", "application/json", `{"inputs":{}}`, `{"error":"inputs.sex: missing, want a list of rows"`},
		{"/invocations", "text/csv", "pclass,sibsp,sex,fare,embarked,aeg\n3,1,male,3.42,S,40\n", `{"error":"csv: the header has no column [\"age\"], but [\"aeg\"], which the model does not have: leave`},
		{"/invocations", "text/csv", "pclass,sibsp,sex,fare\n3,1,male,3.42\n", `{"error":"csv: the header has no column [\"embarked\"]","field":"csv"}`},
	} {
		if a := post(s, c.path, c.kind, "application/json", c.body); a.Code != http.StatusUnprocessableEntity || !strings.HasPrefix(a.Body.String(), c.want) {
			t.Errorf("%s %s: got %d %s, want 422 %s", c.path, c.body, a.Code, a.Body, c.want)
		}
	}
}

// TestAbsentColumnsOfCSV takes a header without some of the columns; the values that it leaves out are counted as those of JSON are.
func TestAbsentColumnsOfCSV(t *testing.T) {
	s, err := nativeService("model.txt", nativeFile(t, "lightgbm", "lgb335_binary", "model.txt"), nil)
	if err != nil {
		t.Fatal(err)
	}
	names := s.model.Inputs()[0].Features
	csv := names[1] + "\n" + strings.Repeat("1\n", 3)
	rows := strings.Repeat(`,{"`+names[1]+`":1}`, 3)[1:]
	want := ask(s, http.MethodPost, "/invocations", "["+rows+"]").Body.String()
	if a := post(s, "/invocations", "text/csv", "application/json", csv); a.Code != http.StatusOK || a.Body.String() != want {
		t.Errorf("got %d %s, want %s", a.Code, a.Body, want)
	}
	need := s.needOf([]byte(csv), true, false, s.platforms)
	if need < s.needs.of(int64(3*len(names)), 0, false) {
		t.Errorf("three rows need %d, want at least what all their values do", need)
	}
	a := post(s, "/invocations", "text/csv", "application/json", names[1]+"\n"+strings.Repeat("1\n", 100_000))
	if a.Code != http.StatusUnprocessableEntity || !strings.Contains(a.Body.String(), "more values are absent than the body has bytes") {
		t.Errorf("got %d %.200s, want it refused", a.Code, a.Body)
	}
}

// TestAbsentColumnsAreDescribed: the schema of a row asks for no column that may be absent.
func TestAbsentColumnsAreDescribed(t *testing.T) {
	m, err := model.Load(os.DirFS(fixtures), "titanic_ordinal_hgb")
	if err != nil {
		t.Fatal(err)
	}
	if got, want := rowOfModel(m)["required"].(list), (list{"sex", "embarked", "pclass", "sibsp"}); !slices.Equal(got, want) {
		t.Errorf("got %v required, want %v", got, want)
	}
}
