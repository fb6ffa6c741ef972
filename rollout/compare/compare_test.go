package compare

import (
	"bytes"
	"context"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"io"
	"math"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"ml-service/rollout"
)

// sides answer by a function of the body.
type sides map[rollout.Side]func(body string) (int, string)

func (s sides) Ask(_ context.Context, side rollout.Side, req rollout.Request) (rollout.Answer, error) {
	status, body := s[side](string(req.Body))
	return rollout.Answer{Status: status, Header: http.Header{"X-Model-Version": {"v-" + string(side)}}, Body: []byte(body)}, nil
}

func rows(t *testing.T, text string) []Row {
	t.Helper()
	all, err := Read(strings.NewReader(text), "rows.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func classifier(limit float64) func(string) (int, string) {
	return func(body string) (int, string) {
		var b struct{ X []float64 }
		if err := json.Unmarshal([]byte(body), &b); err != nil || strings.Contains(body, `"y"`) {
			return 400, `{"error":"not a row, or the answer was sent along"}`
		}
		if b.X[0] > 90 {
			return 422, `{"error":"too large","field":"x[0]"}`
		}
		if b.X[0] >= limit {
			return 200, `{"prediction":1.0,"confidence":0.9}`
		}
		return 200, `{"prediction":0.0,"confidence":0.8}`
	}
}

func run(t *testing.T, s sides, all []Row, threshold float64) *Result {
	t.Helper()
	r, err := Run(t.Context(), s, all, Options{Old: "blue", New: "green", Threshold: threshold})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestClassifiers(t *testing.T) {
	var text strings.Builder
	for k := range 20 {
		fmt.Fprintf(&text, `{"x":[%d],"y":%d}`+"\n", k, min(1, k/10))
	}
	s := sides{"blue": classifier(10), "green": classifier(14)}
	r := run(t, s, rows(t, text.String()), 0.5)
	if r.Rows != 20 || r.Changed != 4 || r.Share != 0.2 || r.OldVersion != "v-blue" || *r.Flips != 4 {
		t.Errorf("got %+v", r)
	}
	if got := fmt.Sprint(r.Classes, r.Table); got != "[0 1] [[10 0] [4 6]]" {
		t.Errorf("table %s", got)
	}
	l := r.Labels
	if l == nil || l.OldRight != 20 || l.NewRight != 16 || l.NewWrong != 4 || l.OldWrong != 0 || *l.OldLogLoss >= *l.NewLogLoss || l.Log10EValue <= 0 {
		t.Errorf("labels %+v", l)
	}
	if len(r.Most) != 4 || r.Most[0].Old != "1.0 (0.9)" || r.Most[0].New != "0.0 (0.8)" || math.Abs(r.Most[0].By-0.7) > 1e-9 {
		t.Errorf("most %+v", r.Most)
	}
}

func TestRefusals(t *testing.T) {
	deaf := func(string) (int, string) { return 422, `{"error":"want 4 numbers","field":"x"}` }
	all := rows(t, "{\"x\":[1]}\n{\"x\":[99]}\n")
	r := run(t, sides{"blue": classifier(10), "green": deaf}, all, math.NaN())
	if r.Refused.NewAlone != 1 || r.Refused.Both != 1 || r.Share != 1 || r.Flips != nil || !strings.Contains(r.Refused.First, "rows.jsonl:1: 422") {
		t.Errorf("got %+v", r)
	}
	if r := run(t, sides{"blue": deaf, "green": classifier(1)}, all, math.NaN()); r.Refused.OldAlone != 1 || r.Share != 0 {
		t.Errorf("got %+v", r)
	}
}

func TestRegressors(t *testing.T) {
	linear := func(slope float64) func(string) (int, string) {
		return func(body string) (int, string) {
			var b struct{ X [][]float64 }
			if err := json.Unmarshal([]byte(body), &b); err != nil {
				return 400, "{}"
			}
			var out []string
			for _, x := range b.X {
				out = append(out, fmt.Sprintf(`{"prediction":%g}`, slope*x[0]))
			}
			return 200, `{"predictions":[` + strings.Join(out, ",") + `],"warnings":["w"]}`
		}
	}
	r := run(t, sides{"blue": linear(1), "green": linear(1.5)}, rows(t, `{"x":[[0],[1],[2],[4]],"y":[0,1,2,4]}`), 3)
	if r.Rows != 4 || r.Changed != 3 || r.Differences.Most != 2 || *r.Labels.OldRMSE != 0 || *r.Labels.NewRMSE < 1 || r.OldWarnings != 1 || *r.Flips != 1 {
		t.Errorf("got %+v, differences %+v, labels %+v", r, r.Differences, r.Labels)
	}
}

func TestReadRows(t *testing.T) {
	golden := `{"runtime": "x", "rows": [{"x": [1]},
 {"x": [2]}], "answers": [{}, {}]}`
	if all := rows(t, golden); len(all) != 2 || string(all[1].Body) != `{"x": [2]}` {
		t.Errorf("golden: %+v", all)
	}
	record := `{"route":"/predict","status":200,"body":{"x":[1]},"answer":{"prediction":1},"y":"a"}
{"route":"/v2/models/:name/infer","body":{"inputs":[]}}
{"route":"/predict","status":422,"body":{"rows":[1]}}
{"route":"/predict","body":null}
`
	if all := rows(t, record); len(all) != 1 || string(all[0].Body) != `{"x":[1]}` || string(all[0].Known[0]) != `"a"` {
		t.Errorf("record: %+v", all)
	}
	if all := rows(t, "\n"); len(all) != 0 {
		t.Errorf("blank: %+v", all)
	}
	for text, want := range map[string]string{"{\"x\":[1]}\n{\"z\":1}": `line 2: no "x"`, "nonsense": "line 1: want {", "[1]\n": "line 1: want {"} {
		if _, err := Read(strings.NewReader(text), "f"); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: got %v, want %q", text, err, want)
		}
	}
	dir := t.TempDir()
	if _, err := ReadFile(dir); err == nil || !strings.Contains(err.Error(), "no .jsonl file") {
		t.Errorf("an empty folder: %v", err)
	}
	for name, text := range map[string]string{"b.jsonl": `{"x":[2]}`, "a.jsonl": `{"x":[1]}`, "c.txt": "no"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if all, err := ReadFile(dir); err != nil || len(all) != 2 || all[0].Where != "a.jsonl:1" {
		t.Errorf("a folder: %+v, %v", all, err)
	}
}

// TestHTML holds the report to be whole, self-contained, and safe against what callers send.
func TestHTML(t *testing.T) {
	all := rows(t, "{\"x\":[1]}\n{\"x\":[12],\"note\":\"<script>alert(1)</script>\"}\n{\"x\":[99]}\n")
	r := run(t, sides{"blue": classifier(10), "green": classifier(14)}, all, 0.5)
	var out bytes.Buffer
	if err := r.WriteHTML(&out, "blue & green", 0.03); err != nil {
		t.Fatal(err)
	}
	text := out.String()
	for _, want := range []string{"blue &amp; green", "above the allowed 3 %", "<svg", "Old class by row", "Rows that changed most", "prefers-color-scheme: dark"} {
		if !strings.Contains(text, want) {
			t.Errorf("the report lacks %q", want)
		}
	}
	for _, unwanted := range []string{"<script", "http://", "https://", "NaN", "Inf"} {
		if strings.Contains(text, unwanted) {
			t.Errorf("the report has %q", unwanted)
		}
	}
	for svg := range strings.SplitSeq(text, "<svg") {
		if body, _, ok := strings.Cut(svg, "</svg>"); ok {
			d := xml.NewDecoder(strings.NewReader("<svg" + body + "</svg>"))
			for {
				if _, err := d.Token(); err == io.EOF {
					break
				} else if err != nil {
					t.Fatalf("a picture is broken: %v", err)
				}
			}
		}
	}
	var words bytes.Buffer
	if err := r.WriteText(&words); err != nil || !strings.Contains(words.String(), "changed  ") {
		t.Errorf("text: %v\n%s", err, &words)
	}
}
