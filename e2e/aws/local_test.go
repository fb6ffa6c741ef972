package aws

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"ml-service/e2e"
)

// local is a copy with a built function, and no emulator.
func local(t *testing.T) *machine {
	t.Helper()
	port := e2e.FreePort(t)
	ensure(t, port, "") // installs what is missing, starts nothing
	m := &machine{dir: copySource(t)}
	for _, v := range exports(t, port) {
		if !strings.HasPrefix(v, "AWS_ENDPOINT_URL=") {
			m.env = append(m.env, v)
		}
	}
	m.run(t, buildLine)
	return m
}

// whole is the environment of a process that is started with exactly what it is given.
func (m *machine) whole() []string { return append(os.Environ(), m.env...) }

// TestWithoutAnEmulator runs one build under sam local and under the runtime interface emulator.
func TestWithoutAnEmulator(t *testing.T) {
	m := local(t)
	t.Run("sam local", func(t *testing.T) { samLocal(t, m) })
	t.Run("runtime interface emulator", func(t *testing.T) { runtimeInterfaceEmulator(t, m) })
}

func samLocal(t *testing.T, m *machine) {
	port := e2e.FreePort(t)
	url := "http://127.0.0.1:" + port
	line := "exec sam local start-api --host 127.0.0.1 --port " + port +
		" --warm-containers EAGER --container-host-interface 127.0.0.1 --skip-pull-image --parameter-overrides Architecture=x86_64"
	t.Logf("       $ %s", line)
	s := e2e.StartProcess(t, url, m.whole(), "bash", "-c", "cd "+m.dir+" && "+line)
	e2e.Poll(t, 2*time.Minute, "sam local start-api", func() error {
		c, err := net.DialTimeout("tcp", "127.0.0.1:"+port, time.Second)
		if err != nil {
			return err
		}
		return c.Close()
	})
	curl(t, m, url, "v1.0.0", "$LATEST")
	s.Signal(t, syscall.SIGINT) // sam takes its containers away then
	s.Wait(t, time.Minute)
}

// runtimeInterfaceEmulator runs the bootstrap under the emulator that Lambda's own images contain; sam brings it.
func runtimeInterfaceEmulator(t *testing.T, m *machine) {
	bins, err := filepath.Glob(filepath.Join(cacheOfEnsure(t), "sam", "lib", "python3*", "site-packages", "samcli", "local", "rapid", "aws-lambda-rie-x86_64"))
	if err != nil || len(bins) != 1 {
		t.Fatalf("the runtime interface emulator: %v, %v", bins, err)
	}
	bootstrap := filepath.Join(m.dir, ".aws-sam", "build", "MlServiceFunction", "bootstrap")
	run := func(t *testing.T, env ...string) (invoke func(event string) string, process *e2e.Server) {
		t.Helper()
		address, api := e2e.FreePort(t), e2e.FreePort(t)
		process = e2e.StartProcess(t, "", append(m.whole(), env...), bins[0],
			"--runtime-interface-emulator-address", "127.0.0.1:"+address, "--runtime-api-address", "127.0.0.1:"+api, bootstrap)
		e2e.Poll(t, 20*time.Second, "the runtime interface emulator", func() error {
			c, err := net.DialTimeout("tcp", "127.0.0.1:"+address, time.Second)
			if err != nil {
				return err
			}
			return c.Close()
		})
		return func(event string) string {
			t.Helper()
			return e2e.Command{Stdin: event}.Output(t, "curl", "-s", "--data-binary", "@-", "http://127.0.0.1:"+address+"/2015-03-31/functions/function/invocations")
		}, process
	}
	t.Run("answers", func(t *testing.T) {
		invoke, _ := run(t)
		for _, shape := range []string{"rest", "httpapi", "functionurl", "alb", "albmulti"} {
			event, err := os.ReadFile(filepath.Join(e2e.Root(t), "cmd", "lambda", "testdata", shape+".json"))
			if err != nil {
				t.Fatal(err)
			}
			if got := invoke(string(event)); !strings.Contains(got, `"statusCode":200`) || !strings.Contains(got, `{\"prediction\":1.0,\"confidence\":0.603,\"version\":\"v1.0.0\"}`) {
				t.Errorf("%s: %s", shape, got)
			}
		}
		if got := invoke(`{"Records":[]}`); !strings.Contains(got, `"errorType":"EventError"`) {
			t.Errorf("an event of another kind: %s", got)
		}
		if got := invoke(`{"version":"2.0","rawPath":"/health","requestContext":{"http":{"method":"GET"}}}`); !strings.Contains(got, `{\"status\":\"ok\",\"version\":\"v1.0.0\"}`) {
			t.Errorf("after it: %s", got)
		}
	})
	t.Run("records to the log", func(t *testing.T) {
		event, err := os.ReadFile(filepath.Join(e2e.Root(t), "cmd", "lambda", "testdata", "httpapi.json"))
		if err != nil {
			t.Fatal(err)
		}
		const answer = `"version":"v1.0.0","body":{},"answer":{"confidence":0.603,"prediction":1.0,"version":"v1.0.0"}`
		off, silent := run(t)
		off(string(event))
		invoke, process := run(t, "RECORD_DIR=log", "RECORD_OMIT=x")
		invoke(string(event))
		e2e.Poll(t, 10*time.Second, "the line of the record", func() error {
			if out := process.Output(); !strings.Contains(out, `"route":"/predict"`) || !strings.Contains(out, answer) {
				return fmt.Errorf("%s", out)
			}
			return nil
		})
		if out := silent.Output(); strings.Contains(out, answer) {
			t.Errorf("without the switch: %s", out)
		}
	})
	t.Run("says why it cannot start", func(t *testing.T) {
		invoke, _ := run(t, "MODEL_VERSION=v9.9.9")
		if got := invoke(`{}`); !strings.Contains(got, "unknown model version") || !strings.Contains(got, "Runtime.Configuration") {
			t.Errorf("answered %s", got)
		}
	})
}

// cacheOfEnsure is where ensure.sh keeps what it installs.
func cacheOfEnsure(t *testing.T) string {
	t.Helper()
	base, err := os.UserCacheDir()
	if err != nil {
		t.Fatal(err)
	}
	return filepath.Join(base, "ml-service-aws")
}
