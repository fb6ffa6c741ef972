package handler

import (
	"bytes"
	"errors"
	"log/slog"
	"net/http"
	"os"
	"strings"
	"testing"

	"ml-service/model"
	"ml-service/models"
)

// TestRecordOmitNames: a name in another case than the feature's leaves nothing out and stops the start; one that is nothing of the
// model's may be a member of bodies, and is warned of.
func TestRecordOmitNames(t *testing.T) {
	for _, c := range []struct{ version, omit, fails, warns string }{
		{"titanic_logreg", "", "", ""},
		{"titanic_logreg", "sex,hash:age,5,body,answer,label", "", ""},
		{"titanic_logreg", "hash:user_id", "", `"names":"user_id"`},
		{"titanic_logreg", "embraked,99", "", `"names":"embraked, 99"`},
		{"titanic_logreg", "nosuch", "", `"of_the_model":"sex, age, fare, embarked, pclass, sibsp"`},
		{"titanic_logreg", "hash:Sex", `RECORD_OMIT: want a feature as the model titanic_logreg writes it, "sex", got "Sex"`, ""},
		{"titanic_logreg", "Sex,sex", "", `"names":"Sex"`}, // as another version writes it
	} {
		cfg := Config{ModelDir: fixtures, ModelVersion: c.version, RecordDir: "log", RecordSample: 1, RecordOmit: c.omit}
		o, err := Open(cfg, models.FS)
		var usage UsageError
		if c.fails != "" {
			if !errors.As(err, &usage) || err.Error() != c.fails {
				t.Errorf("%s: got %v, want %s", c.omit, err, c.fails)
			}
			continue
		}
		if err != nil {
			t.Fatalf("%s: %v", c.omit, err)
		}
		var said bytes.Buffer
		log := cfg.Recorder(&lines{}, o.Model, slog.New(slog.NewJSONHandler(&said, nil)))
		if err := log.Close(); err != nil || (said.Len() > 0) != (c.warns != "") || !strings.Contains(said.String(), c.warns) {
			t.Errorf("%s: got %q, %v, want %s", c.omit, said.String(), err, c.warns)
		}
	}
}

// TestRefusedWithoutValues: where values are left out of the record the log does not quote them either.
func TestRefusedWithoutValues(t *testing.T) {
	m, err := model.Load(os.DirFS(fixtures), "titanic_logreg")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ path, kind, body, want string }{
		{"/predict", "", `{"x":{"age":"PII"}}`, "x.age: want a number"},
		{"/predict", "", `{"x":{"columns":["age"],"data":[["PII"]]}}`, "x.data[0][0]: want a number"},
		{"/predict", "", `{"x":{"PII.7":{"age":1}}}`, "x: no such name"},
		{"/predict", "", `{"x":PII}`, "the body is not JSON: at byte 5: want a value"},
		{"/invocations", "text/csv", "sex,age,fare,embarked,pclass,sibsp\nmale,PII,1,S,1,1\n", "csv[0].age: line 2: want a number"},
		{"/invocations", "text/csv", "sex,age,fare,embarked,pclass,sibsp\n\"PII,1,1,S,1,1\n", "csv[0]: line 2: a quote that is not closed"},
		{"/v2/models/m/infer", "", `{"inputs":[{"name":"age","datatype":"FP32","shape":[1,1],"data":["PII"]}]}`, "inputs[0].data[0]: the model does not take it"},
	} {
		var said bytes.Buffer
		cfg := Config{RecordOmit: "age", ModelName: "m"}
		options := cfg.Options(&Opened{Model: m})
		options.Logger = slog.New(slog.NewJSONHandler(&said, nil))
		kind := c.kind
		if kind == "" {
			kind = "application/json"
		}
		a := post(New(options), c.path, kind, "application/json", c.body)
		if a.Code < http.StatusBadRequest || !strings.Contains(said.String(), `"error":"`+c.want+`"`) || strings.Contains(said.String(), "PII") {
			t.Errorf("%s: got %d, log %s, want %s", c.body, a.Code, said.String(), c.want)
		}
	}
}
