package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"ml-service/rollout/compare"
)

func TestLabel(t *testing.T) {
	dir := t.TempDir()
	record := filepath.Join(dir, "record")
	if err := os.Mkdir(record, 0o700); err != nil {
		t.Fatal(err)
	}
	const lines = `{"request_id":"a","route":"/predict","status":200,"body":{"x":[1]},"answer":{"prediction":1}}
{"request_id":"b","route":"/predict","status":200,"body":{"x":[2]},"answer":{"prediction":0}}
{"request_id":"c","route":"/predict","status":200,"body":null,"answer":null}
{"request_id":"d","route":"/pre`
	if err := os.WriteFile(filepath.Join(record, "blue-1.jsonl"), []byte(lines), 0o600); err != nil {
		t.Fatal(err)
	}
	label := func(stdin string, args ...string) (int, string) {
		var out bytes.Buffer
		code := run(t.Context(), append([]string{"label", "-C", dir}, args...), strings.NewReader(stdin), &out, &out)
		return code, out.String()
	}
	const labels = `{"request_id":"a","y":1}
{"request_id":"c","y":0}
{"request_id":"nobody","y":0}
`
	if code, out := label(labels, "--record", record); code != 0 || !strings.Contains(out, "3 labels: 1 joined, 0 known already, 2 without") {
		t.Errorf("status %d: %s", code, out)
	}
	if code, out := label(labels+`{"request_id":"b","y":"no"}`, "--record", record); code != 0 || !strings.Contains(out, "4 labels: 1 joined, 1 known already, 2 without") {
		t.Errorf("again, status %d: %s", code, out)
	}
	rows, err := compare.ReadFile(filepath.Join(dir, ".rollout", labelsFile))
	if err != nil || len(rows) != 2 || string(rows[1].Body) != `{"x":[2]}` || string(rows[1].Known[0]) != `"no"` {
		t.Errorf("rows %+v, %v", rows, err)
	}
	for stdin, want := range map[string]string{"nonsense": "line 1: want {", `{"request_id":"a"}`: "line 1: want {"} {
		if code, out := label(stdin, "--record", record); code != 1 || !strings.Contains(out, want) {
			t.Errorf("%q: status %d: %s", stdin, code, out)
		}
	}
	for _, args := range [][]string{nil, {"--record", dir}} {
		if code, out := label("", args...); code != 2 {
			t.Errorf("%q: status %d: %s", args, code, out)
		}
	}
}
