package main

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"ml-service/rollout/judge"
)

// judged runs `rollout judge` on lines of counts.
func judged(t *testing.T, stdin string, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, errs bytes.Buffer
	code = run(t.Context(), append([]string{"judge"}, args...), strings.NewReader(stdin), &out, &errs)
	return code, out.String(), errs.String()
}

func TestJudgeFilter(t *testing.T) {
	const (
		good  = `{"old":{"requests":90,"errors":0},"new":{"requests":10,"errors":0}}` + "\n"
		bad   = `{"old":{"requests":90,"errors":0},"new":{"requests":10,"errors":2}}` + "\n"
		timed = `{"old":{"requests":90,"errors":0,"slow":4},"new":{"requests":10,"errors":0,"slow":0},"seconds":5}` + "\n"
		slow  = `{"old":{"requests":90,"errors":0,"slow":4},"new":{"requests":10,"errors":0,"slow":6,"slower":3}}` + "\n"
	)
	for name, c := range map[string]struct {
		stdin string
		args  []string
		code  int
		text  string // of stdout and stderr
	}{
		"empty":                  {"", nil, 3, "no request of new yet"},
		"blank lines":            {"\n \n", nil, 3, "hold"},
		"a little":               {good, nil, 3, "new may still be at"},
		"enough":                 {strings.Repeat(good, 20), nil, 0, "pass"},
		"fails":                  {strings.Repeat(bad, 3), nil, 4, "rollout: fail: errors: new fails more often than old"},
		"fails, then recovers":   {strings.Repeat(bad, 3) + strings.Repeat(good, 1000), nil, 4, "new fails more often"},
		"fails before a mistake": {strings.Repeat(bad, 3) + "nonsense\n", nil, 4, "fail"},
		"as quick":               {strings.Repeat(timed, 60), nil, 0, "latency"},
		"slow":                   {strings.Repeat(slow, 40), nil, 4, "times slower"},
		"names":                  {good, []string{"--old", "blue", "--new", "green", "--share", "10%"}, 3, "blue (90 %)   green (10 %)"},
		"more requests":          {strings.Repeat(good, 20), []string{"--requests", "500"}, 3, "200 of 500 requests of this step"},
		"not JSON":               {good + "nonsense\n", nil, 1, "line 2: want {"},
		"a misspelt count":       {`{"old":{"requests":90,"error":0},"new":{"requests":10,"errors":0}}`, nil, 1, `unknown field "error"`},
		"one side":               {`{"old":{"requests":90,"errors":0}}`, nil, 1, "want old and new"},
		"no errors":              {`{"old":{"requests":90},"new":{"requests":10,"errors":0}}`, nil, 1, "old: want requests and errors"},
		"more errors than asked": {`{"old":{"requests":9,"errors":10},"new":{"requests":10,"errors":0}}`, nil, 1, "old.errors: want at most the 9"},
		"two objects":            {strings.TrimSpace(good) + good, nil, 1, "one JSON object a line"},
		"slow on one side":       {`{"old":{"requests":9,"errors":1,"slow":1},"new":{"requests":10,"errors":0}}`, nil, 1, "slow: want it on both"},
		"slow sometimes":         {timed + good, nil, 1, `line 2: "slow" is in some lines`},
		"a long line":            {strings.Repeat(" ", 1<<17), nil, 1, "token too long"},
		"a share of nothing":     {good, []string{"--share", "0"}, 2, "share of the traffic"},
		"a share of two":         {good, []string{"--share", "2"}, 2, "want a share as 1% or 0.01"},
		"an impossible limit":    {good, []string{"--alpha", "0"}, 2, "alpha: want more than 0"},
		"a rate without unit":    {good, []string{"--simulate", "--rate", "4/fortnight"}, 2, "want requests as 40/min"},
	} {
		t.Run(name, func(t *testing.T) {
			code, stdout, stderr := judged(t, c.stdin, c.args...)
			if code != c.code || !strings.Contains(stdout+stderr, c.text) {
				t.Errorf("got status %d, want %d and %q:\n%s%s", code, c.code, c.text, stdout, stderr)
			}
		})
	}
}

func TestJudgeJSON(t *testing.T) {
	const line = `{"old":{"requests":90,"errors":0},"new":{"requests":5,"errors":0},"seconds":2}`
	code, stdout, _ := judged(t, line, "--json")
	var r judge.Report
	if err := json.Unmarshal([]byte(stdout), &r); err != nil {
		t.Fatal(err)
	}
	if code != 3 || r.Verdict != judge.Hold || len(r.Checks) != 1 || r.Requests < 95 || r.Seconds < 38 || r.Limits != judge.DefaultLimits() {
		t.Errorf("status %d: %s", code, stdout)
	}
}

func TestJudgeSimulation(t *testing.T) {
	code, stdout, stderr := judged(t, "", "--simulate", "--rate", "40/min", "--runs", "3", "--errors", "0.5%")
	if code != 0 || !strings.Contains(stdout, "errors + 5 points") || !strings.Contains(stdout, "a step of 10% passes after") {
		t.Errorf("status %d: %s%s", code, stdout, stderr)
	}
	if code, stdout, _ = judged(t, "", "--simulate", "--runs", "2", "--json"); code != 0 || !json.Valid([]byte(stdout)) {
		t.Errorf("status %d: %s", code, stdout)
	}
}
