package predict

import (
	"encoding/json"
	"errors"
	"os"
	"strings"
	"testing"

	"ml-service/model"
)

// FuzzDecodePlatform feeds mutated bodies: each is refused with an error that says where, or is answered with a prediction for
// each row.
func FuzzDecodePlatform(f *testing.F) {
	for _, body := range []string{`{"instances":[[1,2,3]]}`, `[[1,2,3],[4,5,6]]`, `{"instances":[{"radius error":1,"area error":2,"mean smoothness":3}]}`,
		`{"inputs":{"x":[[1,2,3]]}}`, `{"inputs":{"radius error":[1],"area error":[2],"mean smoothness":[3]}}`, `{"inputs":{"age":[[1]],"sex":["a"]}}`,
		`{"dataframe_split":{"columns":["area error","radius error","mean smoothness"],"data":[[1,2,3]]}}`, `{"dataframe_split":{"columns":[0,1],"data":[[1,2]]}}`,
		`{"dataframe_records":[{"x":[1,2,3]}],"parameters":{"probabilities":true}}`, `{"x":[1,2,3]}`, `{"instances":[["a",1,2]],"inputs":[]}`,
		`{"instances":[["male",22,"S",1.0,3,1,0]]}`} {
		f.Add([]byte(body))
	}
	var codecs []*Codec
	for _, at := range [][2]string{{"../../models", "v1.0.0"}, {"../../onnx/testdata/models", "titanic_logreg_zipmap_strings"}, {"../../onnx/testdata/models", "xgb_multiclass_digits"}} {
		m, err := model.Load(os.DirFS(at[0]), at[1])
		if err != nil {
			f.Fatal(err)
		}
		codecs = append(codecs, NewForPlatforms(m))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		for _, c := range codecs {
			r := c.Request()
			err := r.DecodePlatform(body)
			if err == nil {
				err = r.Refused(r.Batch.Run(nil))
			}
			if err != nil {
				var e *Error
				if !errors.As(err, &e) || e.Message == "" || strings.HasPrefix(e.Field, "x") && r.root != "x" && !strings.Contains(string(body), "x") {
					t.Fatalf("%q: got %#v, want an error that says where", body, err)
				}
				r.Release()
				continue
			}
			answer := r.AppendAnswer(nil)
			var got struct{ Predictions []json.RawMessage }
			if err := json.Unmarshal(answer, &got); err != nil {
				t.Fatalf("%q: the answer %q: %v", body, answer, err)
			}
			if r.rowwise && len(got.Predictions) != r.Batch.Rows() {
				t.Fatalf("%q: %d rows, answered %s", body, r.Batch.Rows(), answer)
			}
			r.Release()
		}
	})
}

// TestScoresAskedTwice: whether all scores are asked for is said once, wherever it stands.
func TestScoresAskedTwice(t *testing.T) {
	m := load(t, "../../models", "v1.0.0")
	for body, want := range map[string]string{
		`{"instances":[[1,2,3]],"probabilities":true,"probabilities":true}`:                 "probabilities: given twice, want it once",
		`{"parameters":{"probabilities":true,"probabilities":false},"instances":[[1,2,3]]}`: "parameters.probabilities: given twice, want it once",
		`{"probabilities":false,"params":{"probabilities":true},"instances":[[1,2,3]]}`:     "params.probabilities: given twice, want it once",
	} {
		r := NewForPlatforms(m).Request()
		if err := r.DecodePlatform([]byte(body)); err == nil || err.Error() != want {
			t.Errorf("%s: got %v, want %s", body, err, want)
		}
		r.Release()
	}
}
