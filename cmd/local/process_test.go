package main

import (
	"bufio"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// patience bounds every wait; it is no measure of how long anything should take.
const patience = 2 * time.Minute

// service is a started ml-service.
type service struct {
	t      *testing.T
	cmd    *exec.Cmd
	url    string
	stderr *lines
	exited chan struct{}
}

// lines keeps what a process writes, by line.
type lines struct {
	mu  sync.Mutex
	all []string
}

func (l *lines) add(line string) { l.mu.Lock(); l.all = append(l.all, line); l.mu.Unlock() }

func (l *lines) String() string { l.mu.Lock(); defer l.mu.Unlock(); return strings.Join(l.all, "\n") }

// built is the binary, built once for all tests by TestMain.
var built string

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "ml-service")
	if err != nil {
		panic(err)
	}
	built = filepath.Join(dir, "ml-service")
	if out, err := exec.Command("go", "build", "-trimpath", "-tags", "nomsgpack", "-o", built, ".").CombinedOutput(); err != nil {
		panic(string(out))
	}
	code := m.Run()
	_ = os.RemoveAll(dir)
	os.Exit(code)
}

// start runs a command with the service on a free port and waits until it listens. It is killed, with its children,
// when the test ends.
func start(t *testing.T, command []string, env ...string) *service {
	t.Helper()
	s := &service{t: t, cmd: exec.Command(command[0], command[1:]...), stderr: new(lines), exited: make(chan struct{})}
	s.cmd.Env = append(os.Environ(), append([]string{"HOST=127.0.0.1", "PORT=0"}, env...)...)
	s.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	pipe, err := s.cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	address := make(chan string, 1)
	go func() {
		for scan := bufio.NewScanner(pipe); scan.Scan(); {
			s.stderr.add(scan.Text())
			var line struct{ Msg, Address string }
			if json.Unmarshal(scan.Bytes(), &line) == nil && line.Msg == "listening" {
				address <- line.Address
			}
		}
		_ = s.cmd.Wait()
		close(s.exited)
	}()
	t.Cleanup(func() {
		_ = syscall.Kill(-s.cmd.Process.Pid, syscall.SIGKILL)
		<-s.exited
	})
	select {
	case a := <-address:
		s.url = "http://" + a
	case <-s.exited:
		t.Fatalf("ended before it listened:\n%s", s.stderr)
	case <-time.After(patience):
		t.Fatalf("does not listen:\n%s", s.stderr)
	}
	return s
}

func (s *service) signal(sig os.Signal) {
	s.t.Helper()
	if err := s.cmd.Process.Signal(sig); err != nil {
		s.t.Fatal(err)
	}
}

// wait waits for the end of the process and gives its exit code.
func (s *service) wait() int {
	s.t.Helper()
	select {
	case <-s.exited:
	case <-time.After(patience):
		s.t.Fatalf("does not end:\n%s", s.stderr)
	}
	return s.cmd.ProcessState.ExitCode()
}

// ask sends a request on a connection of its own and says whether the answer closes it; a failure gives status 0.
func (s *service) ask(method, path, body string) (status int, answer string, closes bool) {
	s.t.Helper()
	client := &http.Client{Transport: &http.Transport{}}
	defer client.CloseIdleConnections()
	req, err := http.NewRequest(method, s.url+path, strings.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}
	res, err := client.Do(req)
	if err != nil {
		return 0, err.Error(), false
	}
	defer func() { _ = res.Body.Close() }()
	got, err := io.ReadAll(res.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	return res.StatusCode, string(got), res.Close
}

// until polls.
func (s *service) until(what string, done func() bool) {
	s.t.Helper()
	for deadline := time.Now().Add(patience); !done(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			s.t.Fatalf("never %s:\n%s", what, s.stderr)
		}
	}
}

// TestAnswers is the contract's two requests, byte for byte, through the built binary and through go run.
func TestAnswers(t *testing.T) {
	for name, c := range map[string]struct {
		command []string
		env     []string
		health  string
		predict string
	}{
		"built":         {[]string{built}, nil, `{"status":"ok","version":"v1.0.0"}`, `{"prediction":1.0,"confidence":0.603,"version":"v1.0.0"}`},
		"built, v1.1.0": {[]string{built}, []string{"MODEL_VERSION=v1.1.0"}, `{"status":"ok","version":"v1.1.0"}`, `{"prediction":1.0,"confidence":0.897,"version":"v1.1.0"}`},
		"go run":        {[]string{"go", "run", "../../cmd/local"}, nil, `{"status":"ok","version":"v1.0.0"}`, `{"prediction":1.0,"confidence":0.603,"version":"v1.0.0"}`},
	} {
		t.Run(name, func(t *testing.T) {
			s := start(t, c.command, c.env...)
			if status, got, _ := s.ask("GET", "/health", ""); status != 200 || got != c.health {
				t.Errorf("health: got %d %s, want %s", status, got, c.health)
			}
			if status, got, _ := s.ask("POST", "/predict", `{"x": [0.4, -0.2, 0.1]}`); status != 200 || got != c.predict {
				t.Errorf("predict: got %d %s, want %s", status, got, c.predict)
			}
		})
	}
}

// TestOwnModel finds a version in MODEL_DIR before the embedded one of the same name.
func TestOwnModel(t *testing.T) {
	dir := t.TempDir()
	if err := os.CopyFS(filepath.Join(dir, "v1.0.0"), os.DirFS("../../models/v1.1.0")); err != nil {
		t.Fatal(err)
	}
	s := start(t, []string{built}, "MODEL_DIR="+dir)
	want := `{"prediction":1.0,"confidence":0.897,"version":"v1.0.0"}`
	if status, got, _ := s.ask("POST", "/predict", `{"x":[0.4,-0.2,0.1]}`); status != 200 || got != want {
		t.Errorf("got %d %s, want %s", status, got, want)
	}
}

func TestHealthcheck(t *testing.T) {
	s := start(t, []string{built}, "DRAIN_DELAY=1h")
	_, port, _ := net.SplitHostPort(strings.TrimPrefix(s.url, "http://"))
	check := func() (string, error) {
		cmd := exec.Command(built, "healthcheck")
		cmd.Env = append(os.Environ(), "PORT="+port, "HTTP_PROXY=http://127.0.0.1:1")
		out, err := cmd.CombinedOutput()
		return string(out), err
	}
	if out, err := check(); err != nil || out != "" {
		t.Errorf("healthy: got %q, %v, want nothing and exit 0", out, err)
	}
	s.signal(syscall.SIGTERM)
	s.until("drains", func() bool { status, _, _ := s.ask("GET", "/health", ""); return status == 503 })
	if out, err := check(); err == nil || !strings.Contains(out, "503 Service Unavailable") || strings.Count(out, "\n") != 1 {
		t.Errorf("draining: got %q, %v, want one line and exit 1", out, err)
	}
}
