package judge

import (
	"encoding/json"
	"math"
	"os"
	"testing"
)

// vectors are known answers, made with scipy; natural logarithms.
type vectors struct {
	Grids struct {
		Errors, Latency Grid
	}
	Relative []struct {
		Strata          [][4]int
		Errors, Latency []float64
	}
	Above, Below []struct {
		Bad, N int
		Limit  float64
		Log    float64
	}
	Floor []struct {
		Bad, N int
		Rate   float64
	}
	Paired []struct {
		NewOnly int `json:"new_only"`
		OldOnly int `json:"old_only"`
		Log     float64
	}
}

func readVectors(t *testing.T) vectors {
	t.Helper()
	file, err := os.ReadFile("testdata/vectors.json")
	if err != nil {
		t.Fatal(err)
	}
	var v vectors
	if err := json.Unmarshal(file, &v); err != nil {
		t.Fatal(err)
	}
	return v
}

// near holds got to want within 1e-9, absolutely up to 1 and relatively above.
func near(t *testing.T, what string, got, want float64) float64 {
	t.Helper()
	off := math.Abs(got-want) / max(1, math.Abs(want))
	if !(off <= 1e-9) {
		t.Errorf("%s: got %.12g, want %.12g", what, got, want)
	}
	return off
}

func TestVectors(t *testing.T) {
	v := readVectors(t)
	checked, worst := 0, 0.0
	check := func(what string, got, want float64) {
		t.Helper()
		checked++
		worst = max(worst, near(t, what, got, want))
	}
	for k, psi := range v.Grids.Errors.Psi {
		check("error grid", ErrorGrid.Psi[k], psi)
		check("error grid", ErrorGrid.Weight[k], v.Grids.Errors.Weight[k])
	}
	for k, psi := range v.Grids.Latency.Psi {
		check("latency grid", LatencyGrid.Psi[k], psi)
		check("latency grid", LatencyGrid.Weight[k], v.Grids.Latency.Weight[k])
	}
	for _, c := range v.Relative {
		errors, latency := NewRelative(ErrorGrid), NewRelative(LatencyGrid)
		for k, s := range c.Strata {
			stratum := Stratum{BadOld: s[0], Old: s[1], BadNew: s[2], New: s[3]}
			errors.Add(stratum)
			latency.Add(stratum)
			check("relative, errors", errors.Log(), c.Errors[k])
			check("relative, latency", latency.Log(), c.Latency[k])
		}
	}
	for _, c := range v.Above {
		check("above", Above(c.Bad, c.N, c.Limit), c.Log)
	}
	for _, c := range v.Below {
		check("below", Below(c.Bad, c.N, c.Limit), c.Log)
	}
	for _, c := range v.Floor {
		check("floor", Floor(c.Bad, c.N, 0.01), c.Rate)
	}
	for _, c := range v.Paired {
		check("paired", Paired(c.NewOnly, c.OldOnly), c.Log)
	}
	t.Logf("%d known answers, the worst off by %.1e", checked, worst)
	if checked != 595 {
		t.Errorf("%d known answers, want 595: is vectors.json whole?", checked)
	}
}
