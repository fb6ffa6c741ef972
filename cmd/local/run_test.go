package main

import (
	"bytes"
	"context"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"ml-service/handler"
)

func env(pairs ...string) func(string) string {
	return func(name string) string {
		for _, p := range pairs {
			if value, ok := strings.CutPrefix(p, name+"="); ok {
				return value
			}
		}
		return ""
	}
}

// TestRunFails wants one clear line on stderr, nothing on stdout, and the exit code of the house.
func TestRunFails(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = taken.Close() }()
	_, port, _ := net.SplitHostPort(taken.Addr().String())
	dir := t.TempDir()
	put := func(version, name, text string) {
		if err := os.MkdirAll(filepath.Join(dir, version), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, version, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	embedded, err := os.ReadFile("../../models/v1.0.0/model.onnx")
	if err != nil {
		t.Fatal(err)
	}
	put("pickle", "model.pkl", "")
	empty := t.TempDir()
	put("broken", "model.onnx", "not a model")
	put("wrong", "model.onnx", string(embedded))
	put("wrong", "golden.json", `{"rows":[{"x":[0.4,-0.2,0.1]}],"answers":[{"prediction":0.0}]}`)

	for _, c := range []struct {
		name string
		args []string
		env  []string
		code int
		want string // how the line begins
	}{
		{"port taken", nil, []string{"HOST=127.0.0.1", "PORT=" + port}, handler.ExitError, "ml-service: listen tcp 127.0.0.1:" + port + ": bind: address already in use"},
		{"a host that is none", nil, []string{"HOST=no.such.host.invalid"}, handler.ExitUsage, "ml-service: listen tcp: lookup no.such.host.invalid"},
		{"a host that is another machine's", nil, []string{"HOST=192.0.2.1"}, handler.ExitUsage, "ml-service: listen tcp 192.0.2.1:8080: bind: cannot assign requested address"},
		{"a host with a port", nil, []string{"HOST=127.0.0.1:8080"}, handler.ExitUsage, "ml-service: listen tcp"},
		{"wrong value", nil, []string{"PORT=http"}, handler.ExitUsage, `ml-service: PORT: want a port from 0 to 65535, got "http"`},
		{"wrong flag", []string{"--colour=blue"}, nil, handler.ExitUsage, "ml-service: flag provided but not defined: -colour"},
		{"argument", []string{"start"}, nil, handler.ExitUsage, `ml-service: unexpected argument "start"`},
		{"artifacts that nobody fetches", nil, []string{"AIP_STORAGE_URI=gs://bucket/model"}, handler.ExitUsage, "ml-service: AIP_STORAGE_URI is gs://bucket/model, from where nothing is fetched"},
		{"a route of Vertex AI that is none", nil, []string{"AIP_PREDICT_ROUTE=predict"}, handler.ExitUsage, `ml-service: AIP_PREDICT_ROUTE: want a path as /predict or /v1/endpoints/7/deployedModels/8:predict, got "predict"`},
		{"serve, and a wrong flag", []string{"serve", "--colour=blue"}, nil, handler.ExitUsage, "ml-service: flag provided but not defined: -colour"},
		{"unknown version", nil, []string{"MODEL_VERSION=v9"}, handler.ExitUsage, `ml-service: unknown model version "v9": there are v1.0.0, v1.1.0`},
		{"unknown version of a folder", []string{"--model-dir", dir, "--model-version=v9"}, nil, handler.ExitUsage, "ml-service: MODEL_DIR " + dir + `: unknown model version "v9": there are broken, wrong`},
		{"an embedded version of a folder", []string{"--model-dir", dir, "--model-version=v1.0.0"}, nil, handler.ExitUsage, "ml-service: MODEL_DIR " + dir + `: unknown model version "v1.0.0": there are broken, wrong`},
		{"a folder of several and no version", []string{"--model-dir", dir}, nil, handler.ExitUsage, "ml-service: MODEL_DIR " + dir + `: unknown model version "v1.0.0": there are broken, wrong`},
		{"an empty folder", []string{"--model-dir", empty}, nil, handler.ExitUsage, "ml-service: MODEL_DIR " + empty + `: unknown model version "v1.0.0": there is none`},
		{"no model file", []string{"--model-dir", dir, "--model-version=pickle"}, nil, handler.ExitUsage, "ml-service: MODEL_DIR " + dir + `: unknown model version "pickle": want model.onnx`},
		{"no folder", nil, []string{"MODEL_DIR=" + dir + "/none"}, handler.ExitUsage, "ml-service: MODEL_DIR " + dir + "/none: want a folder of <version>/ with a model file in each: no such file or directory"},
		{"a file for a folder", nil, []string{"MODEL_DIR=" + dir + "/wrong/model.onnx"}, handler.ExitUsage, "ml-service: MODEL_DIR " + dir + "/wrong/model.onnx: want a folder of <version>/ with a model file in each: not a directory"},
		{"broken model", nil, []string{"MODEL_DIR=" + dir, "MODEL_VERSION=broken"}, handler.ExitError, "ml-service: MODEL_DIR " + dir + ": model broken: "},
		{"golden rows not met", nil, []string{"MODEL_DIR=" + dir, "MODEL_VERSION=wrong"}, handler.ExitError, "ml-service: MODEL_DIR " + dir + ": model wrong: golden.json: row 0: prediction: want 0.0, got "},
		{"nobody to check", []string{"healthcheck", "--port=1"}, nil, handler.ExitError, `ml-service: Get "http://127.0.0.1:1/health"`},
	} {
		t.Run(c.name, func(t *testing.T) {
			var stdout, stderr bytes.Buffer
			code := run(context.Background(), c.args, env(c.env...), strings.NewReader(""), &stdout, &stderr)
			line, rest, _ := strings.Cut(stderr.String(), "\n")
			if code != c.code || !strings.HasPrefix(line, c.want) || rest != "" || stdout.Len() > 0 {
				t.Errorf("got %d, stderr %q, stdout %q\nwant %d, one line %q", code, stderr.String(), stdout.String(), c.code, c.want)
			}
		})
	}
}

func TestRunSays(t *testing.T) {
	for _, c := range []struct{ arg, want string }{
		{"--version", "ml-service v1.0.0 (revision unknown)\n"},
		{"--help", "  --port                PORT                8080        port to listen on; 0: any free one\n"},
		{"-h", "ml-service healthcheck"},
	} {
		var stdout, stderr bytes.Buffer
		code := run(context.Background(), []string{c.arg}, env(), strings.NewReader(""), &stdout, &stderr)
		if code != handler.ExitDone || !strings.Contains(stdout.String(), c.want) || stderr.Len() > 0 {
			t.Errorf("%s: got %d, %q, %q, want 0 and %q", c.arg, code, stdout.String(), stderr.String(), c.want)
		}
	}
}
