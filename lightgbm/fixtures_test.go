package lightgbm

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

// code is what a cell is in a row.
func (c *cell) code(of *Column) float64 {
	switch {
	case c.isText:
		return of.Code(c.text)
	case of.Numbers != nil && c.number == c.number:
		return of.CodeOf(c.number)
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

// near is what is promised of all but raw scores.
func near(a, b float64) bool { return same(a, b) || math.Abs(a-b) <= 1e-6*max(1, math.Abs(b)) }

// values flattens what a case says of one row.
func values(t *testing.T, data json.RawMessage) []float64 {
	t.Helper()
	var many []cell
	if json.Unmarshal(data, &many) != nil {
		var one cell
		if err := json.Unmarshal(data, &one); err != nil {
			t.Fatal(err)
		}
		many = []cell{one}
	}
	var out []float64
	for _, c := range many {
		if c.isText {
			t.Fatalf("got text %q, want numbers", c.text)
		}
		out = append(out, c.number)
	}
	return out
}

func compare(t *testing.T, what string, got, want []float64) {
	t.Helper()
	ok := len(got) == len(want)
	for i := range got {
		ok = ok && near(got[i], want[i])
	}
	if !ok {
		t.Errorf("%s: got %v, want %v", what, got, want)
	}
}

func TestFormats(t *testing.T) {
	files := fixtures(t)
	dirs, err := fs.ReadDir(files, "formats")
	if err != nil {
		t.Fatal(err)
	}
	models, rows, scores := 0, 0, 0
	for _, dir := range dirs {
		var r struct {
			Classes []any
			Cases   []struct {
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
			m, err := Load(read(t, files, path.Join("formats", dir.Name(), "model.txt")))
			if err != nil {
				t.Fatal(err)
			}
			for _, c := range r.Cases {
				if c.Kind == "refused" {
					t.Fatalf("%s: LightGBM refuses a row; nothing here says why", c.Name)
				}
				x, n := rowsOf(m, c.Rows), len(c.Rows)
				raw, answers := make([]float64, n*m.Outputs()), make([]float64, n*m.Width())
				m.Raw(raw, x, n)
				m.Scores(answers, raw, n)
				for i := range n {
					rows++
					raw, answers := raw[i*m.Outputs():(i+1)*m.Outputs()], answers[i*m.Width():(i+1)*m.Width()]
					if len(c.Raw[i]) != len(raw) {
						t.Fatalf("%s: %d raw scores, want %d", c.Name, len(raw), len(c.Raw[i]))
					}
					alone := make([]float64, len(raw))
					m.Raw(alone, x[i*len(m.Columns()):(i+1)*len(m.Columns())], 1)
					for k, v := range raw {
						scores++
						if !same(v, c.Raw[i][k].number) || !same(v, alone[k]) {
							t.Errorf("%s, row %d: got %v and alone %v, want %v to the bit", c.Name, i, v, alone[k], c.Raw[i][k].number)
						}
					}
					predicted := answers
					if m.Kind() == Classifier {
						predicted = []float64{float64(m.Class(answers))}
					}
					compare(t, fmt.Sprintf("%s, row %d, predict", c.Name, i), predicted, values(t, c.Predict[i]))
					if c.Proba != nil {
						compare(t, fmt.Sprintf("%s, row %d, predict_proba", c.Name, i), answers, values(t, c.Proba[i]))
					}
				}
			}
		})
	}
	got := fmt.Sprintf("%d models, %d rows, %d raw scores", models, rows, scores)
	if want := "98 models, 5344 rows, 6705 raw scores"; got != want {
		t.Errorf("ran %s; want %s", got, want)
	}
	t.Log(got, "to the bit")
}

// TestOlder asks the models of the ONNX fixtures, whose native answers stand in their cases.json.
func TestOlder(t *testing.T) {
	files := fixtures(t)
	dirs, err := fs.ReadDir(files, "models")
	if err != nil {
		t.Fatal(err)
	}
	if want := 16; len(dirs) != want {
		t.Errorf("%d models, want %d", len(dirs), want)
	}
	for _, dir := range dirs {
		t.Run(dir.Name(), func(t *testing.T) {
			m, err := Load(read(t, files, path.Join("models", dir.Name(), "model.txt")))
			if err != nil {
				t.Fatal(err)
			}
			data, err := os.ReadFile(filepath.Join("..", "onnx", "testdata", "models", dir.Name(), "cases.json"))
			if err != nil {
				t.Fatal(err)
			}
			type tensor struct{ Data []cell }
			var r struct {
				Cases []struct {
					Name           string
					Inputs, Native map[string]tensor
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
				var x []float64
				for _, in := range c.Inputs {
					for _, v := range in.Data {
						x = append(x, float64(float32(v.number)))
					}
				}
				n := len(x) / len(m.Columns())
				raw := make([]float64, n*m.Outputs())
				m.Raw(raw, x, n)
				asked += n
				want := c.Native["raw"].Data
				for i, v := range raw {
					if len(want) != len(raw) || !same(v, want[i].number) {
						t.Fatalf("%s: got %v, want %v to the bit", c.Name, raw, want)
					}
				}
			}
			if asked == 0 {
				t.Error("no row was asked")
			}
		})
	}
}
