package xgboost

import (
	"archive/zip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"
	"path"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// fixtures are the files of the library's own answers; testdata/README.md says what they hold.
func fixtures(tb testing.TB) fs.FS {
	tb.Helper()
	z, err := zip.OpenReader("testdata/models.zip")
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = z.Close() })
	return z
}

func read(tb testing.TB, files fs.FS, name string) []byte {
	tb.Helper()
	f, err := files.Open(name)
	if err != nil {
		tb.Fatal(err)
	}
	defer f.Close()
	data, err := io.ReadAll(f)
	if err != nil {
		tb.Fatal(err)
	}
	return data
}

type record struct {
	Name, API, Objective, Note string
	Missing                    *float64
	Cases                      []struct {
		Name, Kind string
		Rows       [][]cell
		Raw        [][]cell
		Predict    []any
		Proba      []any `json:"predict_proba"`
	}
}

// cell is a number, read as float32, or a category.
type cell struct {
	number float32
	text   string
	isText bool
	whole  int64
}

func (c *cell) UnmarshalJSON(b []byte) error {
	switch s := string(b); {
	case s == "null" || s == `"NaN"`:
		c.number = float32(math.NaN())
	case s == `"+Inf"` || s == `"-Inf"`:
		c.number = float32(math.Inf(map[byte]int{'+': 1, '-': -1}[s[1]]))
	case s[0] == '"':
		c.isText = true
		return json.Unmarshal(b, &c.text)
	default:
		f, err := strconv.ParseFloat(s, 32)
		if err != nil && !errors.Is(err, strconv.ErrRange) {
			return err
		}
		c.number = float32(f)
		c.whole, _ = strconv.ParseInt(s, 10, 64)
	}
	return nil
}

// code is what a cell is in a row.
func (c *cell) code(of *Column) (float32, error) {
	switch {
	case of.Strings != nil && c.isText:
		code, ok := of.Code(c.text)
		if !ok {
			return 0, fmt.Errorf("category %q is not in the file", c.text)
		}
		return code, nil
	case of.Integers != nil && c.number == c.number:
		code, ok := of.CodeOf(c.whole)
		if !ok {
			return 0, fmt.Errorf("category %d is not in the file", c.whole)
		}
		return code, nil
	case c.isText:
		return 0, fmt.Errorf("category %q in a column of numbers", c.text)
	}
	return c.number, nil
}

// answer is what a model says of the rows of a case.
func answer(m *Model, rows [][]cell, missing *float64) (raw, scores []float32, err error) {
	var x []float32
	for _, row := range rows {
		if len(row) != m.Features() {
			return nil, nil, fmt.Errorf("a row of %d, want %d", len(row), m.Features())
		}
		for i := range row {
			var of Column
			if len(m.Columns()) > 0 {
				of = m.Columns()[i]
			}
			v, err := row[i].code(&of)
			if err != nil {
				return nil, nil, err
			}
			if missing != nil && v == float32(*missing) {
				v = float32(math.NaN())
			}
			x = append(x, v)
		}
	}
	raw, scores = make([]float32, len(rows)*m.Outputs()), make([]float32, len(rows)*m.Width())
	if err := m.Raw(raw, x, len(rows)); err != nil {
		return nil, nil, err
	}
	m.Scores(scores, raw, len(rows))
	return raw, scores, nil
}

func same(a, b float32) bool { return a == b || a != a && b != b }

// near is what is promised of all but raw values.
func near(a, b float64) bool {
	return a == b || a != a && b != b || math.Abs(a-b) <= 1e-6*max(1, math.Abs(b))
}

func numbers(v any) []float64 {
	switch v := v.(type) {
	case []any:
		var out []float64
		for _, w := range v {
			out = append(out, numbers(w)...)
		}
		return out
	case float64:
		return []float64{v}
	case string:
		f, err := strconv.ParseFloat(v, 64)
		if err == nil {
			return []float64{f}
		}
	}
	return []float64{math.Inf(-1)} // compares with nothing that is recorded
}

func wide(v []float32) []float64 {
	out := make([]float64, len(v))
	for i := range v {
		out[i] = float64(v[i])
	}
	return out
}

func compare(t *testing.T, what string, got, want []float64) {
	t.Helper()
	if len(got) != len(want) {
		t.Errorf("%s: got %d values, want %d", what, len(got), len(want))
		return
	}
	for i := range got {
		if !near(got[i], want[i]) {
			t.Errorf("%s: got %v, want %v", what, got, want)
			return
		}
	}
}

// predicted is what the library's own API answers, of one row.
func predicted(m *Model, api string, raw, scores []float32) []float64 {
	switch {
	case m.Kind() == Labels:
		out := make([]float64, len(scores))
		for i, p := range scores {
			if p > 0.5 {
				out[i] = 1
			}
		}
		return out
	case m.Kind() == Classifier && (strings.Contains(api, "classifier") || m.Objective() == "multi:softmax"):
		return []float64{float64(m.Class(raw, scores))}
	case m.Kind() == Classifier && m.Outputs() == 1: // Booster.predict has the probability of class 1
		return []float64{float64(scores[1])}
	}
	return wide(scores)
}

func TestFormats(t *testing.T) {
	files := fixtures(t)
	dirs, err := fs.ReadDir(files, "formats")
	if err != nil {
		t.Fatal(err)
	}
	models, rows, values, bits, refused := 0, 0, 0, 0, 0
	for _, dir := range dirs {
		var r record
		if err := json.Unmarshal(read(t, files, path.Join("formats", dir.Name(), "cases.json")), &r); err != nil {
			t.Fatal(err)
		}
		t.Run(r.Name, func(t *testing.T) {
			models++
			if strings.HasPrefix(r.Note, "REFUSE") {
				refused++
				for _, name := range []string{"model.json", "model.ubj", "model.deprecated"} {
					if f, err := files.Open(path.Join("formats", r.Name, name)); err == nil {
						_ = f.Close()
						if _, err := Load(read(t, files, path.Join("formats", r.Name, name))); err == nil {
							t.Errorf("%s loads; want it refused: %s", name, r.Note)
						}
					}
				}
				return
			}
			var both []*Model
			for _, name := range []string{"model.ubj", "model.json"} {
				m, err := Load(read(t, files, path.Join("formats", r.Name, name)))
				if err != nil {
					t.Fatalf("%s: %v", name, err)
				}
				both = append(both, m)
			}
			for _, c := range r.Cases {
				raw, scores, err := answer(both[0], c.Rows, r.Missing)
				if c.Kind == "refused" {
					if refused++; err == nil {
						t.Errorf("%s: answered; want it refused", c.Name)
					}
					continue
				}
				if err != nil {
					t.Errorf("%s: %v", c.Name, err)
					continue
				}
				again, _, _ := answer(both[1], c.Rows, r.Missing)
				for i := range c.Rows {
					m := both[0]
					raw, scores := raw[i*m.Outputs():(i+1)*m.Outputs()], scores[i*m.Width():(i+1)*m.Width()]
					rows++
					for k, v := range raw {
						values++
						if len(c.Raw[i]) != len(raw) {
							t.Fatalf("%s: %d margins, want %d", c.Name, len(raw), len(c.Raw[i]))
						}
						switch {
						case !same(v, again[i*m.Outputs()+k]):
							t.Errorf("%s, row %d: %v from UBJ, %v from JSON", c.Name, i, v, again[i*m.Outputs()+k])
						case same(v, c.Raw[i][k].number):
							bits++
						case r.Name != "xgb214_poisson" || math.Abs(float64(v-c.Raw[i][k].number)) > 2e-7:
							t.Errorf("%s, row %d: got %v, want %v to the bit", c.Name, i, v, c.Raw[i][k].number)
						}
					}
					compare(t, fmt.Sprintf("%s, row %d, predict", c.Name, i), predicted(m, r.API, raw, scores), numbers(c.Predict[i]))
					if c.Proba != nil {
						compare(t, fmt.Sprintf("%s, row %d, predict_proba", c.Name, i), wide(scores), numbers(c.Proba[i]))
					}
					if one, _, err := answer(m, c.Rows[i:i+1], r.Missing); err != nil || !same(one[0], raw[0]) {
						t.Errorf("%s, row %d alone: got %v, want %v as in the batch (%v)", c.Name, i, one, raw, err)
					}
				}
			}
		})
	}
	got := fmt.Sprintf("%d models, %d rows, %d of %d margins to the bit, %d refused", models, rows, bits, values, refused)
	if want := "180 models, 8890 rows, 13794 of 13806 margins to the bit, 186 refused"; got != want {
		t.Errorf("ran %s; want %s", got, want)
	}
	t.Log(got)
}

// TestOlder asks the models of the ONNX fixtures, whose native answers stand in their cases.json, and those that have no export.
func TestOlder(t *testing.T) {
	files := fixtures(t)
	ran := 0
	for _, folder := range []string{"models", "native"} {
		dirs, err := fs.ReadDir(files, folder)
		if err != nil {
			t.Fatal(err)
		}
		for _, dir := range dirs {
			t.Run(dir.Name(), func(t *testing.T) {
				ran++
				m, err := Load(read(t, files, path.Join(folder, dir.Name(), "model.ubj")))
				if err != nil {
					t.Fatal(err)
				}
				cases := filepath.Join("..", "onnx", "testdata", "models", dir.Name(), "cases.json")
				data, err := os.ReadFile(cases)
				if folder == "native" {
					data, err = read(t, files, path.Join(folder, dir.Name(), "cases.json")), nil
				}
				if err != nil {
					t.Fatal(err)
				}
				older(t, m, data)
			})
		}
	}
	if want := 25; ran != want {
		t.Errorf("ran %d models, want %d", ran, want)
	}
}

type tensor struct{ Data []cell }

func older(t *testing.T, m *Model, data []byte) {
	var r struct {
		Cases []struct {
			Name   string
			Inputs map[string]tensor
			Native map[string]tensor
		}
	}
	if err := json.Unmarshal(data, &r); err != nil {
		t.Fatal(err)
	}
	asked := 0
	for _, c := range r.Cases {
		if c.Native == nil {
			continue
		}
		var x []float32
		for _, in := range c.Inputs {
			for _, v := range in.Data {
				x = append(x, v.number)
			}
		}
		rows := len(x) / m.Features()
		raw, scores := make([]float32, rows*m.Outputs()), make([]float32, rows*m.Width())
		if err := m.Raw(raw, x, rows); err != nil {
			t.Fatalf("%s: %v", c.Name, err)
		}
		m.Scores(scores, raw, rows)
		want := c.Native["margin"].Data
		if len(want) != len(raw) {
			t.Errorf("%s: %d margins, want %d", c.Name, len(raw), len(want))
			continue
		}
		asked += rows
		for i, v := range raw {
			if !same(v, want[i].number) {
				t.Errorf("%s: got %v, want %v to the bit", c.Name, v, want[i].number)
			}
		}
	}
	if asked == 0 {
		t.Error("no row was asked")
	}
}
