package registry

import (
	"bytes"
	"go/ast"
	"go/parser"
	"go/printer"
	gotoken "go/token"
	"strconv"
	"strings"
	"testing"
)

// holds evaluates the condition of a job, whose operators are Go's, with what is known of the run; anything else is empty.
func holds(t *testing.T, condition string, known map[string]string) bool {
	t.Helper()
	condition = strings.TrimSuffix(strings.TrimPrefix(condition, "${{"), "}}")
	parsed, err := parser.ParseExpr(strings.ReplaceAll(condition, "'", `"`))
	if err != nil {
		t.Fatalf("%s: %v", condition, err)
	}
	var value func(e ast.Expr) string
	truth := func(b bool) string {
		if b {
			return "true"
		}
		return ""
	}
	value = func(e ast.Expr) string {
		switch e := e.(type) {
		case *ast.ParenExpr:
			return value(e.X)
		case *ast.UnaryExpr:
			return truth(value(e.X) == "")
		case *ast.BasicLit:
			text, err := strconv.Unquote(e.Value)
			if err != nil {
				t.Fatal(err)
			}
			return text
		case *ast.BinaryExpr:
			a, b := value(e.X), value(e.Y)
			switch e.Op {
			case gotoken.LAND:
				return truth(a != "" && b != "")
			case gotoken.LOR:
				return truth(a != "" || b != "")
			case gotoken.EQL:
				return truth(a == b)
			case gotoken.NEQ:
				return truth(a != b)
			}
		}
		var name bytes.Buffer
		if err := printer.Fprint(&name, gotoken.NewFileSet(), e); err != nil {
			t.Fatal(err)
		}
		return known[name.String()]
	}
	return value(parsed) != ""
}

// latest is the image that users have, so that previous is the one they had before.
func TestTagsFollowTheApi(t *testing.T) {
	const url, api, lambda, staging, image = "vars.CLOUD_API_URL", "needs.api.result", "needs.lambda.result", "needs.staging.result", "needs.image.result"
	known := func(pairs ...string) map[string]string {
		return with(values{image: "success", staging: "skipped", url: "https://deploy.example.com", api: "success", lambda: "success"}, pairs...)
	}
	tests := []struct {
		name  string
		known map[string]string
		want  bool
	}{
		{"both deployed", known(), true},
		{"the API deployed, Lambda held", known(lambda, "failure"), true},
		{"the API deployed, no Lambda", known(lambda, "skipped"), true},
		{"the API failed, Lambda deployed", known(api, "failure"), false},
		{"the API left out, since staging failed", known(staging, "failure", api, "skipped", lambda, "skipped"), false},
		{"no API, Lambda deployed", known(url, "", api, "skipped"), true},
		{"no API, Lambda held", known(url, "", api, "skipped", lambda, "failure"), false},
		{"neither", known(url, "", api, "skipped", lambda, "skipped"), true},
		{"neither, and a call of which nothing ran counts as done", known(url, ""), true},
		{"a model in S3", known(image, "skipped", url, "", api, "skipped"), false},
		{"cancelled", known("cancelled()", "true"), false},
	}
	job := workflows(t)["deploy"].Jobs["tags"]
	for _, tt := range tests {
		if got := holds(t, job.If, tt.known); got != tt.want {
			t.Errorf("%s: tags move: got %v, want %v", tt.name, got, tt.want)
		}
	}
}

// A patch of Go that came out today fails the weekly run and one by hand, and no deployment, by hand or not.
func TestToolchainFailsNoDeployment(t *testing.T) {
	const event, report = "github.event_name", "inputs.report"
	_, _, step := (&runner{t: t, workflows: workflows(t)}).step("vuln/vuln/Check that go.mod names the newest patch of its Go")
	for _, tt := range []struct {
		name  string
		known map[string]string
		want  bool
	}{
		{"weekly", map[string]string{event: "schedule"}, true},
		{"vuln by hand", map[string]string{event: "workflow_dispatch"}, true},
		{"a pull request", map[string]string{event: "pull_request"}, false},
		{"deploy on a push", map[string]string{event: "push", report: "true"}, false},
		{"deploy by hand", map[string]string{event: "workflow_dispatch", report: "true"}, false},
	} {
		if got := holds(t, step.If, tt.known); got != tt.want {
			t.Errorf("%s: got %v, want %v", tt.name, got, tt.want)
		}
	}
}
