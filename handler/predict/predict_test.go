package predict

import (
	"errors"
	"os"
	"strings"
	"testing"

	"ml-service/model"
)

const fixtures = "../../onnx/testdata/models"

func load(t testing.TB, dir, version string) *model.Model {
	t.Helper()
	m, err := model.Load(os.DirFS(dir), version)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// ask sends one body through the model.
func ask(t testing.TB, m *model.Model, body string) string {
	t.Helper()
	r := New(m).Request()
	defer r.Release()
	if err := r.Decode([]byte(body)); err != nil {
		return err.Error()
	}
	if err := r.Refused(r.Batch.Run(nil)); err != nil {
		return err.Error()
	}
	return string(r.AppendAnswer(nil))
}

// TestAnswers asks real models of every kind; the values are ONNX Runtime's, in their cases.json.
func TestAnswers(t *testing.T) {
	for _, c := range []struct {
		model string
		kind  model.Kind
		body  string
		want  string // without the version
	}{
		{"tree_classifier_strings_zipmap", model.Classifier, `{"x":[4.9,3.0,1.4,0.2]}`, `"prediction":"setosa","confidence":1.0`},
		{"logreg_raw_scores", model.Classifier, `{"x":[5.0,3.4,1.5,0.2]}`, `"prediction":0.0`},
		{"xgb_binary_nan", model.Classifier, `{"x":[13.53,10.94,87.91,559.2,0.1291,0.1047,0.06877,0.06556,null,0.06641,0.4101,1.014,2.652,null,0.0134,null,0.01162,0.008239,0.02572,0.006164,14.08,12.49,91.36,605.5,0.1451,0.1379,0.08539,0.07407,0.271,0.07191]}`,
			`"prediction":1.0,"confidence":0.995`},
		{"xgb_regressor_nan", model.Regressor, `{"x":[0.045340985,0.05068012,0.060618393,0.031064797,0.028702004,-0.0473467,-0.05444576,0.07120998,0.13359728,0.13561183]}`, `"prediction":245.86342`},
		{"forest_regressor_double", model.Regressor, `{"x":[0.08529890328645706,0.050680119544267654,0.044451214373111725,-0.005670422222465277,-0.045599449425935745,-0.034194465726614,-0.03235593065619469,-0.002592262113466859,0.0028613093309104443,-0.025930339470505714]}`,
			`"prediction":162.3357`},
		{"linear_regression_double", model.Regressor, `{"x":[0.027178291231393814,0.050680119544267654,0.017505912110209465,-0.03321323171257973,-0.007072771433740854,0.04597153887152672,-0.06549067050218582,0.07120998203754425,-0.09643495082855225,-0.059067193418741226]}`,
			`"prediction":95.1010841587223`},
		{"qda", model.Classifier, `{"x":[4.6,3.1,1.5,0.2]}`, `"prediction":0.0,"confidence":1.0`},
		{"titanic_logreg", model.Classifier, `{"x":{"sex":"male","age":42.3,"fare":3.84,"embarked":"S","pclass":3,"sibsp":0}}`, `"prediction":0.0,"confidence":0.728`},
		{"titanic_ordinal_hgb", model.Classifier, `{"x":{"pclass":3,"sibsp":1,"sex":"male","age":null,"fare":3.42,"embarked":"S"}}`, `"prediction":0.0,"confidence":0.562`},
		{"titanic_logreg_zipmap_strings", model.Classifier, `{"x":{"sex":"female","age":37.9,"fare":5.79,"embarked":"Q","pclass":3,"sibsp":0}}`, `"prediction":"survived","confidence":0.743`},
		{"hand_regressor_softmax", model.Regressor, `{"x":[0.5,-0.6117564,-0.5281718]}`, `"prediction":[0.6791787,0.3208213]`},
		{"ml_zipmap_falling_keys", model.Raw, `{"x":[-1.8634927,-0.27738822,-0.35475898]}`, `"outputs":{"y":{"9":-1.8634927,"5":-0.27738822,"7":-0.35475898}}`},
		{"op_cast_float_to_bool", model.Raw, `{"x":[2.0,0.0,0.0]}`, `"outputs":{"y":[true,false,false]}`},
		{"op_cast_float_to_bool", model.Raw, `{"x":[[2,0,0],[0,1,0]]}`, `"outputs":{"y":[[true,false,false],[false,true,false]]}`},
		{"op_cast_int64_to_double", model.Raw, `{"x":[2,-2]}`, `"outputs":{"y":[2.0,-2.0]}`},
		{"tree_classifier_decision_path", model.Raw, `{"x":[5.0,3.6,1.4,0.2]}`, `"outputs":{"label":0.0,"probabilities":[1.0,0.0,0.0],"decision_leaf":[1.0]}`},
	} {
		m := load(t, fixtures, c.model)
		if m.Kind() != c.kind {
			t.Errorf("%s: got %s, want %s", c.model, m.Kind(), c.kind)
		}
		if got, want := ask(t, m, c.body), "{"+c.want+`,"version":"`+c.model+`"}`; got != want {
			t.Errorf("%s: got %s, want %s", c.model, got, want)
		}
	}
}

// TestProbabilities adds all scores to each answer, and changes nothing where they are not asked for.
func TestProbabilities(t *testing.T) {
	for _, c := range []struct{ model, body, want string }{
		{"tree_classifier_strings_zipmap", `{"x":[4.9,3.0,1.4,0.2],"probabilities":true}`,
			`{"prediction":"setosa","confidence":1.0,"probabilities":{"setosa":1.0,"versicolor":0.0,"virginica":0.0},"version":"tree_classifier_strings_zipmap"}`},
		{"tree_classifier_strings_zipmap", `{"probabilities":true,"x":[[4.9,3.0,1.4,0.2]]}`,
			`{"predictions":[{"prediction":"setosa","confidence":1.0,"probabilities":{"setosa":1.0,"versicolor":0.0,"virginica":0.0}}],"version":"tree_classifier_strings_zipmap"}`},
		{"tree_classifier_strings_zipmap", `{"probabilities":false,"x":[4.9,3.0,1.4,0.2]}`, `{"prediction":"setosa","confidence":1.0,"version":"tree_classifier_strings_zipmap"}`},
		{"tree_classifier_strings_zipmap", `{"probabilities":1,"x":[4.9,3.0,1.4,0.2]}`, `probabilities: want true or false, got 1`},
		{"tree_classifier_strings_zipmap", `{"probabilities":true,"x":[4.9,3.0,1.4,0.2],"probabilities":false}`, `probabilities: given twice, want it once`},
		{"xgb_regressor_nan", `{"probabilities":true,"x":[1]}`, `probabilities: want it of a classifier with scores; the model is a regressor without them`},
	} {
		if got := ask(t, load(t, fixtures, c.model), c.body); got != c.want {
			t.Errorf("%s: got %s, want %s", c.body, got, c.want)
		}
	}
	raw := ask(t, load(t, fixtures, "logreg_raw_scores"), `{"x":[5.0,3.4,1.5,0.2],"probabilities":true}`)
	if !strings.Contains(raw, `"probabilities":{"0":`) || strings.Contains(raw, "confidence") {
		t.Errorf("got %s, want raw scores by class", raw)
	}
}

// TestSeveralTargets answers a list: the regressors' outputs side by side, within rounding of ONNX Runtime's.
func TestSeveralTargets(t *testing.T) {
	m := load(t, fixtures, "multi_output_regressor")
	r := New(m).Request()
	defer r.Release()
	if err := errors.Join(r.Decode([]byte(`{"x":[2,110,60]}`)), r.Batch.Run(nil)); err != nil {
		t.Fatal(err)
	}
	if m.Kind() != model.Regressor || m.Targets() != 3 {
		t.Errorf("got %s of %d targets, want a regressor of 3", m.Kind(), m.Targets())
	}
	if !r.predicts([]byte(`[188.91063,37.562824,54.90134]`), tolerance{1e-6, 1e-5}) {
		t.Errorf("got %s", r.AppendAnswer(nil))
	}
}

// TestRefusedByTheModel names the element where the graph itself refuses a value.
func TestRefusedByTheModel(t *testing.T) {
	m := load(t, fixtures, "ml_onehot_unknown_refused")
	r := New(m).Request()
	defer r.Release()
	for body, field := range map[string]string{
		`{"x":[9,1]}`:                      "x[0]",
		`{"x":[[-1,2],[-1,9]]}`:            "x[1][1]",
		`{"x":{"x":[9,1]}}`:                "x.x[0]",
		`{"x":[{"x":[-1,2]},{"x":[9,1]}]}`: "x[1].x[0]",
	} {
		if err := r.Decode([]byte(body)); err != nil {
			t.Fatal(err)
		}
		var e *Error
		if err := r.Refused(r.Batch.Run(nil)); !errors.As(err, &e) || e.Field != field || e.NotJSON || e.Error() != field+": 9 is no known category" {
			t.Errorf("%s: got %v, want an Error at %s", body, err, field)
		}
	}
}

// TestGolden refuses a model whose golden rows say otherwise, with the first difference.
func TestGolden(t *testing.T) {
	const row = `"rows":[{"x":[0.4,-0.2,0.1]}],`
	for _, c := range []struct {
		model, golden, want string // want: of the error, empty: loads
	}{
		{"", `{` + row + `"answers":[{"prediction":1.0,"confidence":0.6030141}]}`, ""},
		{"", `{"tolerance":{"absolute":0.01,"relative":0},` + row + `"answers":[{"prediction":1,"confidence":0.61}]}`, ""},
		{"", `{` + row + `"answers":[{"prediction":1.0}]}`, ""},
		{"", `{` + row + `"answers":[{"prediction":0.0,"confidence":0.6030141}]}`, `row 0: prediction: want 0.0, got "prediction":1.0`},
		{"", `{` + row + `"answers":[{"prediction":"1"}]}`, `row 0: prediction: want "1"`},
		{"", `{` + row + `"answers":[{"prediction":null}]}`, `row 0: prediction: want null`},
		{"", `{` + row + `"answers":[{"prediction":1.0,"confidence":0.6031}]}`, "row 0: confidence: want 0.6031, got 0.603014"},
		{"", `{"rows":[{"x":[1,2,3]},{"x":[1,2]}],"answers":[{"prediction":0},{"prediction":0}]}`, "row 1: x: want 3 numbers, got 2"},
		{"", `{"rows":[{"x":[[1,2,3]]}],"answers":[{"prediction":0}]}`, "row 0: want one row"},
		{"", `{"rows":[],"answers":[]}`, "want rows and as many answers, got 0 and 0"},
		{"", `{` + row + `"answers":[]}`, "want rows and as many answers, got 1 and 0"},
		{"", `{`, "the body is not JSON: at byte 1: want a name in quotes"},
		{"", `{} x`, "the body is not JSON: at byte 3: want the end"},
		{"", `[]`, "want an object, got []"},
		{"", `{"rows":{},"answers":[]}`, "rows: want a list, got {}"},
		{"", `{` + row + `"answers":[1]}`, "answers: want an object, got 1"},
		{"", `{"tolerance":{"absolute":"1"},` + row + `"answers":[{}]}`, "want a number, got \"1\""},
		{"", `{` + row + `"answers":[{"prediction":1,"confidence":true}]}`, "row 0: confidence: want a number, got true"},
		{"", `{` + row + `"answers":[{}]}`, "row 0: prediction: want a value, got none"},
		{"", `{"runtime":"a \u0022b\u0022", ` + row + ` "answers" : [ {"confidence":null, "more":[1,{"a":2}], "prediction":1} ] }`, ""},
		{"logreg_raw_scores", `{"rows":[{"x":[5.0,3.4,1.5,0.2]}],"answers":[{"prediction":0,"confidence":0.9}]}`, "row 0: confidence: want 0.9, got none"},
		{"tree_classifier_strings_zipmap", `{"rows":[{"x":[4.9,3.0,1.4,0.2]}],"answers":[{"prediction":"setosa","confidence":1}]}`, ""},
		{"tree_classifier_strings_zipmap", `{"rows":[{"x":[4.9,3.0,1.4,0.2]}],"answers":[{"prediction":"virginica"}]}`, `row 0: prediction: want "virginica", got "prediction":"setosa"`},
		{"hand_regressor_softmax", `{"rows":[{"x":[0.5,-0.6117564,-0.5281718]}],"answers":[{"prediction":[0.6791787,0.3208213]}]}`, ""},
		{"hand_regressor_softmax", `{"rows":[{"x":[0.5,-0.6117564,-0.5281718]}],"answers":[{"prediction":[0.6791787,0.33]}]}`, "row 0: prediction: want [0.6791787,0.33], got"},
		{"hand_regressor_softmax", `{"rows":[{"x":[0.5,-0.6117564,-0.5281718]}],"answers":[{"prediction":0.6791787}]}`, "row 0: prediction: want 0.6791787, got"},
		{"op_cast_float_to_bool", `{` + row + `"answers":[{"prediction":1}]}`, "want a classifier or a regressor"},
	} {
		m := load(t, "../../models", "v1.0.0")
		if c.model != "" {
			m = load(t, fixtures, c.model)
		}
		_, err := New(m).CheckGolden([]byte(c.golden))
		switch {
		case c.want == "" && err != nil:
			t.Errorf("%s: got %v", c.golden, err)
		case c.want != "" && (err == nil || !strings.HasPrefix(err.Error(), c.want)):
			t.Errorf("%s: got %v, want %s", c.golden, err, c.want)
		}
	}
}

// TestRunAllocatesNothing holds the whole way of a row: decode, run, answer.
func TestRunAllocatesNothing(t *testing.T) {
	for _, version := range []string{"v1.0.0", "v1.1.0"} {
		m := load(t, "../../models", version)
		r, body, out := New(m).Request(), []byte(`{"x":[[0.4,-0.2,0.1],[1,2,3]]}`), []byte(nil)
		got := testing.AllocsPerRun(100, func() {
			if err := errors.Join(r.Decode(body), r.Batch.Run(nil)); err != nil {
				t.Fatal(err)
			}
			out = r.AppendAnswer(out[:0])
		})
		if got != 0 {
			t.Errorf("%s: got %v allocations, want 0", version, got)
		}
	}
}

// TestPieces cuts the answer to a batch of every kind into pieces, none of them much longer than it should be, which together
// are what the model answers row by row.
func TestPieces(t *testing.T) {
	const rows = 9000
	for _, c := range []struct{ model, row string }{
		{"tree_classifier_strings_zipmap", `[4.9,3.0,1.4,0.2]`},
		{"hand_regressor_softmax", `[0.5,-0.6117564,-0.5281718]`},
		{"xgb_regressor_nan", `[0.045340985,0.05068012,0.060618393,0.031064797,0.028702004,-0.0473467,-0.05444576,0.07120998,0.13359728,0.13561183]`},
		{"ml_zipmap_falling_keys", `[-1.8634927,-0.27738822,-0.35475898]`},
		{"tree_classifier_decision_path", `[5.0,3.6,1.4,0.2]`},
	} {
		r := New(load(t, fixtures, c.model)).Request()
		one := `{"x":[` + c.row + `]}`
		if err := errors.Join(r.Decode([]byte(one)), r.Batch.Run(nil)); err != nil {
			t.Fatal(err)
		}
		single := string(r.AppendAnswer(nil))
		want := single
		for _, cut := range [][2]string{{`"predictions":[`, `],"version"`}, {`":[`, `]`}} {
			if r.Batch.PerRow() != (cut[0] == `"predictions":[`) {
				continue
			}
			want = repeatRows(single, cut[0], cut[1], rows)
		}
		if err := errors.Join(r.Decode([]byte(`{"x":[`+strings.Repeat(c.row+",", rows-1)+c.row+`]}`)), r.Batch.Run(nil)); err != nil {
			t.Fatal(err)
		}
		var whole []byte
		pieces := 0
		for more := true; more; pieces++ {
			var piece []byte
			if piece, more = r.AppendPiece(nil); len(piece) > pieceBytes+1000 {
				t.Errorf("%s: a piece of %d bytes", c.model, len(piece))
			}
			whole = append(whole, piece...)
		}
		if pieces < 2 || string(whole) != want {
			t.Errorf("%s: %d pieces, %.200s … %s\nwant %.200s … %s", c.model, pieces, whole, whole[max(0, len(whole)-100):], want, want[max(0, len(want)-100):])
		}
		r.Release()
	}
}

// repeatRows repeats what stands in the lists that open and shut enclose in the answer to a batch of one row.
func repeatRows(answer, open, shut string, rows int) string {
	var out strings.Builder
	for {
		i := strings.Index(answer, open)
		if i < 0 {
			return out.String() + answer
		}
		i += len(open)
		depth, end := 0, i
		for ; depth > 0 || !strings.HasPrefix(answer[end:], shut); end++ {
			switch answer[end] {
			case '[', '{':
				depth++
			case ']', '}':
				depth--
			}
		}
		out.WriteString(answer[:i])
		out.WriteString(strings.TrimSuffix(strings.Repeat(answer[i:end]+",", rows), ","))
		answer = answer[end:]
	}
}
