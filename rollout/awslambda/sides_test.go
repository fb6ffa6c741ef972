package awslambda

import (
	"net/http"
	"strings"
	"testing"

	"ml-service/rollout"
)

func TestSides(t *testing.T) {
	f, tg := target(t)
	f.aliases["live"].Weights = map[string]float64{"10": 0.25}
	f.aliases["live"].Description = "[rollout id from 9]"
	f.warm["1"] = 3
	f.faults["10"] = true
	sides, err := tg.Sides(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, s := range sides {
		got = append(got, strings.Join([]string{string(s.Side), s.State, s.Version, s.Artifact, strings.Join(s.Remarks, "; ")}, "|"))
	}
	want := []string{
		"1|healthy|v1.1.0|sha-1|3 provisioned instances",
		"2|healthy|v1.2.0|sha-2|",
		"9|gone|||",
		"10|unhealthy||sha-10|the function did not answer: version 10: Unhandled: Runtime.ExitError RequestId: 1 Error: Runtime exited with error: exit status 1",
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("got:\n%s\nwant:\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func TestAsk(t *testing.T) {
	f, tg := target(t)
	f.answers["2"] = `{"statusCode":422,"headers":{"content-type":"application/json","x-model-version":"v2"},"body":"eyJlcnJvciI6IngifQ==","isBase64Encoded":true}`
	a, err := tg.Ask(t.Context(), "2", rollout.Request{Method: "POST", Path: "/v2/models/a%20b/infer?x=1", Header: http.Header{"Content-Type": {"application/json"}}, Body: []byte(`{"x":[1]}`)})
	if err != nil || a.Status != 422 || a.Header.Get("X-Model-Version") != "v2" || string(a.Body) != `{"error":"x"}` {
		t.Errorf("got %+v %q, %v", a, a.Body, err)
	}
	if _, err := tg.Ask(t.Context(), "1", rollout.Request{Method: "POST", Path: "/predict", Body: []byte{0xff, 0}}); err != nil {
		t.Error(err)
	}
	if want := []string{`2 POST /v2/models/a%20b/infer x=1 {"x":[1]}`, "1 POST /predict  ff00"}; strings.Join(f.seen, "\n") != strings.Join(want, "\n") {
		t.Errorf("the function saw %q, want %q", f.seen, want)
	}
	f.answers["1"] = `"a word"`
	for side, text := range map[rollout.Side]string{"1": "want an HTTP answer", "77": "invoke version 77"} {
		if _, err := tg.Ask(t.Context(), side, rollout.Request{Path: "/health"}); err == nil || !strings.Contains(err.Error(), text) {
			t.Errorf("%s: got %v, want %q", side, err, text)
		}
	}
}

func TestExamine(t *testing.T) {
	f, tg := target(t)
	if found, err := tg.Examine(t.Context()); err != nil || len(found) != 0 {
		t.Errorf("a healthy alias: %+v, %v", found, err)
	}
	f.warm = nil
	if found, err := tg.Examine(t.Context()); err != nil || len(found) != 0 {
		t.Errorf("nothing provisioned: %+v, %v", found, err)
	}
	f.warm = map[string]int32{}
	tg.codeDeploy, tg.Stack = "ml-group", "ml"
	f.warm["live"] = 2
	f.aliases["live"].Weights = map[string]float64{"2": 0.25}
	found, err := tg.Examine(t.Context())
	if err != nil || len(found) != 2 || found[0].Level != "error" || !strings.Contains(found[0].What, "on two versions") || !strings.Contains(found[1].What, "starts cold") {
		t.Errorf("got %+v, %v", found, err)
	}
	delete(f.warm, "live")
	f.warm["1"] = 2
	if found, err = tg.Examine(t.Context()); err != nil || len(found) != 2 || !strings.Contains(found[1].What, "version 2 has traffic and no provisioned instance") {
		t.Errorf("got %+v, %v", found, err)
	}
}
