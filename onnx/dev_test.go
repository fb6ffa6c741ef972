package onnx

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"sort"
	"strings"
	"testing"
)

type jt struct {
	DType string            `json:"dtype"`
	Key   string            `json:"key"`
	Keys  []any             `json:"keys"`
	Shape []int             `json:"shape"`
	Data  []json.RawMessage `json:"data"`
	Items []jt
}

func num(r json.RawMessage) float64 {
	var f float64
	switch string(r) {
	case `"NaN"`:
		return math.NaN()
	case `"+Inf"`:
		return math.Inf(1)
	case `"-Inf"`:
		return math.Inf(-1)
	}
	if err := json.Unmarshal(r, &f); err != nil {
		panic(err)
	}
	return f
}

func fillT(t *Tensor, j jt) {
	t.Resize(j.Shape...)
	for i, r := range j.Data {
		switch t.DType {
		case Float32:
			t.F32[i] = float32(num(r))
		case Float64:
			t.F64[i] = num(r)
		case String:
			json.Unmarshal(r, &t.Str[i])
		case Bool:
			json.Unmarshal(r, &t.Bool[i])
		default:
			json.Unmarshal(r, &t.I64[i])
		}
	}
}

type jcase struct {
	Name, Kind string
	Inputs     map[string]jt
	Outputs    map[string]jt
	Tolerance  map[string]map[string]float64
	Library    map[string]jt
	Error      string
}
type jdoc struct {
	Name    string
	Tier    int
	Expect  string
	Outputs []struct {
		Name, DType string
		Exactness   json.RawMessage
	}
	Cases []jcase
}

func compareT(o Value, got *Tensor, want jt, abs, rel float64, bits bool) string {
	if want.DType == "map" {
		if want.Keys == nil {
			if got.Shape[0] != 0 {
				return "not empty"
			}
			return ""
		}
		n := len(want.Keys)
		// sorted keys
		idx := make([]int, n)
		for i := range idx {
			idx[i] = i
		}
		cl := o.Classes
		sort.Slice(idx, func(a, b int) bool {
			if cl.DType == Int64 {
				return cl.I64[idx[a]] < cl.I64[idx[b]]
			}
			return cl.Str[idx[a]] < cl.Str[idx[b]]
		})
		for i, k := range want.Keys {
			var g any
			if cl.DType == Int64 {
				g = fmt.Sprint(cl.I64[idx[i]])
			} else {
				g = cl.Str[idx[i]]
			}
			if fmt.Sprint(k) != g {
				return fmt.Sprintf("key %v want %v", g, k)
			}
		}
		if !slices.Equal(got.Shape, want.Shape) {
			return fmt.Sprintf("shape %v want %v", got.Shape, want.Shape)
		}
		tmp := &Tensor{DType: Float32}
		tmp.Resize(got.Shape...)
		for r := 0; r < got.Shape[0]; r++ {
			for i := range n {
				tmp.F32[r*n+i] = got.F32[r*n+idx[i]]
			}
		}
		got = tmp
		want.DType = "float32"
	}
	if got.DType.String() != want.DType {
		return fmt.Sprintf("dtype %s want %s", got.DType, want.DType)
	}
	if !slices.Equal(got.Shape, want.Shape) {
		return fmt.Sprintf("shape %v want %v", got.Shape, want.Shape)
	}
	w := &Tensor{DType: got.DType}
	fillT(w, want)
	for i := range w.Len() {
		switch got.DType {
		case Float32, Float64:
			var g, x float64
			if got.DType == Float32 {
				g, x = float64(got.F32[i]), float64(w.F32[i])
			} else {
				g, x = got.F64[i], w.F64[i]
			}
			if math.IsNaN(g) && math.IsNaN(x) || math.Float64bits(g) == math.Float64bits(x) {
				continue
			}
			if bits || !(math.Abs(g-x) <= abs+rel*math.Abs(x)) {
				return fmt.Sprintf("[%d] %v want %v (shape %v)", i, g, x, got.Shape)
			}
		case String:
			if got.Str[i] != w.Str[i] {
				return fmt.Sprintf("[%d] %q want %q", i, got.Str[i], w.Str[i])
			}
		case Bool:
			if got.Bool[i] != w.Bool[i] {
				return fmt.Sprintf("[%d] %v want %v", i, got.Bool[i], w.Bool[i])
			}
		default:
			if got.I64[i] != w.I64[i] {
				return fmt.Sprintf("[%d] %v want %v", i, got.I64[i], w.I64[i])
			}
		}
	}
	return ""
}

func TestDevFixtures(t *testing.T) {
	dir := "testdata/models"
	dirs, _ := filepath.Glob(dir + "/*/model.onnx")
	only := os.Getenv("ONLY")
	maxTier := 1
	if os.Getenv("TIER") == "3" {
		maxTier = 3
	}
	loaded, models, cases, bad := 0, 0, 0, 0
	reasons := map[string]int{}
	for _, p := range dirs {
		name := filepath.Base(filepath.Dir(p))
		if only != "" && !strings.Contains(name, only) {
			continue
		}
		raw, _ := os.ReadFile(filepath.Join(filepath.Dir(p), "cases.json"))
		var d jdoc
		if err := json.Unmarshal(raw, &d); err != nil {
			t.Fatal(err)
		}
		if d.Tier > maxTier {
			continue
		}
		models++
		data, _ := os.ReadFile(p)
		m, err := Load(data)
		if err != nil {
			s := err.Error()
			if len(s) > 200 {
				s = s[:200]
			}
			if d.Tier == 1 {
				t.Errorf("%s: load: %v", name, s)
			}
			reasons[s]++
			continue
		}
		loaded++
		if d.Tier > 1 {
			t.Logf("tier %d loads: %s", d.Tier, name)
		}
		if os.Getenv("V") != "" {
			t.Logf("%s in %+v out %+v", name, m.Inputs(), m.Outputs())
		}
		s := m.NewSession()
		for _, c := range d.Cases {
			cases++
			for i, in := range m.Inputs() {
				fillT(s.Input(i), c.Inputs[in.Name])
			}
			err := s.Run()
			if c.Kind == "refused" {
				if err == nil {
					t.Errorf("%s/%s not refused: %s", name, c.Name, c.Error)
					bad++
				} else if os.Getenv("V") != "" {
					t.Logf("%s/%s refused: %v (ort %s)", name, c.Name, err, c.Error)
				}
				continue
			}
			if err != nil {
				t.Errorf("%s/%s: run: %v", name, c.Name, err)
				bad++
				continue
			}
			for i, o := range m.Outputs() {
				ex := d.Outputs[i].Exactness
				bits := string(ex) == `"bits"`
				var tol map[string]float64
				if !bits {
					json.Unmarshal(ex, &tol)
				}
				if x, ok := c.Tolerance[o.Name]; ok {
					tol = x
				}
				want := c.Outputs[o.Name]
				if d.Expect == "library" {
					w := c.Library[o.Name]
					if w.Data == nil {
						continue
					}
					w.DType = want.DType
					w.Keys = want.Keys
					if w.DType != "map" {
						w.Shape = want.Shape
					}
					want = w
					tol = map[string]float64{"absolute": 1e-6, "relative": 1e-5}
				}
				if msg := compareT(o, s.Output(i), want, tol["absolute"], tol["relative"], bits); msg != "" {
					t.Errorf("%s/%s/%s: %s", name, c.Name, o.Name, msg)
					bad++
					break
				}
			}
		}
	}
	t.Logf("%d models, %d loaded, %d cases, %d bad", models, loaded, cases, bad)
	for r, n := range reasons {
		if maxTier > 1 {
			t.Log(n, r)
		}
	}
}
