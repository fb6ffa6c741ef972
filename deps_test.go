// Package mlservice_test keeps the rules of the whole module: who may import whom, and how big the binary is.
package mlservice_test

import (
	"os/exec"
	"runtime"
	"slices"
	"strings"
	"testing"
)

const module = "ml-service/"

// nearest says which rooms stand directly below a room in its column. It may import these and all that stand below them.
var nearest = map[string][]string{
	"cmd/local":       {"handler", "models"},
	"cmd/lambda":      {"handler", "models"},
	"handler":         {"handler/predict", "handler/oip", "handler/record", "handler/table", "style"},
	"handler/record":  {},
	"handler/predict": {"handler/scan", "model"},
	"handler/oip":     {"handler/scan", "model"},
	"handler/table":   {"handler/scan", "model"},
	"handler/scan":    {},
	"model":           {"onnx", "xgboost", "lightgbm", "catboost"},
	"onnx":            {"tree"},
	"xgboost":         {"tree"},
	"lightgbm":        {"tree"},
	"catboost":        {"tree"},
	"tree":            {},
	"models":          {},
	"style":           {},

	"cmd/rollout":       {"rollout/api", "rollout/page"},
	"rollout/page":      {"rollout/canary", "rollout/compare", "style"},
	"rollout/api":       {"rollout/nginx", "rollout/awslambda", "rollout/canary", "rollout/compare"},
	"rollout/nginx":     {"rollout/docker"},
	"rollout/awslambda": {"rollout/docker"},
	"rollout/canary":    {"rollout", "rollout/judge"},
	"rollout/compare":   {"rollout", "rollout/judge"},
	"rollout/docker":    {"rollout", "rollout/judge"},
	"rollout":           {},
	"rollout/judge":     {},
}

// mayImport says whether imported stands below room.
func mayImport(room, imported string) bool {
	return slices.ContainsFunc(nearest[room], func(below string) bool { return below == imported || mayImport(below, imported) })
}

// above are the rooms that measure or ship the others and are imported by none: they may use all but the mains.
var above = []string{"bench"}

// outside says which rooms may import a package of others: the path's beginning, and the rooms.
var outside = map[string][]string{
	"github.com/gin-gonic/":        {"handler", "cmd/lambda"},
	"github.com/aws/aws-lambda-go": {"cmd/lambda"},
	"github.com/awslabs/":          {"cmd/lambda"},
	"github.com/aws/aws-sdk-go":    {"rollout/awslambda"},
	"github.com/aws/smithy-go":     {"rollout/awslambda"},
	"github.com/prometheus/client": {"cmd/local"},
	"google.golang.org/protobuf/":  {"onnx"},
}

// packages lists the module's packages and what each imports.
func packages(t *testing.T) map[string][]string {
	t.Helper()
	const format = `{{.ImportPath}} {{join .Imports " "}}`
	found := make(map[string][]string)
	for _, line := range list(t, "-f", format, "./...") {
		fields := strings.Fields(line)
		found[fields[0]] = fields[1:]
	}
	return found
}

func list(t *testing.T, args ...string) []string {
	t.Helper()
	out, err := exec.Command("go", append([]string{"list", "-tags", "nomsgpack"}, args...)...).Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	return strings.Split(strings.TrimSpace(string(out)), "\n")
}

func isAbove(room string) bool {
	return slices.ContainsFunc(above, func(a string) bool { return room == a || strings.HasPrefix(room, a+"/") })
}

func TestImports(t *testing.T) {
	found := packages(t)
	for _, room := range []string{"cmd/local", "handler", "model", "onnx", "tree", "models"} {
		if _, ok := found[module+room]; !ok {
			t.Errorf("no package %s: is the test run at the root?", room)
		}
	}
	for path, imports := range found {
		room := strings.TrimPrefix(path, module)
		_, known := nearest[room]
		if !known && !isAbove(room) && path != strings.TrimSuffix(module, "/") {
			t.Errorf("%s has no place on the map: give it one in CONTRIBUTING.md and here", room)
			continue
		}
		for _, imported := range imports {
			if ours, ok := strings.CutPrefix(imported, module); ok {
				if known && !mayImport(room, ours) || !known && strings.HasPrefix(ours, "cmd/") {
					t.Errorf("%s imports %s, which does not stand below it", room, ours)
				}
			}
			for prefix, rooms := range outside {
				if strings.HasPrefix(imported, prefix) && !slices.Contains(rooms, room) && !isAbove(room) {
					t.Errorf("%s imports %s, which only %s may", room, imported, strings.Join(rooms, ", "))
				}
			}
		}
	}
}

// TestAssembly keeps assembly in the rooms that compare it with a twin in Go, and finds that it is still there.
func TestAssembly(t *testing.T) {
	want := []string{"handler/scan", "tree"}
	var got []string
	for _, line := range list(t, "-f", "{{if .SFiles}}{{.ImportPath}}{{end}}", "./...") {
		if line != "" {
			got = append(got, strings.TrimPrefix(line, module))
		}
	}
	if runtime.GOARCH == "amd64" && !slices.Equal(got, want) {
		t.Errorf("assembly in %v, want it in %v", got, want)
	}
}

// TestLambdaStaysSmall keeps the metrics library out of the Lambda function, and Lambda out of the server.
func TestLambdaStaysSmall(t *testing.T) {
	for room, unwanted := range map[string]string{
		"cmd/lambda": "github.com/prometheus/",
		"cmd/local":  "github.com/aws",
	} {
		for _, path := range list(t, "-deps", "./"+room) {
			if strings.HasPrefix(path, unwanted) {
				t.Errorf("%s depends on %s", room, path)
			}
		}
	}
}
