package aws

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"ml-service/e2e"
)

// The tools that deploy.sh calls, which write down how they were called. sam and go do nothing else; aws answers for a stack
// and for a function whose version 2 was published last.
const (
	fakeAWS = `#!/usr/bin/env python3
import json, os, re, sys
args = sys.argv[1:]
key = re.search(r"Key=='(\w+)'", " ".join(args))
parameters = json.loads(os.environ["PARAMETERS"])
outputs = {"FunctionName": "f", "NewestVersion": "2"}
if args[1] == "describe-stacks":
    if not parameters and not os.path.exists("calls"):
        sys.exit("Stack with id does not exist")
    print({**outputs, **parameters}.get(key[1], ""))
elif args[1] == "get-alias" and "Description" in args:
    print("None")
elif args[1] == "get-alias":
    print(json.dumps({"FunctionVersion": "2" if "next" in args else "1"}))
elif args[:2] == ["s3", "cp"]:
    os.makedirs(args[-1])
    with open(args[-1] + "model.onnx", "w") as model:
        model.truncate(int(os.environ["MODEL_BYTES"]))
elif args[1] == "invoke":
    with open(args[-1], "w") as out:
        json.dump({"statusCode": 200, "headers": {}, "body": json.dumps({"version": "v1.0.0"})}, out)
    print("{}")
elif args[1] == "update-alias":
    sys.exit("nobody may be moved here")
`
	fakeSAM = `#!/bin/bash
echo "sam $* MEMORY_SIZE=$MEMORY_SIZE GOARCH=$GOARCH" >>calls
`
	// What it builds is rollout, which here waits for a signal.
	fakeGo = `#!/bin/bash
mkdir -p bin
cat >bin/rollout <<'END'
#!/bin/bash
trap 'echo "rollout was told to end" >>calls; exit 7' TERM INT
echo "rollout $*" >>calls
for ((i = 0; i < ${WAIT:-300}; i++)); do sleep 0.1; done
END
chmod +x bin/rollout
`
)

// script is a folder with deploy.sh and these tools.
type script struct {
	dir string
	env []string
}

func newScript(t *testing.T) *script {
	t.Helper()
	s := &script{dir: t.TempDir()}
	for name, text := range map[string]string{"aws": fakeAWS, "sam": fakeSAM, "go": fakeGo} {
		copyText(t, filepath.Join(s.dir, "tools", name), text)
	}
	for _, name := range []string{"deploy.sh", "stack.sh", "check.py"} {
		text, err := os.ReadFile(filepath.Join(e2e.Root(t), "deploy", "aws", name))
		if err != nil {
			t.Fatal(err)
		}
		copyText(t, filepath.Join(s.dir, "deploy", "aws", name), string(text))
	}
	// A python3 that a version manager starts would find that manager's aws first.
	python := strings.TrimSpace(e2e.Command{}.Output(t, "python3", "-c", "import sys; print(sys.executable)"))
	if err := os.Symlink(python, filepath.Join(s.dir, "tools", "python3")); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(s.dir, "tmp"), 0o755); err != nil {
		t.Fatal(err)
	}
	s.env = []string{"PATH=" + filepath.Join(s.dir, "tools") + ":" + os.Getenv("PATH"), "TMPDIR=" + filepath.Join(s.dir, "tmp"), "REVISION=1"}
	return s
}

func copyText(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o755); err != nil {
		t.Fatal(err)
	}
}

func (s *script) command(env ...string) *exec.Cmd {
	c := exec.Command(filepath.Join(s.dir, "deploy", "aws", "deploy.sh"))
	c.Dir, c.Env = s.dir, append(s.env, env...)
	return c
}

// calls are the lines that sam and rollout wrote.
func (s *script) calls(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(s.dir, "calls"))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		t.Fatal(err)
	}
	return string(text)
}

func (s *script) wantNothingTemporary(t *testing.T) {
	t.Helper()
	left, err := os.ReadDir(filepath.Join(s.dir, "tmp"))
	if err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

// What is given to a deployment counts against what the stack has, and an empty value is not given.
func TestDeployParameters(t *testing.T) {
	const has = `PARAMETERS={"Architecture":"x86_64","MemorySize":"1024","EphemeralStorage":"1000","MetricsNamespace":"ml"}`
	const older = `PARAMETERS={"Architecture":"x86_64","MemorySize":"1024","EphemeralStorage":"","MetricsNamespace":"ml"}`
	const none = "PARAMETERS={}"
	const s3 = "MODEL_S3_URI=s3://mine/models"
	for _, tt := range []struct {
		name   string
		env    []string
		build  string
		deploy string // its parameters
	}{
		{"a first deployment", []string{none}, "Architecture=arm64 MEMORY_SIZE=256 GOARCH=arm64", " --parameter-overrides Architecture=arm64 MemorySize=256"},
		{"a first one with values", []string{none, "ARCHITECTURE=x86_64", "MEMORY_SIZE=512", "STACK=other"}, "Architecture=x86_64 MEMORY_SIZE=512 GOARCH=amd64", " --parameter-overrides Architecture=x86_64 MemorySize=512"},
		{"what the stack has", []string{has}, "Architecture=x86_64 MEMORY_SIZE=1024 GOARCH=amd64", ""},
		{"empty values", []string{has, "ARCHITECTURE=", "MEMORY_SIZE=", "STACK="}, "Architecture=x86_64 MEMORY_SIZE=1024 GOARCH=amd64", ""},
		{"the same values", []string{has, "ARCHITECTURE=x86_64", "MEMORY_SIZE=1024"}, "Architecture=x86_64 MEMORY_SIZE=1024 GOARCH=amd64", ""},
		{"more memory", []string{has, "MEMORY_SIZE=2048"}, "Architecture=x86_64 MEMORY_SIZE=2048 GOARCH=amd64", " --parameter-overrides MemorySize=2048"},
		{"another machine", []string{has, "ARCHITECTURE=arm64"}, "Architecture=arm64 MEMORY_SIZE=1024 GOARCH=arm64", " --parameter-overrides Architecture=arm64"},
		{"a model that fits into the zip", []string{has, s3, "MODEL_BYTES=1000"}, "Architecture=x86_64 MEMORY_SIZE=1024 GOARCH=amd64", ""},
		{"one that fits into /tmp", []string{older, s3, "MODEL_BYTES=300000000"}, "Architecture=x86_64 MEMORY_SIZE=1024 GOARCH=amd64", " --parameter-overrides ModelBucket=mine"},
		{"one beyond it", []string{older, s3, "MODEL_BYTES=600000000"}, "Architecture=x86_64 MEMORY_SIZE=1024 GOARCH=amd64", " --parameter-overrides ModelBucket=mine EphemeralStorage=637"},
		{"one that fits into what the stack has", []string{has, s3, "MODEL_BYTES=600000000"}, "Architecture=x86_64 MEMORY_SIZE=1024 GOARCH=amd64", " --parameter-overrides ModelBucket=mine"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := newScript(t)
			if out, err := s.command(tt.env...).CombinedOutput(); err != nil {
				t.Fatalf("%v\n%s", err, out)
			}
			name := "ml-service"
			for _, one := range tt.env {
				if after, ok := strings.CutPrefix(one, "STACK="); ok && after != "" {
					name = after
				}
			}
			_, machine, _ := strings.Cut(tt.build, " ")
			if got, want := s.calls(t), fmt.Sprintf("sam build --parameter-overrides %s\nsam deploy --stack-name %s%s %s\n", tt.build, name, tt.deploy, machine); got != want {
				t.Errorf("got\n%s\nwant\n%s", got, want)
			}
			s.wantNothingTemporary(t)
		})
	}
	for _, refused := range []struct{ env, want string }{
		{"MEMORY_SIZE=lots", "MEMORY_SIZE: want MB, 128 to 10240, got lots"}, {"ARCHITECTURE=amd64", "want arm64 or x86_64, got amd64"}, {"STRATEGY=half", "want publish, canary or switch, got half"},
	} {
		s := newScript(t)
		out, err := s.command(has, refused.env).CombinedOutput()
		var exit *exec.ExitError
		if !errors.As(err, &exit) || exit.ExitCode() != 2 || !bytes.Contains(out, []byte(refused.want)) || s.calls(t) != "" {
			t.Errorf("%s: %v, %s, after %q; want %q and exit status 2", refused.env, err, out, s.calls(t), refused.want)
		}
	}
}

// A canary is judged, whoever asks for it, and by the stack's own metrics; where it has none nothing is published.
func TestDeployCanary(t *testing.T) {
	const parameters = `PARAMETERS={"Architecture":"x86_64","MemorySize":"1024","EphemeralStorage":"512","MetricsNamespace":"%s"}`
	for _, asked := range []string{"STRATEGY=canary", "LAMBDA_STRATEGY=canary"} {
		for _, namespace := range []string{"none", ""} {
			s := newScript(t)
			out, err := s.command(fmt.Sprintf(parameters, namespace), asked).CombinedOutput()
			var exit *exec.ExitError
			if !errors.As(err, &exit) || exit.ExitCode() != 2 || !bytes.Contains(out, []byte("a canary is judged by the function's own metrics, and the stack ml-service has none")) || s.calls(t) != "" {
				t.Errorf("%s, namespace %q: %v, %s, after %q", asked, namespace, err, out, s.calls(t))
			}
		}
		s := newScript(t)
		out, err := s.command(fmt.Sprintf(parameters, "ours"), asked, "LAMBDA_MAX_WAIT=9m", "WAIT=0").CombinedOutput()
		if err != nil {
			t.Errorf("%s: %v, %s", asked, err, out)
		}
		wantSaid(t, s.calls(t), "\nrollout --target lambda --stack ml-service --metrics-namespace ours canary --to 2 --measure 5m --every 30s --max-wait 9m --on-hold rollback\n")
	}
}

// A job that is cancelled tells rollout, and a model that was fetched for the build is gone by then.
func TestDeployIsCancelled(t *testing.T) {
	const has = `PARAMETERS={"Architecture":"x86_64","MemorySize":"1024","EphemeralStorage":"512","MetricsNamespace":"ml"}`
	s := newScript(t)
	c := s.command(has, "MODEL_S3_URI=s3://mine/models", "MODEL_BYTES=1000", "LAMBDA_STRATEGY=canary")
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	e2e.Poll(t, 30*time.Second, "rollout runs", func() error {
		if calls := s.calls(t); !strings.Contains(calls, "\nrollout ") {
			return fmt.Errorf("called until now: %q", calls)
		}
		return nil
	})
	s.wantNothingTemporary(t)
	if err := c.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := c.Wait(); c.ProcessState.ExitCode() != 7 {
		t.Errorf("ended with %v, want rollout's own status 7", err)
	}
	wantSaid(t, s.calls(t), "rollout was told to end\n")
}
