package catboost

import (
	"archive/zip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"path"
	"slices"
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

// cell is a number or a category.
type cell struct {
	number float64
	text   string
	isText bool
}

func (c *cell) UnmarshalJSON(b []byte) error {
	switch s := string(b); {
	case s == "null" || s == `"NaN"`:
		c.number = math.NaN()
	case s == `"+Inf"` || s == `"-Inf"`:
		c.number = math.Inf(map[byte]int{'+': 1, '-': -1}[s[1]])
	case s[0] == '"':
		c.isText = true
		return json.Unmarshal(b, &c.text)
	default:
		f, err := strconv.ParseFloat(s, 64)
		if err != nil && !errors.Is(err, strconv.ErrRange) {
			return err
		}
		c.number = f
	}
	return nil
}

// code is what a cell is in a row: of a category, its text's or its decimal digits' code.
func (c *cell) code(of *Column) float64 {
	switch {
	case of.Category && c.isText:
		return Code(c.text)
	case of.Category:
		return Code(strconv.FormatFloat(c.number, 'f', -1, 64))
	}
	return c.number
}

func rowsOf(m *Model, rows [][]cell) (x []float64) {
	for _, row := range rows {
		for i := range row {
			x = append(x, row[i].code(&m.Columns()[i]))
		}
	}
	return x
}

func same(a, b float64) bool { return a == b || a != a && b != b }

// near is what is promised of all but raw values.
func near(a, b float64) bool { return same(a, b) || math.Abs(a-b) <= 1e-6*max(1, math.Abs(b)) }

// values flattens what a case says of one row.
func values(t *testing.T, data json.RawMessage) []string {
	t.Helper()
	var many []any
	if json.Unmarshal(data, &many) != nil {
		var one any
		if err := json.Unmarshal(data, &one); err != nil {
			t.Fatal(err)
		}
		many = []any{one}
	}
	var out []string
	for _, c := range many {
		if b, ok := c.(bool); ok {
			c = map[bool]string{false: "False", true: "True"}[b]
		}
		out = append(out, fmt.Sprint(c))
	}
	return out
}

func compare(t *testing.T, what string, got []float64, want []string) {
	t.Helper()
	ok := len(got) == len(want)
	for i := range got {
		if !ok {
			break
		}
		w, err := strconv.ParseFloat(want[i], 64)
		ok = err == nil && near(got[i], w)
	}
	if !ok {
		t.Errorf("%s: got %v, want %v", what, got, want)
	}
}

// predicted is what the library's own predict answers, of one row.
func predicted(m *Model, raw, scores []float64) []string {
	switch m.Kind() {
	case Classifier:
		k := m.Class(raw)
		if m.Texts() != nil {
			return []string{m.Texts()[k]}
		}
		return []string{fmt.Sprint(m.Integers()[k])}
	case Labels:
		var out []string
		for _, p := range scores {
			out = append(out, map[bool]string{false: "0", true: "1"}[p > 0.5])
		}
		return out
	}
	var out []string
	for _, v := range scores {
		out = append(out, strconv.FormatFloat(v, 'g', -1, 64))
	}
	return out
}

func TestFormats(t *testing.T) {
	files := fixtures(t)
	dirs, err := fs.ReadDir(files, "formats")
	if err != nil {
		t.Fatal(err)
	}
	models, rows, scores, refused := 0, 0, 0, 0
	for _, dir := range dirs {
		var r struct {
			Note  string
			Cases []struct {
				Name, Kind string
				Rows       [][]cell
				Raw        [][]cell
				Predict    []json.RawMessage
				Proba      []json.RawMessage `json:"predict_proba"`
			}
		}
		if err := json.Unmarshal(read(t, files, path.Join("formats", dir.Name(), "cases.json")), &r); err != nil {
			t.Fatal(err)
		}
		t.Run(dir.Name(), func(t *testing.T) {
			models++
			m, err := Load(read(t, files, path.Join("formats", dir.Name(), "model.cbm")))
			if strings.HasPrefix(r.Note, "REFUSE") {
				if refused++; err == nil || !strings.Contains(err.Error(), "features are not supported") {
					t.Errorf("got %v, want its text features refused", err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			for _, c := range r.Cases {
				if c.Kind == "refused" {
					t.Fatalf("%s: CatBoost refuses a row; nothing here says why", c.Name)
				}
				x, n := rowsOf(m, c.Rows), len(c.Rows)
				raw, answers := make([]float64, n*m.Outputs()), make([]float64, n*m.Width())
				m.Raw(raw, x, n)
				m.Scores(answers, raw, n)
				for i := range n {
					rows++
					raw, answers := raw[i*m.Outputs():(i+1)*m.Outputs()], answers[i*m.Width():(i+1)*m.Width()]
					if len(c.Raw[i]) != len(raw) {
						t.Fatalf("%s: %d raw values, want %d", c.Name, len(raw), len(c.Raw[i]))
					}
					alone := make([]float64, len(raw))
					m.Raw(alone, x[i*len(m.Columns()):(i+1)*len(m.Columns())], 1)
					for k, v := range raw {
						scores++
						if !same(v, c.Raw[i][k].number) || !same(v, alone[k]) {
							t.Errorf("%s, row %d: got %v and alone %v, want %v to the bit", c.Name, i, v, alone[k], c.Raw[i][k].number)
						}
					}
					got, want := predicted(m, raw, answers), values(t, c.Predict[i])
					if m.Kind() == Regressor {
						compare(t, fmt.Sprintf("%s, row %d, predict", c.Name, i), answers, want)
					} else if !slices.Equal(got, want) {
						t.Errorf("%s, row %d, predict: got %v, want %v", c.Name, i, got, want)
					}
					if c.Proba != nil {
						compare(t, fmt.Sprintf("%s, row %d, predict_proba", c.Name, i), answers, values(t, c.Proba[i]))
					}
				}
			}
		})
	}
	got := fmt.Sprintf("%d models, %d rows, %d raw values, %d refused", models, rows, scores, refused)
	if want := "69 models, 3662 rows, 4886 raw values, 1 refused"; got != want {
		t.Errorf("ran %s; want %s", got, want)
	}
	t.Log(got, "to the bit")
}
