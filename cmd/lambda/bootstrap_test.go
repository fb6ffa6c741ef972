package main

import (
	"archive/zip"
	"bufio"
	"bytes"
	"debug/elf"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"
)

const demoAnswer = `{"prediction":1.0,"confidence":0.603,"version":"v1.0.0"}`

// build lets the target that `sam build` calls fill a folder, with env on top of an environment that names no
// architecture and no model, and returns the folder.
func build(t *testing.T, env ...string) string {
	t.Helper()
	dir := t.TempDir()
	cmd := exec.Command("make", "-s", "-C", "../..", "build-MlServiceFunction", "ARTIFACTS_DIR="+dir)
	for _, v := range os.Environ() {
		name, _, _ := strings.Cut(v, "=")
		if !slices.Contains([]string{"GOARCH", "GOOS", "GOFLAGS", "CGO_ENABLED", "MODEL_DIR", "MODEL_VERSION", "MAKEFLAGS", "MFLAGS", "MAKEOVERRIDES"}, name) {
			cmd.Env = append(cmd.Env, v)
		}
	}
	cmd.Env = append(cmd.Env, env...)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("make build-MlServiceFunction: %v\n%s", err, out)
	}
	return dir
}

func TestBootstrapAnswersThroughTheRuntimeAPI(t *testing.T) {
	dir := build(t, "GOARCH="+runtime.GOARCH)
	api := startRuntimeAPI(t)
	p := spawn(t, api, dir, "METRICS_NAMESPACE=ml-service")

	select {
	case asked := <-api.firstNext:
		t.Logf("from spawn to the first next: %.1f ms", float64(asked.Sub(p.started).Microseconds())/1000)
	case <-time.After(20 * time.Second):
		t.Fatal("the bootstrap does not ask for events")
	}
	answers := func(event string) {
		t.Helper()
		o := api.invoke(t, recorded(t, event, nil))
		var a answered
		if err := json.Unmarshal(o.body, &a); err != nil || o.kind != "response" {
			t.Fatalf("%s: %s %s", event, o.kind, o.body)
		}
		h := a.header()
		if a.StatusCode != 200 || a.bytes(t) != demoAnswer || h.Get("X-Model-Version") != "v1.0.0" || h.Get("X-Function-Version") != "7" {
			t.Errorf("%s: answer %+v", event, a)
		}
	}
	shapes := []string{"rest", "httpapi", "functionurl", "alb", "albmulti"}
	for _, shape := range shapes {
		answers(shape)
	}
	for _, bad := range []string{string(recorded(t, "sqs", nil)), `"ping"`, `{"version":"2.0","rawPath":7}`} {
		o := api.invoke(t, []byte(bad))
		if m := o.message(t); o.kind != "error" || m.ErrorType != "EventError" {
			t.Errorf("event %.40s: %s %+v, want an error of type EventError", bad, o.kind, m)
		}
	}
	answers("httpapi")
	if failed := api.invoke(t, recorded(t, "httpapi-base64-broken", nil)); !strings.Contains(string(failed.body), `"statusCode":400`) {
		t.Errorf("a broken body: %s", failed.body)
	}
	select {
	case o := <-api.initError:
		t.Errorf("init/error: %s", o.body)
	default:
	}
	if err := p.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	p.exit(t)
	checkLog(t, p.printed(&p.stdout), len(shapes)+1)
}

// checkLog wants one line for each request of TestBootstrapAnswersThroughTheRuntimeAPI.
func checkLog(t *testing.T, stdout string, predictions int) {
	t.Helper()
	type line struct {
		Msg, Version, Error                    string
		FunctionVersion                        string `json:"function_version"`
		RequestID                              string `json:"request_id"`
		AWSRequestID                           string `json:"aws_request_id"`
		Status, Requests, Errors4xx, Errors5xx int
		Latency                                float64
		FunctionName, Alias, ModelVersion      string
	}
	var requests []line
	for s := bufio.NewScanner(strings.NewReader(stdout)); s.Scan(); {
		var l line
		if err := json.Unmarshal(s.Bytes(), &l); err != nil {
			t.Fatalf("line %q: %v", s.Text(), err)
		}
		if l.Status != 0 {
			requests = append(requests, l)
		}
	}
	if len(requests) != predictions+1 {
		t.Fatalf("%d lines of requests, want %d", len(requests), predictions+1)
	}
	for i, l := range requests {
		bad := i == predictions
		want := 200
		if bad {
			want = 400
		}
		if l.Status != want || l.Version != "v1.0.0" || l.FunctionVersion != "7" || l.RequestID == "" || !strings.HasPrefix(l.AWSRequestID, "event-") {
			t.Errorf("line %d: %+v", i, l)
		}
		if (l.Error != "") != bad || l.Requests != 1 || (l.Errors4xx == 1) != bad || l.Errors5xx != 0 || l.FunctionName != "ml" || l.Alias != "live" || l.ModelVersion != "v1.0.0" {
			t.Errorf("line %d: %+v", i, l)
		}
	}
}

func TestBootstrapReportsWhyItCannotStart(t *testing.T) {
	dir := build(t, "GOARCH="+runtime.GOARCH)
	broken := t.TempDir()
	write(t, filepath.Join(broken, "v3.0.0", "model.onnx"), []byte("no model"))
	tests := []struct {
		name    string
		env     []string
		code    int
		class   string
		message string
	}{
		{"a broken model", []string{"MODEL_DIR=" + broken, "MODEL_VERSION=v3.0.0"}, 1, "Runtime.ModelNotLoaded", "model v3.0.0: "},
		{"no such version", []string{"MODEL_VERSION=v9.9.9"}, 2, "Runtime.Configuration", `unknown model version "v9.9.9": there are v1.0.0, v1.1.0`},
		{"no such folder", []string{"MODEL_DIR=/no/such/folder"}, 2, "Runtime.Configuration", "MODEL_DIR /no/such/folder: want a folder"},
		{"a wrong setting", []string{"LOG_LEVEL=loud"}, 2, "Runtime.Configuration", "LOG_LEVEL: want debug, info, warn or error"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			api := startRuntimeAPI(t)
			p := spawn(t, api, dir, tt.env...)
			if code := p.exit(t); code != tt.code {
				t.Errorf("exit %d, want %d", code, tt.code)
			}
			select {
			case o := <-api.initError:
				if m := o.message(t); o.class != tt.class || m.ErrorType != tt.class || !strings.Contains(m.ErrorMessage, tt.message) {
					t.Errorf("init/error %s %+v, want %s with %q", o.class, m, tt.class, tt.message)
				}
			default:
				t.Error("nothing was reported by init/error")
			}
			if got := p.printed(&p.stderr); strings.Count(got, "\n") != 1 || !strings.Contains(got, tt.message) {
				t.Errorf("stderr %q, want one line with %q", got, tt.message)
			}
		})
	}
}

func TestBootstrapOutsideLambda(t *testing.T) {
	var stdout, stderr bytes.Buffer
	if code := run(func(string) string { return "" }, &stdout, &stderr); code != 2 {
		t.Errorf("exit %d, want 2", code)
	}
	if !strings.HasPrefix(stderr.String(), "bootstrap: AWS_LAMBDA_RUNTIME_API is not set") {
		t.Errorf("stderr %q", stderr.String())
	}
}

// A user's own model travels beside the bootstrap, that one version alone, and is found there.
func TestBuildWithAModelOfOnesOwn(t *testing.T) {
	mine := t.TempDir()
	for version, from := range map[string]string{"v7.0.0": "v1.1.0", "v8.0.0": "v1.0.0"} {
		data, err := os.ReadFile("../../models/" + from + "/model.onnx")
		if err != nil {
			t.Fatal(err)
		}
		write(t, filepath.Join(mine, version, "model.onnx"), data)
	}
	dir := build(t, "GOARCH="+runtime.GOARCH, "MODEL_DIR="+mine, "MODEL_VERSION=v7.0.0")
	var files []string
	err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			files = append(files, strings.TrimPrefix(path, dir))
		}
		return err
	})
	if err != nil || !slices.Equal(files, []string{"/bootstrap", "/models/v7.0.0/model.onnx"}) {
		t.Fatalf("built %v, %v", files, err)
	}
	api := startRuntimeAPI(t)
	spawn(t, api, dir)
	o := api.invoke(t, recorded(t, "httpapi", nil))
	if !strings.Contains(string(o.body), `\"version\":\"v7.0.0\"`) {
		t.Errorf("%s %s", o.kind, o.body)
	}
}

func TestBuildRefusesAModelThatIsNotThere(t *testing.T) {
	for _, env := range []string{"MODEL_DIR=/no/such/folder", "MODEL_VERSION=v9.9.9"} {
		cmd := exec.Command("make", "-s", "-C", "../..", "build-MlServiceFunction", "ARTIFACTS_DIR="+t.TempDir())
		cmd.Env = append(os.Environ(), env)
		out, err := cmd.CombinedOutput()
		if err == nil || !strings.Contains(string(out), "MODEL_DIR must be a folder of <version>/ with a model file each") {
			t.Errorf("%s: %v\n%s", env, err, out)
		}
	}
}

// A model needs four times its file and 64 MB; less memory is found at build, not by users.
func TestBuildChecksTheMemory(t *testing.T) {
	mine := t.TempDir()
	write(t, filepath.Join(mine, "v1", "model.onnx"), make([]byte, 50<<20))
	for memory, want := range map[string]string{"256": "needs MemorySize 264", "263": "needs MemorySize 264"} {
		cmd := exec.Command("make", "-s", "-C", "../..", "build-MlServiceFunction", "ARTIFACTS_DIR="+t.TempDir())
		cmd.Env = append(os.Environ(), "MODEL_DIR="+mine, "MODEL_VERSION=v1", "MEMORY_SIZE="+memory)
		if out, err := cmd.CombinedOutput(); err == nil || !strings.Contains(string(out), want) {
			t.Errorf("MEMORY_SIZE=%s: %v\n%s", memory, err, out)
		}
	}
	build(t, "GOARCH="+runtime.GOARCH, "MODEL_DIR="+mine, "MODEL_VERSION=v1", "MEMORY_SIZE=264")
	if got, want := readStack(t, nil).parameters["MemorySize"], "256"; got != want {
		t.Errorf("the template's MemorySize is %s; the Makefile's default, %s, must be the same", got, want)
	}
}

// What `sam build` makes where nobody names an architecture must be what the template deploys by default.
func TestBuildMatchesTheTemplatesArchitecture(t *testing.T) {
	machines := map[string]elf.Machine{"arm64": elf.EM_AARCH64, "x86_64": elf.EM_X86_64}
	goarch := map[string]string{"arm64": "arm64", "x86_64": "amd64"}
	standard := readStack(t, nil).parameters["Architecture"]
	for architecture, machine := range machines {
		t.Run(architecture, func(t *testing.T) {
			var env []string
			if architecture != standard {
				env = []string{"GOARCH=" + goarch[architecture]}
			}
			dir := build(t, env...)
			f, err := elf.Open(filepath.Join(dir, "bootstrap"))
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close()
			if f.Machine != machine {
				t.Errorf("the bootstrap is for %s, Architecture=%s wants %s", f.Machine, architecture, machine)
			}
			for _, p := range f.Progs {
				if p.Type == elf.PT_INTERP {
					t.Error("the bootstrap is linked dynamically")
				}
			}
			const most = 6 << 20
			size := zipped(t, dir)
			t.Logf("zip for %s: %d bytes", architecture, size)
			if size >= most {
				t.Errorf("the zip has %d bytes, want less than %d", size, most)
			}
		})
	}
}

// zipped returns how long a folder's zip is.
func zipped(t *testing.T, dir string) int {
	t.Helper()
	var out bytes.Buffer
	z := zip.NewWriter(&out)
	if err := z.AddFS(os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Len()
}

func write(t *testing.T, path string, data []byte) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, data, 0o644); err != nil {
		t.Fatal(err)
	}
}
