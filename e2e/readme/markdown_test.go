package readme

import (
	"reflect"
	"strings"
	"testing"
)

func ptr(s string) *string { return &s }

func TestParse(t *testing.T) {
	page := strings.ReplaceAll(`# top
"""bash
echo 0
"""
## One
"""bash
# a comment
curl http://localhost:8081/health      # {"status":"ok"}
echo up   # 8080 answers
"""

"""json
{"a": 1}
"""
"""bash
go run ./cmd/local   # Ctrl-C ends it
"""
Text between.
"""text
not an output
"""
## Two
<!-- requirements: e2e/requirements.txt -->
"""python
print(1)
"""
"""text
1
"""
"""console
$ sam deploy
"""
"""bash
MODEL_DIR=./models PORT=9000 go run ./cmd/local --model-version v1.1.0
"""
<!-- serves: 8081 -->
"""bash
./bin/ml-service
"""
`, `"""`, "```")
	got, err := Parse(page)
	if err != nil {
		t.Fatal(err)
	}
	want := []Section{
		{"", []Block{{Line: 3, Language: "bash", Text: "echo 0\n"}}},
		{"One", []Block{
			{Line: 7, Language: "bash", Text: "# a comment\ncurl http://localhost:8081/health      # {\"status\":\"ok\"}\necho up   # 8080 answers\n",
				Output: ptr(`{"a": 1}`), Says: []string{`{"status":"ok"}`}},
			{Line: 16, Language: "bash", Text: "go run ./cmd/local   # Ctrl-C ends it\n", Serves: 8080},
		}},
		{"Two", []Block{
			{Line: 25, Language: "python", Text: "print(1)\n", Output: ptr("1"), Requirements: "e2e/requirements.txt"},
			{Line: 34, Language: "bash", Text: "MODEL_DIR=./models PORT=9000 go run ./cmd/local --model-version v1.1.0\n", Serves: 9000},
			{Line: 38, Language: "bash", Text: "./bin/ml-service\n", Serves: 8081},
		}},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got\n%+v\nwant\n%+v", got, want)
	}
}

func TestParseRefuses(t *testing.T) {
	for _, test := range []struct{ page, want string }{
		{"```sh\nls\n```\n", `line 1: a block in "sh"`},
		{"```\nls\n```\n", `line 1: a block in ""`},
		{"a\n```bash\nls\n", "line 2: the block is not closed"},
		{"<!-- serves: soon -->\n```bash\nls\n```\n", `line 1: serves: want a port, got "soon"`},
		{"<!-- serves: 8080 -->\n```console\nls\n```\n", "line 1: serves stands above no bash or python block"},
	} {
		if _, err := Parse(test.page); err == nil || !strings.HasPrefix(err.Error(), test.want) {
			t.Errorf("%q: got %v, want %s", test.page, err, test.want)
		}
	}
}
