package main

import (
	"archive/zip"
	"bytes"
	"context"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"ml-service/handler"
	"ml-service/handler/table"
)

const demo = "../../models/v1.0.0"

// runOn is run with stdin: the exit code, and what it wrote.
func runOn(stdin io.Reader, args ...string) (code int, stdout, stderr string) {
	var out, said bytes.Buffer
	code = run(context.Background(), args, env(), stdin, &out, &said)
	return code, out.String(), said.String()
}

// nativeModel writes a file of a room's fixtures to a folder of its own.
func nativeModel(t *testing.T, room, name, file string) string {
	t.Helper()
	z, err := zip.OpenReader("../../" + room + "/testdata/models.zip")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = z.Close() }()
	data, err := fs.ReadFile(z, "formats/"+name+"/"+file)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), file)
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestScore(t *testing.T) {
	categories := nativeModel(t, "xgboost", "xgb_cats_strings", "model.ubj")
	targets := nativeModel(t, "xgboost", "xgb_targets_trees", "model.ubj")
	labels := nativeModel(t, "xgboost", "xgb_labels_trees", "model.ubj")
	const titanic, ordinal = "../../onnx/testdata/models/titanic_logreg", "../../onnx/testdata/models/titanic_ordinal_hgb"
	const head = "radius error,area error,mean smoothness\n"
	for _, c := range []struct{ name, model, in, out, said string }{
		{"a row", demo, head + "0.4,-0.2,0.1\n", "prediction,confidence\n1,0.6030141\n", ""},
		{"no last line break", demo, head + "0.4,-0.2,0.1", "prediction,confidence\n1,0.6030141\n", ""},
		{"another order, quotes, line ends", demo, "\xef\xbb\xbf\"mean smoothness\",radius error,area error\r\n.1,\"0.4\",-2e-1\r\n\r\n0.1,0.4,-0.2\r\n", "prediction,confidence\n1,0.6030141\n1,0.6030141\n", ""},
		{"other columns", demo, "id,mean smoothness,radius error,area error\n\"a\"\",\nb\",0.1,0.4,-0.2\n", "prediction,confidence\n1,0.6030141\n", "ml-service: score: columns that the model does not have: [\"id\"]\n"},
		{"the header alone", demo, head, "prediction,confidence\n", ""},
		{"JSON lines", demo, "[0.4,-0.2,0.1]\n\n {\"x\":[1,2,3]}", "{\"prediction\":1.0,\"confidence\":0.6030141,\"version\":\"v1.0.0\"}\n{\"prediction\":0.0,\"confidence\":0.9994318,\"version\":\"v1.0.0\"}\n", ""},
		{"categories", categories, "f5,f0,f1,f2,f3,f4\nkiwi,0,-0.0,0,0e1,0\n\"kiwi\",NaN,nan,NA,null,\nkiwi,-0.75,1.2528682,,-0.29809284,0.48851815\n", "prediction\n-1.3733308\n1.6913456\n3.7308526\n", ""},
		{"unnamed columns", targets, "a,b,c,d,e\n0,0,0,0,0\n", "prediction_0,prediction_1,prediction_2\n0.23788139,-0.012404155,0.5164568\n", ""},
		{"unknown categories", titanic, "sex,age,fare,embarked,pclass,sibsp\nmale,24.5,11.82,S,1,1\nmale,24.5,11.82,T,1,1\nman,24.5,11.82,U,1,1\n", "prediction,confidence\n1,0.797", "ml-service: score: values that are not categories of the model, answered all the same: 1 in \"sex\", 2 in \"embarked\"\n"},
		{"an absent column", ordinal, "sex,fare,embarked,pclass,sibsp\nmale,3.42,S,3,1\n", "prediction,confidence\n0,0.562", "ml-service: score: columns that the input does not have, missing in every row: [\"age\"]\n"},
		{"several outputs", labels, "a,b,c,d,e\n0,0,0,0,0\n", "labels_0,labels_1,labels_2,probabilities_0,probabilities_1,probabilities_2,raw_0,raw_1,raw_2\n0,0,0,0.2701", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			code, out, said := runOn(strings.NewReader(c.in), "score", "--model", c.model)
			if code != handler.ExitDone || !strings.HasPrefix(out, c.out) || said != c.said {
				t.Errorf("got %d, %q, %q\nwant 0, %q, %q", code, out, said, c.out, c.said)
			}
		})
	}
}

func TestScoreFails(t *testing.T) {
	categories := nativeModel(t, "xgboost", "xgb_cats_strings", "model.ubj")
	const head = "radius error,area error,mean smoothness\n"
	for _, c := range []struct {
		name string
		args []string
		in   string
		code int
		want string
	}{
		{"no model", []string{}, "", handler.ExitUsage, "want --model DIR"},
		{"an argument", []string{"--model", demo, "rows.csv"}, "", handler.ExitUsage, `unexpected argument "rows.csv": rows come from standard input`},
		{"a format", []string{"--model", demo, "--format", "xml"}, "", handler.ExitUsage, `--format: want csv or jsonl, got "xml"`},
		{"several versions", []string{"--model", "../../models"}, "", handler.ExitUsage, "want one version, got 2"},
		{"no such model", []string{"--model", "none"}, "", handler.ExitUsage, "no such file or directory"},
		{"an empty input", []string{"--model", demo}, "", handler.ExitError, "the input is empty: want CSV with a header, or JSON lines"},
		{"an empty input of JSON lines", []string{"--model", demo, "--format", "jsonl"}, "", handler.ExitError, "the input is empty: want CSV with a header, or JSON lines"},
		{"a long header", []string{"--model", demo}, strings.Repeat("a", 300) + "\n1\n", handler.ExitError, "got the header \"" + strings.Repeat("a", 200) + "\" and 100 more bytes"},
		{"a missing column", []string{"--model", demo}, "radius error,mean smoothness\n1,2\n", handler.ExitError, `line 1: the header has no column ["area error"]; got the header "radius error,mean smoothness"` + "\n"},
		{"a misspelt column", []string{"--model", "../../onnx/testdata/models/titanic_ordinal_hgb"}, "sex,aeg,fare,embarked,pclass,sibsp\nmale,40,3.42,S,3,1\n", handler.ExitError, `line 1: the header has no column ["age"], but ["aeg"], which the model does not have: leave one or the other out, or add the column with empty fields`},
		{"a column twice", []string{"--model", demo}, "radius error,radius error\n1,2\n", handler.ExitError, `the header has column "radius error" twice`},
		{"too few fields", []string{"--model", demo}, head + "1,2,3\n1,2\n", handler.ExitError, "line 3: want 3 fields, got 2"},
		{"a header with semicolons", []string{"--model", demo}, "radius error;area error;mean smoothness\n1;2;3\n", handler.ExitError, `; want commas between the columns, got ';'`},
		{"rows with tabs", []string{"--model", demo}, head + "1\t2\t3\n", handler.ExitError, `line 2: want 3 fields, got 1; want commas between the columns, got '\t'`},
		{"no number", []string{"--model", demo}, head + "1,2,3\n1,x,3\n", handler.ExitError, `line 3: column "area error": want a number, got "x"`},
		{"nothing", []string{"--model", demo}, head + "1,,3\n", handler.ExitError, `line 2: column "area error": want a number, and the model handles no missing value here, got ""`},
		{"an open quote", []string{"--model", demo}, head + "1,\"2,3\n", handler.ExitError, "line 2: a quote that is not closed"},
		{"text behind a quote", []string{"--model", demo}, head + "1,\"2\"2,3\n", handler.ExitError, "line 2: want a comma behind a closing quote"},
		{"a category", []string{"--model", categories}, "f0,f1,f2,f3,f4,f5\n1,2,3,4,5,kiwi\n\n1,2,3,4,5,fig\n", handler.ExitError, `line 4: column "f5": want a category that the model was trained with, got "fig"`},
		{"text that is not UTF-8", []string{"--model", "../../onnx/testdata/models/titanic_logreg"}, "sex,age,fare,embarked,pclass,sibsp\nmale,1,1,S\xe3o,1,1\n", handler.ExitError, `line 2: column "embarked": want text in UTF-8, got "S\xe3o"`},
		{"JSON of another width", []string{"--model", demo}, "[1,2,3]\n[1,2]\n", handler.ExitError, "line 2: x: want 3 numbers, got 2"},
		{"no JSON", []string{"--model", demo}, "[1,2,3]\n[1,2\n", handler.ExitError, "line 2: not JSON: at byte 4: want ',' or ']', got the end of the line"},
		{"NaN", []string{"--model", demo}, "[1,2,3]\n  [1,NaN,3]\n", handler.ExitError, "line 2: not JSON: at byte 5: want a value; NaN and Infinity are not JSON, write null for a missing value, got 'N'"},
		{"another member behind the row", []string{"--model", demo}, "[1,2,3],\"probabilities\":true\n", handler.ExitError, "line 1: not JSON: at byte 7: want the end"},
	} {
		t.Run(c.name, func(t *testing.T) {
			code, _, said := runOn(strings.NewReader(c.in), append([]string{"score"}, c.args...)...)
			if code != c.code || !strings.HasPrefix(said, "ml-service: ") || !strings.Contains(said, c.want) {
				t.Errorf("got %d, %q, want %d, %q", code, said, c.code, c.want)
			}
		})
	}
}

// TestScoreUpToABadLine: all rows before a bad line are answered, and none after it.
func TestScoreUpToABadLine(t *testing.T) {
	const rows = 700 // more than are run together
	categories := nativeModel(t, "xgboost", "xgb_cats_strings", "model.ubj")
	for _, c := range []struct{ name, model, head, good, bad, said string }{
		{"CSV, no number", demo, "radius error,area error,mean smoothness\n", "0.4,-0.2,0.1\n", "1,x,3\n", `column "area error": want a number, got "x"`},
		{"CSV, fields", demo, "radius error,area error,mean smoothness\n", "0.4,-0.2,0.1\n", "1,3\n", "want 3 fields, got 2"},
		{"CSV, refused by the model", categories, "f0,f1,f2,f3,f4,f5\n", "1,2,3,4,5,kiwi\n", "1,2,3,4,5,fig\n", `column "f5": want a category that the model was trained with, got "fig"`},
		{"JSON lines", demo, "", "[0.4,-0.2,0.1]\n", "[1,2]\n", "x: want 3 numbers, got 2"},
	} {
		for _, before := range []int{0, 1, 511, 512, 600} {
			text := c.head + strings.Repeat(c.good, before)
			line := strings.Count(text, "\n") + 1
			_, want, _ := runOn(strings.NewReader(text+c.good), "score", "--model", c.model) // one row more
			want = want[:strings.LastIndexByte(strings.TrimSuffix(want, "\n"), '\n')+1]
			text += c.bad + strings.Repeat(c.good, rows-before-2) + c.bad
			code, out, said := runOn(strings.NewReader(text), "score", "--model", c.model)
			if code != handler.ExitError || out != want || !strings.Contains(said, fmt.Sprintf("line %d: %s", line, c.said)) {
				t.Errorf("%s, %d rows before: got %d, %d lines, %q; want 1, %d lines and line %d named", c.name, before, code, strings.Count(out, "\n"), said, strings.Count(want, "\n"), line)
			}
		}
	}
}

// TestScoreInOrder answers more rows than several pieces hold, some with line breaks between quotes, on several cores.
func TestScoreInOrder(t *testing.T) {
	const rows = 60000
	var in, want bytes.Buffer
	in.WriteString("note,radius error,area error,mean smoothness\n")
	want.WriteString("prediction,confidence\n")
	for i := range rows {
		note := "n"
		if i%7 == 0 {
			note = "\"two\nlines, \"\"quoted\"\"\""
		}
		if i%3 == 0 {
			fmt.Fprintf(&in, "%s,0.4,-0.2,0.1\n", note)
			want.WriteString("1,0.6030141\n")
		} else {
			fmt.Fprintf(&in, "%s,1,2,3\n", note)
			want.WriteString("0,0.9994318\n")
		}
	}
	for _, cores := range []string{"1", "3"} {
		code, out, said := runOn(&oneByOne{in.Bytes()}, "score", "--model", demo, "--cores", cores)
		if code != 0 || out != want.String() {
			t.Errorf("%s cores: got %d, %d bytes, %q; want 0 and %d bytes", cores, code, len(out), said, want.Len())
		}
	}
	bad := strings.TrimSuffix(in.String(), "\n") + "x\n"
	if code, _, said := runOn(strings.NewReader(bad), "score", "--model", demo); code != 1 || !strings.Contains(said, fmt.Sprintf("line %d: column \"mean smoothness\"", strings.Count(bad, "\n"))) {
		t.Errorf("got %d, %q, want the last line named", code, said)
	}
}

// oneByOne gives its bytes in small reads.
type oneByOne struct{ rest []byte }

func (o *oneByOne) Read(p []byte) (int, error) {
	if len(o.rest) == 0 {
		return 0, io.EOF
	}
	n := copy(p, o.rest[:min(len(o.rest), 1000)])
	o.rest = o.rest[n:]
	return n, nil
}

// TestUnknownsAreBounded lists some columns and counts the others.
func TestUnknownsAreBounded(t *testing.T) {
	categories := nativeModel(t, "lightgbm", "lgb_pandas_categories", "model.txt")
	all, err := places(categories)
	if err != nil {
		t.Fatal(err)
	}
	o, err := handler.OpenVersion(all[0].fsys, all[0].version)
	if err != nil {
		t.Fatal(err)
	}
	c, err := table.InOrder(o.Model)
	if err != nil {
		t.Fatal(err)
	}
	met := unknowns{-1: 5}
	met.take(unknowns{0: 2, -1: 1})
	if got, want := met.text(c), fmt.Sprintf("2 in %q, 6 more", c.Column(0)); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// TestHelp writes what the verbs are to standard output.
func TestHelp(t *testing.T) {
	for _, args := range [][]string{{"score", "--help"}, {"score", "--model", demo, "-h"}, {"check", "--help"}, {"check", "-help"}} {
		code, out, said := runOn(strings.NewReader(""), args...)
		if code != handler.ExitDone || !strings.HasPrefix(out, "Usage:\n  ml-service "+args[0]) || said != "" {
			t.Errorf("%v: got %d, %q, %q", args, code, out, said)
		}
	}
}

func TestCheck(t *testing.T) {
	categories := nativeModel(t, "xgboost", "xgb_cats_strings", "model.ubj")
	broken := filepath.Join(t.TempDir(), "model.txt")
	if err := os.WriteFile(broken, []byte("tree\nversion=v2\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		path string
		code int
		want []string
	}{
		{demo, handler.ExitDone, []string{"v1.0.0\n", "26 rows answered as recorded from onnxruntime 1.32.0", "kind      classifier", "can be served"}},
		{"../../models", handler.ExitDone, []string{"v1.0.0\n", "v1.1.0\n"}},
		{demo + "/model.onnx", handler.ExitDone, []string{"model\n", "26 rows answered as recorded"}},
		{categories, handler.ExitDone, []string{"(xgboost)", `f5 string [N, 1], may be missing: ["apple" "Banana"`, "golden    none"}},
		{broken, handler.ExitError, []string{"cannot be served: model model: lightgbm: line 2: version: version v2 is not supported"}},
		{"score_test.go", handler.ExitUsage, nil},
		{".", handler.ExitUsage, nil},
	} {
		code, out, said := runOn(strings.NewReader(""), "check", c.path)
		if code != c.code || (code != 0) != (said != "") {
			t.Errorf("%s: got %d, %q, want %d", c.path, code, said, c.code)
		}
		for _, want := range c.want {
			if !strings.Contains(out, want) {
				t.Errorf("%s: want %s in %s", c.path, want, out)
			}
		}
	}
}
