package rollout

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"strings"
	"testing"
)

func TestDifferences(t *testing.T) {
	old := Description{Kind: "classifier", Classes: []json.RawMessage{[]byte("0"), []byte("1")},
		Inputs:  []Tensor{{Name: "x", Datatype: "FP32", Shape: "[N,3]", Features: []string{"a", "b", "c"}, Missing: true}},
		Outputs: []Tensor{{Name: "label", Datatype: "INT64", Shape: "[N]"}}}
	with := func(change func(*Description)) Description {
		d := old
		d.Inputs = append([]Tensor{}, old.Inputs...)
		change(&d)
		return d
	}
	for _, c := range []struct {
		name  string
		fresh Description
		want  string
	}{
		{"the same", old, ""},
		{"reordered", with(func(d *Description) { d.Inputs[0].Features = []string{"a", "c", "b"} }), "input x, features reordered: a b c -> a c b"},
		{"dropped and added", with(func(d *Description) { d.Inputs[0].Features = []string{"a", "b", "d"} }), "input x, feature dropped: c -> -; input x, feature added: - -> d"},
		{"wider", with(func(d *Description) { d.Inputs[0].Shape = "[N,4]" }), "input x, shape: [N,3] -> [N,4]"},
		{"retyped", with(func(d *Description) { d.Inputs[0].Datatype = "FP64" }), "input x, datatype: FP32 -> FP64"},
		{"no missing values", with(func(d *Description) { d.Inputs[0].Missing = false }), "input x, missing values: allowed -> refused"},
		{"classes", with(func(d *Description) { d.Classes = []json.RawMessage{[]byte("1"), []byte("0")} }), "classes: 0 1 -> 1 0"},
		{"kind", with(func(d *Description) { d.Kind = "regressor" }), "kind: classifier -> regressor"},
		{"renamed", with(func(d *Description) { d.Inputs[0].Name = "y" }), "input, name: x -> y (v2 only)"},
		{"renamed and wider", with(func(d *Description) { d.Inputs[0].Name, d.Inputs[0].Shape = "y", "[N,4]" }), "input, name: x -> y (v2 only); input x, shape: [N,3] -> [N,4]"},
		{"output renamed", with(func(d *Description) { d.Outputs = []Tensor{{Name: "output_label", Datatype: "INT64", Shape: "[N]"}} }), "output, name: label -> output_label (v2 only)"},
		{"another output", with(func(d *Description) { d.Outputs = nil }), "output label: INT64 [N] -> -"},
		{"without names", with(func(d *Description) { d.Inputs[0].Features = nil }), ""},
	} {
		var words []string
		for _, d := range Differences(old, c.fresh) {
			word := fmt.Sprintf("%s: %s -> %s", d.Where, d.Old, d.New)
			if d.V2Only {
				word += " (v2 only)"
			}
			words = append(words, word)
		}
		if breaks := Breaks(Differences(old, c.fresh)); breaks == (strings.Count(c.want, " -> ") == strings.Count(c.want, "(v2 only)")) {
			t.Errorf("%s: breaks is %t", c.name, breaks)
		}
		if got := strings.Join(words, "; "); got != c.want {
			t.Errorf("%s: got %q, want %q", c.name, got, c.want)
		}
	}
}

// echo answers every request with one body.
type echo struct {
	status int
	body   string
}

func (e echo) Ask(context.Context, Side, Request) (Answer, error) {
	return Answer{Status: e.status, Body: []byte(e.body), Header: http.Header{"X-Model-Version": {"v1"}}}, nil
}

func TestGolden(t *testing.T) {
	for _, c := range []struct{ golden, body, want string }{
		{`{"prediction":1.0,"confidence":0.6030141}`, `{"prediction":1.0,"confidence":0.603}`, ""},
		{`{"prediction":1.0,"confidence":0.6030141}`, `{"prediction":1.0,"confidence":0.604}`, "confidence 0.604, want 0.6030141"},
		{`{"prediction":1.0,"confidence":0.6}`, `{"prediction":1.0}`, "confidence none"},
		{`{"prediction":1.0}`, `{"prediction":0.0,"confidence":0.6}`, "prediction 0, want 1"},
		{`{"prediction":"a"}`, `{"prediction":"a"}`, ""},
		{`{"prediction":"a"}`, `{"prediction":1}`, "prediction 1, want a"},
		{`{"prediction":[1,2.5]}`, `{"prediction":[1,2.500001]}`, ""},
		{`{"prediction":[1,2.5]}`, `{"prediction":[1]}`, "prediction [1]"},
		{`{"prediction":null}`, `{"prediction":null}`, ""},
	} {
		g, err := ReadGolden([]byte(`{"rows":[{"x":[1]}],"answers":[` + c.golden + `]}`))
		if err != nil {
			t.Fatal(err)
		}
		err = g.Check(t.Context(), echo{200, c.body}, "green")
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s against %s: got %v, want %q", c.body, c.golden, err, c.want)
		}
	}
	g, err := ReadGolden([]byte(`{"rows":[{"x":[1]}],"answers":[{}]}`))
	if err != nil {
		t.Fatal(err)
	}
	if err := g.Check(t.Context(), echo{422, `{"error":"no"}`}, "green"); err == nil || !strings.Contains(err.Error(), `status 422: {"error":"no"}`) {
		t.Errorf("got %v", err)
	}
	for _, text := range []string{"", "[]", `{"rows":[],"answers":[]}`, `{"rows":[{}],"answers":[]}`} {
		if _, err := ReadGolden([]byte(text)); err == nil {
			t.Errorf("%q was read", text)
		}
	}
}

func TestDescribe(t *testing.T) {
	for _, c := range []struct {
		status     int
		body, want string
	}{
		{200, `{"x-model":{"version":"v1","kind":"classifier"}}`, ""},
		{200, `{"x-model":{"version":"v2"}}`, `says version "v2" in its document and "v1" in X-Model-Version`},
		{200, `{}`, "no x-model"},
		{200, `<html>`, "invalid character"},
		{404, `{}`, "status 404"},
	} {
		_, err := Describe(t.Context(), echo{c.status, c.body}, "green")
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want %q", c.body, err, c.want)
		}
	}
}

func TestQuantile(t *testing.T) {
	before := []Bucket{{0.1, 100}, {1, 100}, {math.Inf(1), 100}}
	for _, c := range []struct {
		after []Bucket
		want  float64
	}{
		{nil, 0},
		{before, 0},
		{[]Bucket{{0.1, 200}, {1, 200}, {math.Inf(1), 200}}, 0.095},
		{[]Bucket{{0.1, 190}, {1, 200}, {math.Inf(1), 200}}, 0.55},
		{[]Bucket{{0.1, 100}, {1, 100}, {math.Inf(1), 200}}, 1},
	} {
		if got := Quantile(0.95, before, c.after); math.Abs(got-c.want) > 1e-9 {
			t.Errorf("%v: got %v, want %v", c.after, got, c.want)
		}
	}
}
